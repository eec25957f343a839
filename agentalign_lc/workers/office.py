"""The office of a job, in the driver: hands out units, has outcomes saved, minds who died."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar

from agentalign_lc.endpoints.budget import Budget
from agentalign_lc.endpoints.journal import Call, Spend
from agentalign_lc.errors import WorkerError
from agentalign_lc.workers.desk import Task
from agentalign_lc.workers.job import Sink

__all__ = ["Office", "OfficeDesk"]

OutcomeT = TypeVar("OutcomeT")

_TRIES = 3
"""How often a unit may be in the hands of a worker that dies."""
_DEATHS = 10
"""Workers that may die one after the other without anything getting done in between."""


class Office(Generic[OutcomeT]):
    """Knows which units wait and which are in work, and is the only one who uses the sink.

    A unit whose worker died is given out again. One that was there at two
    deaths is under suspicion: it is then done alone, so that it takes no other
    unit with it, and after the third death it is recorded as lost.

    Args:
        units: Numbers of the units, in their order; taken as they are needed.
        sink: Where outcomes and answered calls go.
        lost: Makes the outcome of a unit that is given up, from the reason.
        budget: What calls may use; None for no limit.
        warn: Called with one line for each worker that dies.
    """

    def __init__(
        self,
        units: Iterable[int] | AsyncIterable[int],
        sink: Sink[OutcomeT],
        lost: Callable[[int, str], OutcomeT],
        budget: Budget | None = None,
        warn: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.sink = sink
        self._warn = warn
        self.budget = budget
        self.done = asyncio.Event()
        """Set when every unit has its outcome."""
        self._lost = lost
        self._coming = _stream(units)
        self._exhausted = False
        self._returned: list[int] = []
        self._deaths: dict[int, int] = {}
        self._deaths_in_a_row = 0
        self._in_work = 0
        self._turn = asyncio.Condition()

    def desk(self) -> "OfficeDesk[OutcomeT]":
        """A desk for one more worker."""
        return OfficeDesk(self)

    async def take(self, hand: set[int]) -> int | None:
        """Put the next unit into a worker's hand; None if there is none left to do."""
        async with self._turn:
            while True:
                unit = await self._next(hand)
                if unit is not None:
                    hand.add(unit)
                    self._in_work += 1
                    return unit
                if self._exhausted and not self._returned and not self._in_work:
                    self.done.set()
                    self._turn.notify_all()
                    return None
                await self._turn.wait()

    async def finish(self, unit: int, outcome: OutcomeT, hand: set[int]) -> None:
        """Have the outcome of a unit in hand saved."""
        await self.sink.save(unit, outcome)
        self._deaths.pop(unit, None)
        self._deaths_in_a_row = 0
        await self._put_down(hand, [unit])

    async def bury(self, hand: set[int], reason: str) -> None:
        """Give what a dead worker had in hand to others, or give it up.

        Raises:
            WorkerError: workers die one after the other, and nothing gets done.
        """
        self._deaths_in_a_row += 1
        self._warn(
            f"a worker {reason}; another takes over, with the {len(hand)} that it had in work"
        )
        for unit in sorted(hand):
            self._deaths[unit] = self._deaths.get(unit, 0) + 1
            if self._deaths[unit] >= _TRIES:
                why = f"the worker died each of {_TRIES} times: {reason}"
                await self.sink.save(unit, self._lost(unit, why))
                del self._deaths[unit]
            else:
                self._returned.append(unit)
        await self._put_down(hand, list(hand))
        if self._deaths_in_a_row >= _DEATHS:
            raise WorkerError(
                f"{_DEATHS} workers died one after the other, the last {reason}: "
                "what was done is kept; continue with --resume and fewer --workers"
            )

    async def _next(self, hand: set[int]) -> int | None:
        if self._deaths and any(self._suspect(unit) for unit in hand):
            return None
        calm = [unit for unit in self._returned if not self._suspect(unit)]
        if calm or (self._returned and not hand):
            unit = min(calm or self._returned)
            self._returned.remove(unit)
            return unit
        if not self._exhausted:
            try:
                return await anext(self._coming)
            except StopAsyncIteration:
                self._exhausted = True
        return None

    def _suspect(self, unit: int) -> bool:
        return self._deaths.get(unit, 0) >= _TRIES - 1

    async def _put_down(self, hand: set[int], units: Iterable[int]) -> None:
        async with self._turn:
            for unit in units:
                hand.discard(unit)
                self._in_work -= 1
            self._turn.notify_all()


class OfficeDesk(Generic[OutcomeT]):
    """One worker's desk in the office; knows what the worker has in hand and set aside."""

    def __init__(self, office: Office[OutcomeT]) -> None:
        self.budgeted = office.budget is not None
        self.used = False
        """Whether the worker has come to it at all."""
        self._office = office
        self._hand: set[int] = set()
        self._reserved: Counter[Spend] = Counter()

    async def take(self) -> Task | None:
        """The next unit, with what its calls were answered before."""
        self.used = True
        unit = await self._office.take(self._hand)
        return None if unit is None else Task(unit, await self._office.sink.answers(unit))

    async def hand_in(self, unit: int, outcome: Any) -> None:  # noqa: ANN401 - the job's own
        """Have an outcome saved."""
        await self._office.finish(unit, outcome, self._hand)

    async def keep(self, call: Call) -> None:
        """Have an answered call kept."""
        await self._office.sink.keep(call)

    async def forget(self, unit: int, calls: Sequence[tuple[str, int]]) -> None:
        """Have answers let go."""
        await self._office.sink.forget(unit, calls)

    async def reserve(self, most: Spend) -> None:
        """Set aside what a call may use at most."""
        if self._office.budget is not None:
            await self._office.budget.reserve(most)
            self._reserved[most] += 1

    async def settle(self, most: Spend, real: Spend) -> None:
        """Give back what was set aside, and book what was used."""
        if self._office.budget is not None:
            self._reserved[most] -= 1
            await self._office.budget.settle(most, real)

    async def leave(self, reason: str) -> None:
        """The worker is gone: give its units to others. Its calls in flight count as paid in full.

        Raises:
            WorkerError: workers die one after the other, and nothing gets done.
        """
        for most in self._reserved.elements():
            if self._office.budget is not None:
                await self._office.budget.settle(most, most)
        if self._hand or not self._office.done.is_set():
            await self._office.bury(self._hand, reason)


async def _stream(units: Iterable[int] | AsyncIterable[int]) -> AsyncIterator[int]:
    if isinstance(units, AsyncIterable):
        async for unit in units:
            yield unit
    else:
        for unit in units:
            yield unit
