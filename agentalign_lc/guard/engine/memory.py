"""Verdicts kept in an app's state, so that a resumed or retried run pays no judge twice.

The state holds plain JSON: decisions by key. A key is the hash of all that the
decision rests on, so that a verdict never outlives a change of what was judged. What waits for a person is held there too.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from agentalign_lc.guard.engine.decision import Decision
from agentalign_lc.guard.view import Checkpoint, View

__all__ = ["STATE_KEY", "key_of", "merge_verdicts", "recall", "remember"]

STATE_KEY: Final = "agentalign_guard"
"""The state key; the whole name, since an app may well have a ``guard`` of its own."""

_KEPT = 32


def key_of(guard: str, view: View, checkpoint: Checkpoint) -> str:
    """Name what is judged: the guard, the checkpoint and every message, ids left out.

    Message ids are left out because a message has none until it is in the state;
    ids of calls count, since a verdict names calls by them.

    Example:
        >>> from langchain_core.messages import HumanMessage
        >>> from agentalign_lc.guard.view import look
        >>> one, two = look([HumanMessage("Hi", id="1")]), look([HumanMessage("Hi", id="2")])
        >>> key_of("g", one, "request") == key_of("g", two, "request")
        True
    """
    judged = repr((guard, checkpoint, [_essence(message) for message in view.messages]))
    return hashlib.sha256(judged.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def remember(key: str, decision: Decision) -> dict[str, Any]:
    """What to write under the state key.

    Example:
        >>> recall(remember("k", Decision(checkpoint="request")), "k").action
        'allow'
    """
    return {key: decision.model_dump(mode="json")}


def recall(kept: Mapping[str, Any] | None, key: str) -> Decision | None:
    """The decision that was kept under a key; None if there is none, or none that can be read."""
    try:
        return Decision.model_validate(kept[key]) if kept and key in kept else None
    except ValueError:
        # Written by another version; the judges are asked again.
        return None


def merge_verdicts(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> dict[str, Any]:
    """Reducer of the state key: parallel tool calls may write at once; the last few are kept.

    Example:
        >>> merge_verdicts({"a": 1, "b": 2}, {"b": None, "c": 3})
        {'a': 1, 'c': 3}
    """
    new = new or {}
    merged = {key: value for key, value in (old or {}).items() if key not in new} | dict(new)
    kept = [(key, value) for key, value in merged.items() if value is not None]
    return dict(kept[-_KEPT:])


def _essence(message: BaseMessage) -> Sequence[object]:
    said = (message.type, message.content, message.additional_kwargs.get("refusal"))
    if isinstance(message, AIMessage):
        calls = [(call["id"], call["name"], call["args"]) for call in message.tool_calls]
        return (*said, calls)
    if isinstance(message, ToolMessage):
        return (*said, message.tool_call_id, message.name, message.status)
    return said
