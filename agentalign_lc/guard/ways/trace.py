"""The trajectory of a whole app, put together from what its agents did."""

from collections.abc import Mapping

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration
from langgraph.types import Command

from agentalign_lc.guard.engine.history import call_ids

__all__ = ["mute", "result_name", "returned", "stands_in", "still_running"]


def result_name(call_id: str) -> str:
    """Name of a call's result among what was judged.

    Example:
        >>> result_name("1")
        'result of 1'
    """
    return f"result of {call_id}"


def returned(output: object) -> list[ToolMessage]:
    """The messages that a tool returned, inside commands too."""
    if isinstance(output, ToolMessage):
        return [output]
    if isinstance(output, Command) and isinstance(output.update, Mapping):
        values = [v for v in output.update.values() if isinstance(v, list)]
        return [m for value in values for m in value if isinstance(m, ToolMessage)]
    if isinstance(output, list):
        return [m for part in output for m in returned(part)]
    return []


def stands_in(message: BaseMessage, own: set[str], said: set[str]) -> bool:
    """Whether a message stands in a prompt already, by ids of calls or by its text."""
    if isinstance(message, ToolMessage):
        return message.tool_call_id in own
    ids = call_ids(message)
    return any(i in own for i in ids) if ids else message.text in said


def still_running(messages: list[BaseMessage]) -> list[BaseMessage]:
    """The history with answers, for now, to the calls that another agent waits for.

    They were judged and let through, and are not what is pending.

    Example:
        >>> call = {"name": "ask_helper", "args": {}, "id": "1"}
        >>> [m.text for m in still_running([AIMessage("", tool_calls=[call])])]
        ['', '(still running)']
    """
    answered = {m.tool_call_id for m in messages if isinstance(m, ToolMessage)}
    full: list[BaseMessage] = []
    for message in messages:
        full.append(message)
        calls = message.tool_calls if isinstance(message, AIMessage) else []
        full += [
            ToolMessage("(still running)", tool_call_id=call["id"] or "", name=call["name"])
            for call in calls
            if call["id"] not in answered
        ]
    return full


def mute(one: ChatGeneration, text: str) -> None:
    """Have a model's message say something else and call nothing."""
    message = one.message
    message.content = text
    message.additional_kwargs = {}
    message.response_metadata = {}
    if isinstance(message, AIMessage):
        message.tool_calls = []
        message.invalid_tool_calls = []
    if isinstance(message, AIMessageChunk):
        message.tool_call_chunks = []
    one.text = text
