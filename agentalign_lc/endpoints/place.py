"""A place in flight: taken when a request goes out, left when the answer to it has come."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["Place", "current_place"]


class Place:
    """One call's place among those that an endpoint may have in flight.

    A client that knows when it sends takes the place there and not before: what
    is done for a request beforehand and with its answer afterwards needs none,
    and on a busy processor that is as long as some calls last. In traces the
    time of such a call holds its wait, as with LangChain's own rate limiters.

    Args:
        enter: Waits for room.
        leave: Makes room for the next.

    Example:
        >>> import asyncio
        >>> async def enter() -> None:
        ...     print("sent")
        >>> async def call() -> None:
        ...     with Place(enter, lambda: print("answered")).offered() as place:
        ...         await place.enter()
        ...         place.leave()
        ...         print("read")
        >>> asyncio.run(call())
        sent
        answered
        read
    """

    def __init__(self, enter: Callable[[], Awaitable[None]], leave: Callable[[], None]) -> None:
        self._enter = enter
        self._leave = leave
        self._entered = False
        self._left = False
        self.on_entry: Callable[[], None] = lambda: None
        """Called when it was entered."""

    async def enter(self) -> None:
        """Wait for the place; once only, however often a client sends."""
        if not self._entered:
            await self._enter()
            self._entered = True
            self.on_entry()

    def leave(self) -> None:
        """Leave the place, if it was entered and not left yet."""
        if self._entered and not self._left:
            self._left = True
            self._leave()

    @contextmanager
    def offered(self) -> Iterator["Place"]:
        """Let whoever sends inside find the place; left at the end, at the latest."""
        before = _OFFERED.set(self)
        try:
            yield self
        finally:
            _OFFERED.reset(before)
            self.leave()


_OFFERED: ContextVar[Place | None] = ContextVar("agentalign_place", default=None)


def current_place() -> Place | None:
    """The place that is offered here, if any."""
    return _OFFERED.get()
