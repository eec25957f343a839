"""Conversations without spans: each becomes a trace of one span, the last answer's model call."""

from collections.abc import Mapping
from typing import Any

from langchain_core.messages import AIMessage

from agentalign_lc.seeds import content_id
from agentalign_lc.traces.chat import Chat
from agentalign_lc.traces.importers.seen import Seen, as_trace
from agentalign_lc.traces.trace import Trace

__all__ = ["as_conversation", "conversation_id"]


def conversation_id(value: object) -> str:
    """The id of a conversation that has none: the same content has the same one.

    Example:
        >>> conversation_id(["a"]) == conversation_id(["a"])
        True
    """
    return content_id("conversation", value)


def as_conversation(
    id: str, source: str, chat: Chat, *, name: str = "", attributes: Mapping[str, Any] | None = None
) -> Trace:
    """A trace of a conversation: one model call that was given all, and said the last of it.

    Raises:
        ValueError: there is no message.

    Example:
        >>> from langchain_core.messages import HumanMessage
        >>> chat = Chat((HumanMessage("Hi"), AIMessage("Hello")))
        >>> as_conversation("1", "openai", chat).spans[0].reply.content
        'Hello'
    """
    messages = [*chat.messages]
    if not messages:
        raise ValueError("no messages")
    last = messages[-1]
    reply = last if isinstance(last, AIMessage) else None
    if reply is not None:
        messages.pop()
    seen = Seen(
        f"{id}:0", kind="model", name=name, messages=tuple(messages), reply=reply, tools=chat.tools
    )
    return as_trace(id, source, [seen], name=name, attributes=attributes)
