"""The gate before an endpoint: who may ask next, and when."""

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable
from functools import partial

from aiolimiter import AsyncLimiter

from agentalign_lc.endpoints.concurrency import Concurrency
from agentalign_lc.endpoints.limits import Limits
from agentalign_lc.endpoints.place import Place

__all__ = ["Gate"]

_BURST = 6.0
"""Seconds whose requests may be sent at once; a whole minute's at once is what providers refuse."""


class Gate:
    """Lets calls through: by rank, then as they came, as many as limits and concurrency allow.

    When there is a place, the first in the queue has the turn. It waits for the
    end of a rest that the endpoint asked for and for the rates; all others wait
    for the turn, so that whoever comes with a lower rank is next.

    Args:
        limits: Limits of the endpoint.
        concurrency: Its adaptive limit on calls in flight.
        sleep: How to wait.

    Example:
        >>> async def main():
        ...     gate = Gate(Limits(concurrency=1), Concurrency(1))
        ...     with gate.place((0, 0)).offered() as place:
        ...         await place.enter()
        ...         return gate.in_flight
        >>> asyncio.run(main())
        1
    """

    def __init__(
        self,
        limits: Limits,
        concurrency: Concurrency,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.in_flight = 0
        self._concurrency = concurrency
        self._clock = clock or asyncio.get_running_loop().time
        self._sleep = sleep
        self._requests = _limiter(limits.requests_per_minute)
        self._tokens = _limiter(limits.tokens_per_minute)
        self._owed = 0.0
        self._order = itertools.count()
        self._queue: list[tuple[tuple[int, int], int, asyncio.Future[None]]] = []
        self._taken = False

    def place(self, rank: tuple[int, int], tokens: int = 0) -> Place:
        """A place in flight, which is yet to be entered.

        Args:
            rank: That of the unit that the call belongs to; lower ones go first.
            tokens: About how many the call will use; ``correct`` it afterwards.
        """
        return Place(partial(self._enter, rank, tokens), self._leave)

    def correct(self, tokens: int) -> None:
        """Count tokens that were used beyond what was said before (or fewer, if negative)."""
        self._owed += tokens

    async def _enter(self, rank: tuple[int, int], tokens: int) -> None:
        order = next(self._order)
        while True:
            await self._turn(rank, order)
            try:
                rest = self._concurrency.rest_until - self._clock()
                if rest > 0:
                    await self._sleep(rest)
                elif self._full:
                    continue  # the limit fell during a rest
                else:
                    if self._requests:
                        await self._requests.acquire()
                    if self._tokens:
                        await self._acquire_tokens(self._tokens, tokens)
                    self.in_flight += 1
                    return
            finally:
                self._taken = False
                self._next()

    def _leave(self) -> None:
        self.in_flight -= 1
        self._next()

    @property
    def _full(self) -> bool:
        return self.in_flight >= self._concurrency.limit

    async def _turn(self, rank: tuple[int, int], order: int) -> None:
        if not (self._taken or self._queue or self._full):
            self._taken = True
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._queue, (rank, order, turn))
        self._next()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._taken = False
                self._next()
            raise

    def _next(self) -> None:
        """Give the turn to the first in the queue, if it is free and there is a place."""
        while self._queue and not (self._taken or self._full):
            turn = heapq.heappop(self._queue)[2]
            if not turn.done():
                self._taken = True
                turn.set_result(None)

    async def _acquire_tokens(self, limiter: AsyncLimiter, tokens: int) -> None:
        due = tokens + self._owed
        self._owed = min(0.0, due)
        while due > 0:
            # A call may need more than a whole bucket.
            part = min(due, limiter.max_rate)
            await limiter.acquire(part)
            due -= part


def _limiter(per_minute: float | None) -> AsyncLimiter | None:
    if per_minute is None:
        return None
    per_second = per_minute / 60
    burst = max(1.0, per_second * _BURST)
    return AsyncLimiter(burst, burst / per_second)
