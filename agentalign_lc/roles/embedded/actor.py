"""The embedded actor: carries out the expected calls, one a turn, and reports."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import yaml
from langchain_core.messages import AIMessage, BaseMessage, ToolCall, ToolMessage
from pydantic import JsonValue

from agentalign_lc.environment.catalog import Catalog
from agentalign_lc.environment.references import resolve
from agentalign_lc.environment.spec import ToolSpec
from agentalign_lc.records import ExpectedCall, Instruction, Provenance
from agentalign_lc.seeds import derive_seed, stream

__all__ = ["EmbeddedActor"]

_CLAUSES: dict[str, list[str]] = yaml.safe_load(
    Path(__file__).with_name("answers.yaml").read_text(encoding="utf-8")
)


class EmbeddedActor:
    """Stands in for a chat model in the ordinary agent loop.

    It knows the calls that an instruction should lead to, makes the next one
    each turn, fills in what earlier results gave, and ends with a report. If a
    call fails it says so and stops; it does not pretend.
    """

    def __init__(self, catalog: Catalog) -> None:
        self.source = Provenance(role="actor", writer="embedded")
        self._catalog = catalog

    async def act(
        self,
        messages: Sequence[BaseMessage],
        tools: Sequence[ToolSpec],  # noqa: ARG002 - the role's shape; the calls name their tools
        instruction: Instruction,
    ) -> AIMessage:
        """Return the next expected call, or the closing report."""
        answers = [message for message in messages if isinstance(message, ToolMessage)]
        results = [_read(message) for message in answers]
        done = len(answers)
        seed = derive_seed(instruction.id, done)
        if answers and answers[-1].status == "error":
            return AIMessage(
                _failure(instruction.calls[done - 1], results[-1]), id=f"ai-{seed[:12]}"
            )
        if done < len(instruction.calls):
            expected = instruction.calls[done]
            try:
                arguments = resolve(dict(expected.arguments), results)
            except LookupError:
                return AIMessage(_missing(expected), id=f"ai-{seed[:12]}")
            call = ToolCall(name=expected.tool, args=dict(arguments), id=f"call_{seed[:24]}")  # type: ignore[arg-type]
            return AIMessage("", tool_calls=[call], id=f"ai-{seed[:12]}")
        made = [
            # As they were made: references into earlier results have their values here.
            ExpectedCall(tool=call["name"], arguments=call["args"])
            for message in messages
            if isinstance(message, AIMessage)
            for call in message.tool_calls
        ]
        random = stream(instruction.id, "report")
        return AIMessage(self._report(made, results, random), id=f"ai-{seed[:12]}")

    def _report(
        self, calls: Sequence[ExpectedCall], results: Sequence[JsonValue], random: Random
    ) -> str:
        clauses = [self._clause(call, random) for call in calls]
        said = clauses[0] if len(clauses) == 1 else f"{', '.join(clauses[:-1])} and {clauses[-1]}"
        opener = random.choice(_CLAUSES["_open"])
        found = [
            text
            for call, result in zip(calls, results, strict=False)
            if (text := _finding(call, result))
        ]
        close = random.choice(_CLAUSES["_close"])
        return " ".join(part for part in (f"{opener}I {said}.", *found[-2:], close) if part)

    def _clause(self, call: ExpectedCall, random: Random) -> str:
        tool = self._catalog.tools[call.tool]
        actions = self._catalog.actions(tool)
        action = next(
            name for name, fixed in actions.items() if fixed.items() <= call.arguments.items()
        )
        names = {parameter: spec.field or parameter for parameter, spec in tool.parameters.items()}
        values = {names[key]: _said(value) for key, value in call.arguments.items() if key in names}
        options = _CLAUSES[f"{tool.capability}:{action}"]
        return random.choice(options).format_map(_Known(values))


class _Known(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "it"


def _said(value: JsonValue) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 80 else text[:77].rsplit(" ", 1)[0] + " …"


def _read(message: ToolMessage) -> JsonValue:
    try:
        value: JsonValue = json.loads(str(message.text))
    except ValueError:
        return str(message.text)
    return value


def _finding(call: ExpectedCall, result: JsonValue) -> str:
    """Say what a reading call found, where there is something to say."""
    if not isinstance(result, dict):
        return ""
    first = next((item for item in _lists(result) if isinstance(item, dict)), None)
    title = _text(first, "title") if first else None
    if title:
        return f"The first result was “{title}” ({_text(first, 'site') or _text(first, 'url')})."
    content = result.get("content")
    if isinstance(content, str) and content.strip() and "content" not in call.arguments:
        return f"It begins: “{_said(content.strip().splitlines()[0])}”"
    return ""


def _lists(result: Mapping[str, Any]) -> list[JsonValue]:
    return next((value for value in result.values() if isinstance(value, list) and value), [])


def _text(row: Mapping[str, Any] | None, key: str) -> str | None:
    value = (row or {}).get(key)
    return value if isinstance(value, str) and value else None


def _failure(call: ExpectedCall, result: JsonValue) -> str:
    error = result.get("error") if isinstance(result, dict) else None
    message = error.get("message") if isinstance(error, dict) else result
    return f"I stopped here: {call.tool} answered “{message}”. Nothing further was done."


def _missing(call: ExpectedCall) -> str:
    return f"I stopped here: what came back did not hold what {call.tool} needs."
