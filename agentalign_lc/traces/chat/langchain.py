"""LangChain messages as tracers write them: constructors, ``type`` and ``data``, tuples."""

from collections.abc import Mapping
from typing import Any

from agentalign_lc.traces.chat.turn import role_of
from agentalign_lc.traces.chat.values import mapping

__all__ = ["as_message"]

_TYPES = {"human", "ai", "system", "tool", "function", "chat", "developer", "remove"}


def as_message(value: object) -> Mapping[str, Any] | None:
    """The same message with a ``role``; None if it is no LangChain message.

    Example:
        >>> as_message({"lc": 1, "type": "constructor",
        ...     "id": ["langchain", "schema", "messages", "HumanMessage"],
        ...     "kwargs": {"content": "Hi", "type": "human"}})
        {'content': 'Hi', 'role': 'human'}
        >>> as_message(["ai", "Hello"])
        {'role': 'ai', 'content': 'Hello'}
    """
    if isinstance(value, list | tuple):
        pair = len(value) == 2 and all(isinstance(one, str) for one in value)
        return {"role": value[0], "content": value[1]} if pair and role_of(value[0]) else None
    if not isinstance(value, Mapping):
        return None
    if value.get("type") == "constructor" or ("lc" in value and "kwargs" in value):
        return _constructed(value)
    kind = value.get("type")
    return _typed(value, kind) if isinstance(kind, str) and "role" not in value else None


def _typed(value: Mapping[str, Any], kind: str) -> Mapping[str, Any] | None:
    data = value.get("data")
    if kind in _TYPES and isinstance(data, Mapping) and "content" in data:
        return _roled(data, kind)
    if "content" in value and (kind in _TYPES or kind.endswith(("Message", "MessageChunk"))):
        return _roled(value, kind)
    return None


def _constructed(value: Mapping[str, Any]) -> Mapping[str, Any] | None:
    names = value.get("id")
    fields = mapping(value.get("kwargs"))
    if (
        not isinstance(names, list)
        or not names
        or not str(names[-1]).endswith(("Message", "Chunk"))
    ):
        return None
    return _roled(fields, str(names[-1])) if "content" in fields else None


def _roled(fields: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    role = kind.removesuffix("Chunk").removesuffix("Message")
    given = fields.get("role") if role.lower() == "chat" else None
    return {**{k: v for k, v in fields.items() if k != "type"}, "role": given or role.lower()}
