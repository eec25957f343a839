"""What a dialect of attributes tells of a span."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage

from agentalign_lc.traces.trace import SpanKind

__all__ = ["Attributes", "Raw", "nested"]

Raw = Mapping[str, Any]
"""Attributes as they are, names with dots."""


@dataclass(slots=True)
class Attributes:
    """What attributes say; what they do not say is empty."""

    kind: SpanKind = "other"
    name: str = ""
    """Of the tool or the agent."""
    thread: str = ""
    given: object = None
    said: object = None
    messages: tuple[BaseMessage, ...] | None = None
    reply: AIMessage | None = None
    tools: tuple[dict[str, Any], ...] = ()
    call_id: str = ""
    failed: str = ""
    """What went wrong, where attributes and not the status tell."""
    usage: dict[str, int] = field(default_factory=dict)
    model: str = ""


def nested(raw: Raw, prefix: str) -> Any:  # noqa: ANN401 - any JSON value
    """Attributes under a prefix as the tree that their dotted names spell; numbers make lists.

    Example:
        >>> nested({"llm.messages.0.role": "user", "llm.messages.1.role": "tool"}, "llm.messages")
        [{'role': 'user'}, {'role': 'tool'}]
    """
    tree: dict[str, Any] = {}
    for name, value in raw.items():
        if name == prefix:
            return _dotted(value)
        if name.startswith(prefix + "."):
            _put(tree, name[len(prefix) + 1 :].split("."), value)
    return _listed(tree) if tree else None


def _put(tree: dict[str, Any], path: list[str], value: object) -> None:
    at = tree
    for step in path[:-1][:32]:
        below = at.get(step)
        if not isinstance(below, dict):
            # `a` beside `a.b`: what is longer tells more.
            below = at[step] = {}
        at = below
    if not isinstance(at.get(path[-1]), dict):
        at[path[-1]] = _dotted(value)


def _dotted(value: object) -> Any:  # noqa: ANN401 - any JSON value
    """Tables of spans keep lists of dictionaries whose names have dots again."""
    if isinstance(value, list):
        return [_dotted(one) for one in value]
    if isinstance(value, Mapping) and any("." in str(name) for name in value):
        tree: dict[str, Any] = {}
        for name, one in value.items():
            _put(tree, str(name).split("."), one)
        return _listed(tree)
    return value


def _listed(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if not isinstance(value, dict):
        return value
    below = {name: _listed(one) for name, one in value.items()}
    if below and all(name.isdecimal() and len(name) < 9 for name in below):
        return [below[name] for name in sorted(below, key=int)]
    return below
