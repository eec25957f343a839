"""What is being worked on: the unit whose calls are journalled, budgeted and put in order."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from agentalign_lc.endpoints.budget import Budget
from agentalign_lc.endpoints.journal import Journal

__all__ = ["Work", "current_work", "working"]


@dataclass
class Work:
    """One unit in work. Calls of a lower unit go first, so that units end in their order.

    Units may share a place in that order. Of them the one goes first that has most ahead of it.

    Example:
        >>> Work(7).rank < Work(8, ahead=20).rank
        True
        >>> Work(7, place=5).rank > Work(8, place=5, ahead=20).rank
        True
    """

    unit: int
    journal: Journal | None = None
    budget: Budget | None = None
    progress: Callable[[], None] = lambda: None
    """Called when a call was answered, and while it waits, so that waiting for an endpoint is no hanging."""
    asked: Counter[str] = field(default_factory=Counter)
    """How often each key was asked so far."""
    place: int | None = None
    """Where its calls stand in the order, if not by its number."""
    ahead: int = 0
    """About how many calls it was going to make in all."""

    @property
    def rank(self) -> tuple[int, int]:
        """Calls of a lower rank go first; those of the same rank as they come."""
        place = self.unit if self.place is None else self.place
        return place, self.asked.total() - self.ahead

    @contextmanager
    def waiting(self, every: float = 60.0) -> Iterator[None]:
        """Report progress while an endpoint is waited for.

        Its limits say how long that takes, and whoever has the highest unit
        waits longest: the unit must not be given up for that.
        """
        loop = asyncio.get_running_loop()
        timer: asyncio.TimerHandle

        def tick() -> None:
            nonlocal timer
            self.progress()
            timer = loop.call_later(every, tick)

        timer = loop.call_later(every, tick)
        try:
            yield
        finally:
            timer.cancel()


_CURRENT: ContextVar[Work | None] = ContextVar("agentalign_work", default=None)


def current_work() -> Work | None:
    """The unit in work here, if any."""
    return _CURRENT.get()


@contextmanager
def working(work: Work) -> Iterator[Work]:
    """Make calls inside belong to a unit.

    Example:
        >>> with working(Work(7)):
        ...     current_work().unit
        7
    """
    token = _CURRENT.set(work)
    try:
        yield work
    finally:
        _CURRENT.reset(token)
