"""Timelines: a result as plain JSON that a page can draw, one event after the other.

Before, messages of a trajectory as LangChain keeps them: a ``HumanMessage``,
an ``AIMessage`` with a tool call, the ``ToolMessage`` that answers it, an
``AIMessage`` with the answer.

After: ``[{"kind": "user", "text": ...}, {"kind": "call", "name": ..., "arguments": ...,
"result": ..., "error": False, ...}, {"kind": "assistant", "text": ...}]``
"""

import json
from typing import Any

from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from agentalign_lc.messages import message_text
from agentalign_lc.records import Example, Intent, Result, Trajectory, Twist

__all__ = ["draw_result", "draw_trajectory"]

_LONGEST = 6000
"""Characters of a text that are shown; a page of pages helps nobody."""


def draw_result(result: Result) -> dict[str, Any]:
    """Turn a result into what a page shows of it; only strings, numbers, lists and the like.

    Example:
        >>> lost = Result.failed(3, Intent.BENIGN, "act", "the model did not answer")
        >>> drawn = draw_result(lost)
        >>> drawn["id"], drawn["status"], drawn["response"]
        ('scenario-3-benign', 'failed', [])
    """
    drawn: dict[str, Any] = {
        "id": f"scenario-{result.index}-{result.intent.value}",
        "scenario": result.index,
        "intent": result.intent.value,
        "status": result.status.value,
        "gate": result.gate,
        "reason": result.reason,
        "category": "",
        "request": "",
        "split": "",
        "response": [],
        "rejected": None,
    }
    return drawn if result.example is None else {**drawn, **_drawn(result.example)}


def _drawn(example: Example) -> dict[str, Any]:
    scenario, instruction = example.scenario, example.instruction
    chain, twist = scenario.chain, scenario.twist
    refused = example.refused_at is not None or instruction.intent is Intent.HARMFUL
    rejected = example.rejected
    return {
        "id": example.id,
        "category": chain.category,
        "subcategory": chain.subcategory,
        "chain": chain.name,
        "reading": chain.reading(instruction.intent),
        "steps": [str(step) for step in chain.steps],
        "tone": scenario.style.tone.value,
        "pressure": scenario.style.pressure.value if scenario.style.pressure else "",
        "twist": twist.kind if twist else "",
        "request": _short(instruction.text),
        "note": _short(instruction.note.text) if instruction.note else "",
        "split": example.split,
        "refused_at": _refused_at(example) if refused else None,
        "rejected_as": example.rejected_as,
        "response": draw_trajectory(example.response, twist, refused=refused),
        "rejected": None
        if rejected is None
        else draw_trajectory(rejected, twist, refused=example.rejected_as == "over_refused"),
        "verdicts": [
            {"gate": v.gate, "outcome": v.outcome.value, "reason": v.reason}
            for v in example.verdicts
        ],
        "sources": [
            " · ".join(filter(None, (part.role, part.writer, part.prompt)))
            for part in example.provenance
        ],
        "tools": list(scenario.offered),
    }


def _refused_at(example: Example) -> int:
    return len(example.response.calls) if example.refused_at is None else example.refused_at


def draw_trajectory(
    trajectory: Trajectory, twist: Twist | None = None, *, refused: bool = False
) -> list[dict[str, Any]]:
    """Turn a trajectory into events, one after the other.

    Args:
        trajectory: The conversation.
        twist: What goes wrong in its world: an injected instruction is marked.
        refused: Whether its last answer is a refusal.

    Example:
        >>> said = Trajectory(messages=(HumanMessage("Hi"), AIMessage("Hello!")), tools=())
        >>> [event["kind"] for event in draw_trajectory(said)]
        ['user', 'assistant']
    """
    answers = {m.tool_call_id: m for m in trajectory.messages if isinstance(m, ToolMessage)}
    events: list[dict[str, Any]] = []
    for message in trajectory.messages:
        text = message_text(message)
        if isinstance(message, SystemMessage):
            events.append({"kind": "system", "text": _short(text)})
        elif isinstance(message, HumanMessage):
            events.append({"kind": "user", "text": _short(text)})
        elif isinstance(message, AIMessage):
            if text:
                events.append({"kind": "assistant", "text": _short(text)})
            for call in message.tool_calls:
                answer = answers.get(call["id"] or "")
                events.append(_call(call["name"], _pretty(call["args"]), answer, twist))
            for broken in message.invalid_tool_calls:
                answer = answers.get(broken["id"] or "")
                said = broken["name"] or "unknown", broken["args"] or ""
                events.append({**_call(*said, answer, twist), "error": True})
    if refused and events and events[-1]["kind"] == "assistant":
        events[-1]["kind"] = "refusal"
    return events


def _call(
    name: str, arguments: str, answer: ToolMessage | None, twist: Twist | None
) -> dict[str, Any]:
    result = message_text(answer) if answer is not None else None
    injection = twist if twist and twist.kind == "injection" else None
    return {
        "kind": "call",
        "name": name,
        "arguments": _short(arguments),
        "result": None if result is None else _short(_readable(result)),
        "error": answer is not None and answer.status == "error",
        "injected": bool(injection and result and _says(result, injection.text)),
        "obeyed": bool(injection and injection.marker and injection.marker in arguments),
    }


def _says(result: str, text: str) -> bool:
    # A tool's result is JSON, mostly, and then the text stands in it with escapes.
    return bool(text) and (text in result or json.dumps(text, ensure_ascii=False)[1:-1] in result)


def _readable(text: str) -> str:
    """Indent JSON; leave anything else as it is."""
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        return _pretty(json.loads(text))
    except (ValueError, RecursionError):
        return text


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _short(text: str) -> str:
    more = len(text) - _LONGEST
    return text if more <= 0 else f"{text[:_LONGEST]}… ({more:,} more characters)"
