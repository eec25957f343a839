"""GenAI events: messages that stand beside a span and not in its attributes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage

from agentalign_lc.traces.chat import read_chat, read_reply, read_tools
from agentalign_lc.traces.chat.values import first, mapping, parsed, text

__all__ = ["Event", "Told", "read_events"]


@dataclass(frozen=True, slots=True)
class Event:
    """An event of a span, or a log record that points to it."""

    name: str
    body: Mapping[str, Any]
    """Its attributes and its body in one."""


@dataclass(slots=True)
class Told:
    """What events tell of a model call."""

    messages: list[BaseMessage] = field(default_factory=list)
    reply: AIMessage | None = None
    tools: tuple[dict[str, Any], ...] = ()


def read_events(events: Sequence[Event], listed: object = None) -> Told:
    """Read the events of a model call, and those that an attribute lists (pydantic-ai).

    Example:
        >>> told = read_events([Event("gen_ai.user.message", {"content": "Hi"}),
        ...     Event("gen_ai.choice", {"index": 0, "message": {"content": "Hello"}})])
        >>> told.messages[0].content, told.reply.content
        ('Hi', 'Hello')
    """
    told = Told()
    more = parsed(listed)
    named = [
        Event(text(mapping(one).get("event.name")), mapping(one))
        for one in (more if isinstance(more, list) else ())
    ]
    for event in (*events, *named):
        _read(event, told)
    return told


def _read(event: Event, told: Told) -> None:
    body = event.body
    kind = event.name.removeprefix("gen_ai.")
    if kind == "choice":
        said = first(body, "message", "content", "gen_ai.event.content", "gen_ai.completion")
        answer = parsed(said)
        if isinstance(answer, Mapping):
            inner = answer.get("message", answer)
            answer = {"role": "assistant", **inner} if isinstance(inner, Mapping) else inner
            if "tool_calls" in body:
                answer = {"tool_calls": body["tool_calls"], **mapping(answer)}
        told.reply = told.reply or read_reply(answer)
    elif kind.endswith(".message"):
        told.messages += _message(kind.removesuffix(".message"), body)
    elif kind in ("client.inference.operation.details", "content.prompt", "content.completion"):
        _details(body, told)


def _message(role: str, body: Mapping[str, Any]) -> tuple[BaseMessage, ...]:
    whole = mapping(body.get("gen_ai.event.content"))
    content = first(body, "content", "message") if not whole else whole.get("content")
    fields = {**body, **whole, "role": first({**body, **whole}, "role") or role}
    inner = parsed(content)
    fields["content"] = inner if isinstance(inner, list) else content
    return read_chat([fields]).messages


def _details(body: Mapping[str, Any], told: Told) -> None:
    given = first(body, "gen_ai.input.messages", "gen_ai.prompt")
    said = first(body, "gen_ai.output.messages", "gen_ai.completion")
    if given is not None and not told.messages:
        told.messages += read_chat(body.get("gen_ai.system_instructions"), "system").messages
        told.messages += read_chat(given, plain=True).messages
    if said is not None:
        told.reply = told.reply or read_reply(said)
    told.tools = told.tools or read_tools(body.get("gen_ai.tool.definitions"))
