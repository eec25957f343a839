"""A small run in which everything occurs that a card or a report may have to show."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from langchain_core.messages import BaseMessage, ToolMessage

from agentalign_lc.dataset import RunStore
from agentalign_lc.records import Example, Intent, Outcome, Result, Status, Trajectory, Verdict
from agentalign_lc.synthesis import synthesize

PAYLOADS = (
    "<script>window.pwned=1</script>",
    '"><img src=x onerror="window.pwned=1">',
    "</script><script>window.pwned=1</script>",
    "</textarea></style></title><svg onload=window.pwned=1>",
    "' onmouseover='window.pwned=1' x='",
    "<iframe src=javascript:window.pwned=1></iframe><a href=javascript:window.pwned=1>x</a>",
    "<!-- ]]> {{ 7*7 }} {% if %} ${7*7}",
    "\u202egnp.exe\u2066 שלום עולם مرحبا بالعالم",
    "\x07\x1b[31m red \x7f a\u2028b\u2029c \ufeff",
    "a|b\n\n# not a heading\n- [x](javascript:alert(1)) `code` **bold** @someone www.example.com",
    '\\" \\u003c &lt;script&gt; &#60;b>',
)

_SPLITS = ("train", "train", "train", "dev", "test", "test_tools", "test_chains")


def varied_run(folder: Path, hostile: Sequence[str] = ()) -> Path:
    """Make a run with refusals midway, rejected responses, splits and losses.

    Args:
        folder: Where to.
        hostile: If there are any, each stands in every text of some of the rows, in turn.
    """
    synthesize(folder, {"scenarios": 10, "everyday": 4, "pressure": 0.5, "seed": 5})
    with RunStore.read(folder) as store:
        results = list(store.results())
    benign = {r.index: r.example for r in results if r.intent is Intent.BENIGN and r.example}
    refusals = {r.index: r.example for r in results if r.intent is Intent.HARMFUL and r.example}
    with RunStore.resume(folder) as store:
        for number, result in enumerate(results):
            assert result.example is not None
            example = _varied(result.example, benign[result.index], refusals.get(result.index))
            varied = _lost(result.model_copy(update={"example": example}))
            if hostile:
                varied = with_text(varied, hostile[number % len(hostile)])
            store.save([varied])
        store.close_run()
    return folder


def _varied(example: Example, benign: Example, refusal: Example | None) -> Example:
    changed: dict[str, Any] = {"split": _SPLITS[example.scenario.index % len(_SPLITS)]}
    if example.instruction.intent is Intent.HARMFUL:
        changed |= {
            "refused_at": len(example.response.calls),
            "rejected": benign.response.model_copy(update={"tools": ()}),
            "rejected_as": "complied",
        }
    elif refusal is not None and example.instruction.intent is Intent.BENIGN:
        messages = (*example.response.messages[:2], refusal.response.messages[-1])
        changed |= {
            "rejected": Trajectory(messages=messages, tools=()),
            "rejected_as": "over_refused",
        }
    return example.model_copy(update=changed)


def _lost(result: Result) -> Result:
    match result.index, result.intent:
        case 3, Intent.BENIGN:
            verdict = Verdict(
                gate="response.grounding", outcome=Outcome.FAIL, reason="to: from nowhere"
            )
            example = result.example
            assert example is not None
            example = example.model_copy(update={"verdicts": (*example.verdicts, verdict)})
            return result.model_copy(
                update={
                    "status": Status.REJECTED,
                    "gate": verdict.gate,
                    "reason": verdict.reason,
                    "example": example,
                }
            )
        case 4, Intent.BORDERLINE:
            return Result.failed(4, result.intent, "act", "APITimeoutError: timed out")
        case 5, Intent.HARMFUL:
            lost = Result.failed(5, result.intent, "request.schema", "path: Field required")
            return lost.model_copy(update={"status": Status.REJECTED})
    return result


def with_text(result: Result, text: str) -> Result:
    """Put a text into every place of a result that can hold one."""
    result = result.model_copy(update={"reason": text if result.reason else ""})
    example = result.example
    if example is None:
        return result
    readings = dict.fromkeys(("harmful", "borderline", "benign"), text[:200])
    chain = example.scenario.chain.model_copy(update={"name": text, **readings})
    changed = {
        "scenario": example.scenario.model_copy(update={"chain": chain, "distractors": (text,)}),
        "instruction": example.instruction.model_copy(update={"text": text}),
        "response": _trajectory(example.response, text),
        "rejected": example.rejected and _trajectory(example.rejected, text),
        "verdicts": tuple(v.model_copy(update={"reason": text}) for v in example.verdicts),
        "provenance": tuple(
            p.model_copy(update={"writer": text, "prompt": text}) for p in example.provenance
        ),
    }
    return result.model_copy(update={"example": example.model_copy(update=changed)})


def _trajectory(trajectory: Trajectory, text: str) -> Trajectory:
    messages = tuple(_message(message, text) for message in trajectory.messages)
    return trajectory.model_copy(update={"messages": messages})


def _message(message: BaseMessage, text: str) -> BaseMessage:
    changed: dict[str, Any] = {"content": text if message.content else ""}
    if isinstance(message, ToolMessage):
        changed["name"] = text
    if calls := getattr(message, "tool_calls", None):
        changed["tool_calls"] = [{**call, "name": text, "args": {text: text}} for call in calls]
    return message.model_copy(update=changed)
