"""What callbacks note down while an app runs: references and shallow copies, nothing serialised.

Whatever the app may change once the callback has returned is copied as far as
apps are known to change it: lists, mappings and messages, a few levels deep.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from langchain_core.messages import BaseMessage
from langgraph.errors import GraphBubbleUp, GraphInterrupt

from agentalign_lc.traces.trace import SpanKind

__all__ = ["MOST_RUNS", "Ending", "SeenRun", "SeenTrace", "snapshot"]

MOST_RUNS = 10_000
"""Spans of a trace; those that come after are counted and left out."""
_DEEPEST = 4


@dataclass(slots=True)
class Ending:
    """How a run ended that did not end well."""

    paused: bool
    text: str
    interrupts: tuple[Any, ...] = ()

    @classmethod
    def of(cls, error: BaseException) -> "Ending | None":
        """What an exception means; None where it only steers the graph."""
        if isinstance(error, GraphInterrupt):
            return cls(paused=True, text="", interrupts=tuple(error.args[0] if error.args else ()))
        if isinstance(error, GraphBubbleUp):
            return None
        # As text, since an exception holds every frame that it went through.
        return cls(paused=False, text=f"{type(error).__name__}: {error}")


@dataclass(slots=True)
class SeenRun:
    """One run, as far as it was seen."""

    id: str
    parent: str | None
    kind: SpanKind
    name: str
    started: float
    metadata: Mapping[str, Any]
    given: Any = None
    """Messages of a model, arguments of a tool, the query of a retriever, the input of a root."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Of a model's call: the tools that it was offered are among them."""
    call_id: str = ""
    tags: tuple[str, ...] = ()
    ended: float | None = None
    got: Any = None
    """What came out."""
    ending: Ending | None = None


@dataclass(slots=True)
class SeenTrace:
    """The runs of a trace, in the order in which they started."""

    root: SeenRun
    stranger: str = ""
    """Id of the run that the root was started by, which was not seen or has ended."""
    runs: list[SeenRun] = field(default_factory=list)
    left_out: int = 0
    keys: list[UUID] = field(default_factory=list)
    """Under which ids the handler knows its runs."""

    def add(self, run: SeenRun) -> None:
        """Add a run, unless there are too many."""
        if len(self.runs) < MOST_RUNS:
            self.runs.append(run)
        else:
            self.left_out += 1


def snapshot(value: Any, depth: int = 0) -> Any:  # noqa: ANN401 - anything that an app hands on
    """Copy what an app may yet change: lists, mappings and messages, a few levels deep."""
    if isinstance(value, BaseMessage):
        return _message(value)
    if depth < _DEEPEST:
        if isinstance(value, dict):
            return {key: snapshot(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [snapshot(item, depth + 1) for item in value]
    return value


def _message(message: BaseMessage) -> BaseMessage:
    copied = copy.copy(message)
    if not isinstance(copied.content, str):
        copied.content = snapshot(copied.content, 1)
    calls = getattr(copied, "tool_calls", None)
    if calls:
        copied.tool_calls = [  # type: ignore[attr-defined]
            {**call, "args": snapshot(call["args"], 1)} for call in calls
        ]
    return copied
