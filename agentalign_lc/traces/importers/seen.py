"""What an importer saw of one span, before it is a span: raw input and output, names and times."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, SystemMessage

from agentalign_lc.traces.chat import read_chat, read_result
from agentalign_lc.traces.chat.results import documents_text
from agentalign_lc.traces.chat.schemas import find_tools
from agentalign_lc.traces.chat.values import kept, line, parsed, text
from agentalign_lc.traces.order import ordered
from agentalign_lc.traces.trace import Span, SpanKind, SpanStatus, Trace

__all__ = ["Seen", "as_trace", "seconds"]

_PAUSE = re.compile(r"(?:\w+\.)*(?:(?:GraphInterrupt|NodeInterrupt)\b|Interrupt\()")
_CONTROL = re.compile(r"(?:\w+\.)*ParentCommand\b")
"""LangGraph ends a node so when it goes on elsewhere: it is no error."""


@dataclass(slots=True)
class Seen:
    """One span as its tracer tells it.

    Example:
        >>> span = Seen("1", kind="tool", name="search", given='{"q": "a"}', said="Nothing.").span()
        >>> span.arguments, span.result
        ({'q': 'a'}, 'Nothing.')
    """

    id: str
    parent: str | None = None
    kind: SpanKind = "other"
    name: str = ""
    node: str = ""
    namespace: str = ""
    thread: str = ""
    started: float = 0.0
    ended: float | None = None
    status: SpanStatus = "ok"
    error: str = ""
    given: object = None
    """The input: a request of any shape, or a tool's arguments."""
    said: object = None
    """The output."""
    messages: tuple[BaseMessage, ...] | None = None
    """What the model was given, where the importer has read it already."""
    reply: AIMessage | None = None
    tools: tuple[dict[str, Any], ...] = ()
    call_id: str = ""
    usage: dict[str, int] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)

    def span(self) -> Span:
        """The span: a model's chat, a tool's arguments and result, or what else was kept."""
        if self.kind == "model":
            return self._span(**self._model())
        if self.kind == "tool":
            return self._span(**self._tool())
        if self.kind == "retriever":
            return self._span(**self._retriever())
        return self._span(**self._other())

    def _span(self, **fields: Any) -> Span:  # noqa: ANN401 - fields of a span
        attributes = {name: kept(one) for name, one in self.attributes.items() if one is not None}
        status, error = self.status, line(self.error)
        if status == "error" and _PAUSE.match(error):
            status, error = "paused", ""
        elif status == "error" and _CONTROL.match(error):
            status, error = "ok", ""
        return Span(
            id=self.id,
            parent=self.parent or None,
            kind=self.kind,
            name=self.name,
            node=self.node,
            namespace=self.namespace,
            started=self.started,
            ended=self.ended,
            status=status,
            error=error,
            usage=self.usage,
            attributes={**attributes, **fields.pop("attributes", {})},
            **fields,
        )

    def _model(self) -> dict[str, Any]:
        tools = self.tools
        messages, reply = self.messages, self.reply
        if messages is None:
            request = read_chat(self.given, plain=True)
            messages, tools = request.messages, tools or request.tools
        if reply is None and self.said is not None:
            answer = read_chat(self.said, "assistant", plain=True)
            replies = [one for one in answer.messages if isinstance(one, AIMessage)]
            reply = replies[-1] if replies else None
            tools = tools or answer.tools
            system = [one for one in answer.messages if isinstance(one, SystemMessage)]
            if system and not any(isinstance(one, SystemMessage) for one in messages):
                messages = (*system, *messages)  # the responses API repeats the instructions
        return {"messages": messages, "reply": reply, "tools": tools}

    def _tool(self) -> dict[str, Any]:
        result = read_result(self.said, self.call_id)
        arguments = _arguments(self.given)
        if result.failed and self.status == "ok":
            self.status, self.error = "error", self.error or result.text
        return {
            "call_id": self.call_id or result.call,
            "arguments": {str(name): kept(one) for name, one in arguments.items()},
            "result": result.text,
        }

    def _retriever(self) -> dict[str, Any]:
        arguments = _arguments(self.given)
        return {
            "arguments": {str(name): kept(one) for name, one in arguments.items()},
            "result": documents_text(self.said),
        }

    def _other(self) -> dict[str, Any]:
        """An agent's or a node's: the conversation it was given and left, if there is one."""
        before = self.messages if self.messages is not None else read_chat(self.given).messages
        after = (self.reply,) if self.reply else read_chat(self.said, "assistant").messages
        messages = [*before]
        for at, one in enumerate(after):
            if at >= len(before) or not _same(one, before[at]):
                messages += after[at:]
                break
        extra: dict[str, Any] = {}
        if not before and self.given not in (None, "", {}, []):
            extra["input"] = kept(parsed(self.given))
        if not after and self.said not in (None, "", {}, []):
            extra["output"] = kept(parsed(self.said))
        reply = messages.pop() if messages and isinstance(messages[-1], AIMessage) else None
        tools = self.tools or find_tools(parsed(self.given))
        return {"messages": tuple(messages), "reply": reply, "tools": tools, "attributes": extra}


