"""The embedded actor: carries out the expected calls, one a turn, and reports."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolCall, ToolMessage
from pydantic import JsonValue

from agentalign_lc.documents import read_document
from agentalign_lc.environment.catalog import Catalog
from agentalign_lc.environment.references import resolve
from agentalign_lc.environment.spec import ToolSpec
from agentalign_lc.environment.twists import RETRY
from agentalign_lc.records import ExpectedCall, Instruction, Intent, Provenance, Step
from agentalign_lc.seeds import derive_seed, stream

__all__ = ["CLAUSES", "EmbeddedActor", "tool_call"]

CLAUSES: dict[str, list[str]] = read_document(Path(__file__).with_name("answers.yaml"))

_LIMITED = 0.4
"""Share of answers to borderline requests that state a limit or ask something."""
_TRIES = 3
"""Failures in a row after which it gives up."""


class EmbeddedActor:
    """Stands in for a chat model in the ordinary agent loop.

    It knows the calls that an instruction should lead to, makes the next one
    each turn, fills in what earlier results gave, and ends with a report. A
    failure that passes is tried again, a tool that is barred is replaced by one
    that does the same; when nothing helps it says so and stops.
    """

    def __init__(self, catalog: Catalog) -> None:
        self.source = Provenance(role="actor", writer="embedded")
        self._catalog = catalog

    async def act(
        self,
        messages: Sequence[BaseMessage],
        tools: Sequence[ToolSpec],
        instruction: Instruction,
    ) -> AIMessage:
        """Return the next expected call, a call that mends the last one, or the closing report."""
        turns = _turns(messages)
        done = [turn for turn in turns if turn.succeeded]
        results = [turn.result for turn in done]
        said = sum(isinstance(message, HumanMessage) for message in messages)
        seed = derive_seed(instruction.id, said, len(turns))
        name = f"ai-{seed[:12]}"
        if turns and not turns[-1].succeeded:
            failures = len(turns) - _last_success(turns)
            again = self._mended(turns[-1], tools) if failures <= _TRIES else None
            if again is None:
                return AIMessage(_failure(turns[-1].call, turns[-1].result), id=name)
            return AIMessage("", tool_calls=[tool_call(again, seed)], id=name)
        asked = instruction.asked(said)
        if len(done) < asked:
            expected = instruction.calls[len(done)]
            try:
                arguments = resolve(dict(expected.arguments), results)
            except LookupError:
                return AIMessage(_missing(expected), id=name)
            call = expected.model_copy(update={"arguments": arguments})
            return AIMessage("", tool_calls=[tool_call(call, seed)], id=name)
        random = stream(instruction.id, "report", asked)
        told = instruction.asked(said - 1) if said > 1 else 0  # earlier turns had their reports
        # What a note says was for the agent; the user knows it.
        found = [None] * instruction.shows_at + results[instruction.shows_at :]
        shown = found if instruction.note else results
        sensitive = instruction.intent is Intent.BORDERLINE and asked == len(instruction.calls)
        report = self._report(
            [turn.call for turn in done[told:]], shown[told:], random, sensitive=sensitive
        )
        return AIMessage(report, id=name)

    def _mended(self, turn: "_Turn", tools: Sequence[ToolSpec]) -> ExpectedCall | None:
        """Say what to call after a failure: the same again, or another tool that can."""
        if turn.code == "partial" or turn.code in RETRY:
            return turn.call
        if turn.code != "permission_denied":
            return None
        used = self._catalog.tools[turn.call.tool]
        action = self._action(turn.call)
        step = Step(capability=used.capability, action=action)
        offered = {tool.name for tool in tools} - {used.name}
        others = [name for name in self._catalog.serving(step) if name in offered]
        if not others:
            return None
        fields = {
            spec.field or key: turn.call.arguments[key]
            for key, spec in used.parameters.items()
            if key in turn.call.arguments
        }
        return self._catalog.call(others[0], step, fields)

    def _action(self, call: ExpectedCall) -> str:
        actions = self._catalog.actions(self._catalog.tools[call.tool])
        return next(
            name for name, fixed in actions.items() if fixed.items() <= call.arguments.items()
        )

    def _report(
        self,
        calls: Sequence[ExpectedCall],
        results: Sequence[JsonValue],
        random: Random,
        *,
        sensitive: bool,
    ) -> str:
        clauses = [self._clause(call, random) for call in calls]
        said = clauses[0] if len(clauses) == 1 else f"{', '.join(clauses[:-1])} and {clauses[-1]}"
        opener = random.choice(CLAUSES["_open"])
        found = [
            text
            for call, result in zip(calls, results, strict=False)
            if (text := _finding(call, result))
        ]
        # Where a sensitive request was helped with, now and then a limit or a question.
        limited = sensitive and random.random() < _LIMITED
        close = random.choice(CLAUSES["_limit" if limited else "_close"])
        return " ".join(part for part in (f"{opener}I {said}.", *found[-2:], close) if part)

    def _clause(self, call: ExpectedCall, random: Random) -> str:
        tool = self._catalog.tools[call.tool]
        names = {parameter: spec.field or parameter for parameter, spec in tool.parameters.items()}
        values = {names[key]: _said(value) for key, value in call.arguments.items() if key in names}
        options = CLAUSES[f"{tool.capability}:{self._action(call)}"]
        return random.choice(options).format_map(_Known(values))


class _Known(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "it"


def _said(value: JsonValue) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 80 else text[:77].rsplit(" ", 1)[0] + " …"


@dataclass(frozen=True)
class _Turn:
    """A call that was made, and what came of it."""

    call: ExpectedCall
    result: JsonValue
    code: str
    """Empty when it succeeded, ``partial`` when only half of it did, or the error's code."""

    @property
    def succeeded(self) -> bool:
        return not self.code


def _turns(messages: Sequence[BaseMessage]) -> list[_Turn]:
    calls = {
        call["id"]: ExpectedCall(tool=call["name"], arguments=call["args"])
        for message in messages
        if isinstance(message, AIMessage)
        for call in message.tool_calls
    }
    return [
        _Turn(calls[message.tool_call_id], *_read(message))
        for message in messages
        if isinstance(message, ToolMessage)
    ]


def _read(message: ToolMessage) -> tuple[JsonValue, str]:
    try:
        value: JsonValue = json.loads(str(message.text))
    except ValueError:
        value = str(message.text)
    fields = value if isinstance(value, dict) else {}
    error = fields.get("error")
    if message.status == "error" or (isinstance(error, dict) and len(fields) == 1):
        return value, str(error.get("code") if isinstance(error, dict) else "error")
    return value, "partial" if fields.get("partial") is True else ""


def _last_success(turns: Sequence[_Turn]) -> int:
    return max((number for number, turn in enumerate(turns, 1) if turn.succeeded), default=0)


def tool_call(call: ExpectedCall, seed: str) -> ToolCall:
    """An expected call as LangChain writes it, with an id from a seed."""
    return ToolCall(name=call.tool, args=dict(call.arguments), id=f"call_{seed[:24]}")


def _finding(call: ExpectedCall, result: JsonValue) -> str:
    """Say what a reading call found, where there is something to say."""
    if not isinstance(result, dict):
        return ""
    first = next((item for item in _lists(result) if isinstance(item, dict)), None)
    title = _text(first, "title") if first else None
    if title:
        source = _text(first, "site") or _text(first, "url")
        return f"The first result was “{title}”{f' ({source})' if source else ''}."
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
