"""What an app said and did, as Inspect's messages: the shape that graders and judges read."""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, BaseMessage, SystemMessage, ToolMessage

from agentalign_lc.messages import message_text
from agentalign_lc.traces.chat import read_chat

if TYPE_CHECKING:
    from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageTool
    from inspect_ai.tool import ToolCall

__all__ = ["as_inspect", "as_langchain", "closed", "curtailed"]


def as_langchain(messages: "Iterable[ChatMessage]") -> list[BaseMessage]:
    """Inspect's messages as LangChain's."""
    rows = [message.model_dump(mode="json", exclude_none=True) for message in messages]
    return [*read_chat(rows).messages]


def as_inspect(
    messages: Sequence[BaseMessage], ran: "Mapping[str, ChatMessageTool]"
) -> "list[ChatMessage]":
    """LangChain's messages as Inspect's.

    A call that did not run must not count as one that did: graders leave out
    the calls whose answer has an error. So the answer to a call that Inspect
    did not run, since a guard refused it, has one.

    Args:
        messages: The whole conversation.
        ran: By call id what Inspect itself answered to the calls that ran.
    """
    return [_converted(message, ran) for message in messages]


def closed(messages: "Sequence[ChatMessage]", ran: Container[str]) -> "list[ChatMessage]":
    """The conversation of a run that ended, its open calls answered: they did not run."""
    answers = {
        call.id: _not_run(call.id, call.function, "It was not carried out.")
        for call in _open_calls(messages, ran)
    }
    rows = [[m, *(answers[c.id] for c in _calls(m) if c.id in answers)] for m in messages]
    return [message for row in rows for message in row]


def curtailed(messages: "Sequence[ChatMessage]", ran: Container[str]) -> "list[ChatMessage]":
    """The conversation of a run that was cut off, without the calls that did not run.

    Where a limit ends it there is no room for answers, and graders count a call
    without an answer as one that ran.
    """
    gone = {call.id for call in _open_calls(messages, ran)}
    if not gone:
        return [*messages]
    return [
        m.model_copy(update={"tool_calls": [c for c in _calls(m) if c.id not in gone] or None})
        if m.role == "assistant"
        else m
        for m in messages
    ]


def _open_calls(messages: "Sequence[ChatMessage]", ran: Container[str]) -> "list[ToolCall]":
    answered = {message.tool_call_id for message in messages if message.role == "tool"}
    calls = [call for message in messages for call in _calls(message)]
    return [call for call in calls if call.id not in answered and call.id not in ran]


def _calls(message: "ChatMessage") -> "list[ToolCall]":
    return (message.tool_calls or []) if message.role == "assistant" else []


def _converted(message: BaseMessage, ran: "Mapping[str, ChatMessageTool]") -> "ChatMessage":
    from inspect_ai.model import ChatMessageSystem, ChatMessageUser  # noqa: PLC0415

    text = message_text(message)
    if isinstance(message, AIMessage):
        return _assistant(message, text)
    if isinstance(message, ToolMessage):
        return _answer(message, text, ran.get(message.tool_call_id))
    if isinstance(message, SystemMessage):
        return ChatMessageSystem(content=text)
    return ChatMessageUser(content=text)


def _assistant(message: AIMessage, text: str) -> "ChatMessageAssistant":
    from inspect_ai.model import ChatMessageAssistant  # noqa: PLC0415

    calls = [_call(c) for c in (*message.tool_calls, *message.invalid_tool_calls)]
    return ChatMessageAssistant(
        content=text, tool_calls=calls or None, model=message.response_metadata.get("model_name")
    )


def _call(call: Mapping[str, Any]) -> "ToolCall":
    from inspect_ai.tool import ToolCall  # noqa: PLC0415

    args, name = call["args"], call["name"] or "unknown"
    if isinstance(args, dict):
        return ToolCall(id=call["id"] or "", function=name, arguments=args)
    problem = f"The arguments are no JSON: {args}"
    return ToolCall(id=call["id"] or "", function=name, arguments={}, parse_error=problem)


def _answer(message: ToolMessage, text: str, real: "ChatMessageTool | None") -> "ChatMessageTool":
    from inspect_ai.tool import ToolCallError  # noqa: PLC0415

    name = message.name or ""
    if real is None:
        return _not_run(message.tool_call_id, name, text)
    # A guard may have changed what came back; the model read the changed one.
    error = real.error and ToolCallError(real.error.type, text)
    return real.model_copy(update={"content": text, "error": error})


def _not_run(call_id: str, name: str, why: str) -> "ChatMessageTool":
    from inspect_ai.model import ChatMessageTool  # noqa: PLC0415
    from inspect_ai.tool import ToolCallError  # noqa: PLC0415

    error = ToolCallError("approval", why)
    return ChatMessageTool(content=why, tool_call_id=call_id, function=name, error=error)
