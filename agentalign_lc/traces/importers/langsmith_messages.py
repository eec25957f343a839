"""LangChain messages as LangSmith's clients write them, in Python and in JavaScript."""

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    BaseMessageChunk,
    convert_to_messages,
    message_chunk_to_message,
    messages_from_dict,
)

__all__ = ["read_message", "read_messages", "read_reply"]

_TYPES = {
    "HumanMessage": "human",
    "AIMessage": "ai",
    "SystemMessage": "system",
    "ToolMessage": "tool",
    "FunctionMessage": "function",
    "ChatMessage": "chat",
}
_NESTED = 3
"""How deep lists of lists of messages are looked into."""
_INNER = ("messages", "message", "output", "generations", "choices")
"""Where an answer's messages stand, in the order in which they are looked for."""


def read_message(value: object) -> BaseMessage | None:
    """Read one message: a constructor, ``type`` with its fields, a role, a pair, a text.

    Example:
        >>> read_message({"lc": 1, "type": "constructor",
        ...     "id": ["langchain", "schema", "messages", "HumanMessage"],
        ...     "kwargs": {"content": "hi", "type": "human"}}).text
        'hi'
        >>> read_message({"role": "assistant", "content": "hello"}).type
        'ai'
        >>> read_message({"pets": 3}) is None
        True
    """
    if isinstance(value, BaseMessage):
        return value
    try:
        if isinstance(value, Mapping):
            return _of_mapping(value)
        if isinstance(value, list | tuple) and _is_pair(value):
            return convert_to_messages([(value[0], value[1])])[0]
    except (ValueError, TypeError, KeyError, NotImplementedError):
        return None  # it has the look of one, and is none that LangChain knows
    return None


def read_messages(value: object, depth: int = 0) -> tuple[BaseMessage, ...]:
    """Read a list of messages, or of lists of them, of which the first counts.

    Example:
        >>> [message.type for message in read_messages([[["user", "hi"], ["ai", "hello"]]])]
        ['human', 'ai']
    """
    one = read_message(value)
    if one is not None:
        return (one,)
    if not isinstance(value, list | tuple):
        return ()
    found = [message for message in map(read_message, value) if message is not None]
    if found or depth >= _NESTED:
        return tuple(found)
    inner = (read_messages(item, depth + 1) for item in value)
    return next((messages for messages in inner if messages), ())


def read_reply(outputs: object, depth: int = 0) -> BaseMessage | None:
    """Read what a model said out of a run's outputs.

    Example:
        >>> read_reply({"generations": [[{"text": "hello"}]]}).text
        'hello'
    """
    if isinstance(outputs, list | tuple):
        replies = (read_reply(item, depth + 1) for item in outputs) if depth <= _NESTED else ()
        return next((reply for reply in replies if reply is not None), None)
    if not isinstance(outputs, Mapping):
        return None
    said = read_message(outputs)
    if said is not None:
        return said
    for name in _INNER if depth <= _NESTED else ():
        reply = read_reply(outputs.get(name), depth + 1)
        if reply is not None:
            return reply
    text = outputs.get("text")
    return AIMessage(text) if isinstance(text, str) and text else None


def _of_mapping(value: Mapping[str, Any]) -> BaseMessage | None:
    kind: object = value.get("type")
    fields: object = value
    if kind == "constructor":
        names, fields = value.get("id"), value.get("kwargs")
        kind = names[-1] if isinstance(names, list) and names else ""
    elif isinstance(value.get("data"), Mapping):
        fields = value["data"]
    if not isinstance(fields, Mapping):
        return None
    name = str(kind).removesuffix("Chunk")
    name = _TYPES.get(name, name)
    if name in _TYPES.values() and ("content" in fields or "tool_calls" in fields):
        return _made(name, fields)
    if isinstance(value.get("role"), str) and ("content" in value or "tool_calls" in value):
        return _of_role(value)
    return None


def _made(kind: str, fields: Mapping[str, Any]) -> BaseMessage:
    data = {name: item for name, item in fields.items() if item is not None and name != "type"}
    data.setdefault("content", "")
    if kind == "tool":
        data.setdefault("tool_call_id", "")
    if kind == "ai":
        # Chunks of a stream carry pieces of calls, which are whole in `tool_calls` by then.
        data.pop("tool_call_chunks", None)
        data.pop("chunk_position", None)
        data["tool_calls"] = [_call(call) for call in data.get("tool_calls") or ()]
        if not data.get("usage_metadata"):
            data.pop("usage_metadata", None)
    message = messages_from_dict([{"type": kind, "data": data}])[0]
    return message_chunk_to_message(message) if isinstance(message, BaseMessageChunk) else message


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": str(call.get("name") or ""),
        "args": call["args"] if isinstance(call.get("args"), dict) else {},
        "id": call.get("id"),
        "type": "tool_call",
    }


def _of_role(value: Mapping[str, Any]) -> BaseMessage:
    message = convert_to_messages([{**value, "content": value.get("content") or ""}])[0]
    refusal = value.get("refusal")
    if isinstance(refusal, str) and refusal:
        message.additional_kwargs["refusal"] = refusal
    return message


def _is_pair(value: Sequence[object]) -> bool:
    return len(value) == 2 and all(isinstance(item, str) for item in value)
