"""A step of the guard: what a check asks to have decided, and what it leads to.

A check is a generator that yields what is to be decided and is sent the
decision, so that one text serves sync and async: :func:`settled` and
:func:`asettled` drive it.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from langchain_core.messages import BaseMessage

from agentalign_lc.guard.engine.decision import Decision
from agentalign_lc.guard.engine.engine import Engine
from agentalign_lc.guard.view import Checkpoint, View

__all__ = ["Asked", "Check", "Step", "asettled", "settled"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asked:
    """Something that a check wants decided."""

    view: View
    checkpoint: Checkpoint
    changed: bool = True


Check = Generator[Asked, Decision, T]


@dataclass(frozen=True, slots=True)
class Step:
    """What a check leads to."""

    messages: tuple[BaseMessage, ...] = ()
    """To add; one with the id of an earlier message takes its place."""
    kept: Mapping[str, Any] = field(default_factory=dict)
    """To merge into the state key."""
    ends: bool = False
    """Whether the run is over."""

    @property
    def empty(self) -> bool:
        """Whether nothing has to be done."""
        return not (self.messages or self.kept or self.ends)


def settled(guard: Engine, check: Check[T]) -> T:
    """Carry out a check."""
    try:
        asked = next(check)
        while True:
            decision = guard.decide(asked.view, asked.checkpoint, changed=asked.changed)
            asked = check.send(decision)
    except StopIteration as end:
        done: T = end.value
        return done


async def asettled(guard: Engine, check: Check[T]) -> T:
    """Carry out a check without blocking."""
    try:
        asked = next(check)
        while True:
            decision = await guard.adecide(asked.view, asked.checkpoint, changed=asked.changed)
            asked = check.send(decision)
    except StopIteration as end:
        done: T = end.value
        return done