def _same(one: BaseMessage, other: BaseMessage) -> bool:
    calls = [getattr(each, "tool_calls", None) for each in (one, other)]
    return one.type == other.type and one.content == other.content and calls[0] == calls[1]


def _arguments(value: object) -> Mapping[str, Any]:
    found = parsed(value)
    for name in ("args", "arguments", "input", "kwargs"):
        # What SDKs wrap around arguments; `input` may be a name of the tool's own.
        if isinstance(found, Mapping) and found.keys() == {name}:
            inner = parsed(found[name])
            if isinstance(inner, Mapping):
                found = inner
    if isinstance(found, Mapping):
        if found.get("type") == "tool_call" and isinstance(found.get("args"), Mapping):
            return found["args"]  # type: ignore[no-any-return] # a mapping out of JSON
        return found
    return {} if found in (None, "", []) else {"input": found}


def as_trace(
    id: str,
    source: str,
    seen: Sequence[Seen],
    *,
    name: str = "",
    thread: str = "",
    attributes: Mapping[str, Any] | None = None,
) -> Trace:
    """A trace of what was seen; its name is the root's, its thread the first that one tells.

    Example:
        >>> as_trace("t", "otel", [Seen("2", "1", started=2.0), Seen("1", name="app")]).name
        'app'
    """
    spans = ordered(one.span() for one in seen)
    known = {span.id for span in spans}
    roots = [span for span in spans if span.parent not in known]
    return Trace(
        id=id,
        source=source,
        name=name or next((span.name for span in roots if span.name), ""),
        thread=thread or next((one.thread for one in seen if one.thread), ""),
        spans=spans,
        attributes={key: kept(one) for key, one in (attributes or {}).items() if one is not None},
    )


def seconds(value: object) -> float | None:
    """Seconds since 1970 of any way to say a time; None if it says none.

    ISO 8601 (without a zone it is UTC), seconds, milli-, micro- or nanoseconds
    since 1970 (told apart by their size), or a pair of seconds and nanoseconds.

    Example:
        >>> seconds("1970-01-01T00:01:00Z"), seconds("60000000000"), seconds([60, 500000000])
        (60.0, None, 60.5)
        >>> seconds(1_700_000_000_000_000_000), seconds("soon")
        (1700000000.0, None)
    """
    if isinstance(value, list) and len(value) == 2 and all(isinstance(one, int) for one in value):
        return float(value[0] + value[1] / 1e9)
    if isinstance(value, str) and not value.strip().lstrip("-").replace(".", "", 1).isdigit():
        return _iso(value)
    try:
        number = float(value) if isinstance(value, int | float | str) else -1.0
    except (ValueError, OverflowError):
        return None
    for size in (1.0, 1e3, 1e6, 1e9):
        if 1e8 <= number / size < 1e10:
            return number / size
    return None


def _iso(value: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text(value).strip().replace(" UTC", "+00:00"))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
