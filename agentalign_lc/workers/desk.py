"""The desk: where a worker takes units, hands in outcomes, and has its calls kept and paid."""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from agentalign_lc.endpoints.budget import Budget
from agentalign_lc.endpoints.journal import Call, Spend
from agentalign_lc.workers.job import Answers
from agentalign_lc.workers.line import Line

__all__ = ["Desk", "RemoteDesk", "Task", "UnitJournal"]


@dataclass(frozen=True)
class Task:
    """A unit to be done."""

    unit: int
    answers: Answers = field(default_factory=dict)
    """What its calls were answered before, when a process died that worked on it."""


class Desk(Budget, Protocol):
    """One worker's way to the office; the same whether the office is near or far."""

    budgeted: bool
    """Whether calls must be reserved and settled here."""

    async def take(self) -> Task | None:
        """The next unit; waits while units in work elsewhere may come back. None at the end."""
        ...

    async def hand_in(self, unit: int, outcome: Any) -> None:  # noqa: ANN401 - the job's own
        """Have an outcome saved."""
        ...

    async def keep(self, call: Call) -> None:
        """Have an answered call kept."""
        ...

    async def forget(self, unit: int, calls: Sequence[tuple[str, int]]) -> None:
        """Have answers let go."""
        ...


class UnitJournal:
    """The journal of one unit: what was answered before is at hand, the rest goes over the desk."""

    def __init__(self, answers: Answers, desk: Desk) -> None:
        self._answers = answers
        self._desk = desk

    def recall(self, unit: int, key: str, nth: int) -> str | None:
        """The answer to a call that an earlier process got, if it did."""
        del unit
        return self._answers.get((key, nth))

    async def keep(self, call: Call) -> None:
        """Keep a call; when this returns, a killed process no longer loses it."""
        await self._desk.keep(call)

    async def forget(self, unit: int, calls: Sequence[tuple[str, int]]) -> None:
        """Let go of answers that were of no use."""
        await self._desk.forget(unit, calls)


class RemoteDesk:
    """A desk at the other end of a line: numbered requests, and answers in any order."""

    def __init__(self, line: Line, *, budgeted: bool) -> None:
        self.budgeted = budgeted
        self._line = line
        self._numbers = itertools.count()
        self._asked: dict[int, asyncio.Future[Any]] = {}

    async def listen(self) -> None:
        """Pass answers on to who waits for them; ends when the office is gone."""
        while (answer := await self._line.receive()) is not None:
            number, value, error = answer
            waiting = self._asked.get(number)
            if waiting is None or waiting.done():
                continue
            if error is None:
                waiting.set_result(value)
            else:
                waiting.set_exception(error)

    async def take(self) -> Task | None:
        """The next unit."""
        task: Task | None = await self._ask("take")
        return task

    async def hand_in(self, unit: int, outcome: Any) -> None:  # noqa: ANN401 - the job's own
        """Have an outcome saved."""
        await self._ask("hand_in", unit, outcome)

    async def keep(self, call: Call) -> None:
        """Have an answered call kept."""
        await self._ask("keep", call)

    async def forget(self, unit: int, calls: Sequence[tuple[str, int]]) -> None:
        """Have answers let go."""
        await self._ask("forget", unit, tuple(calls))

    async def reserve(self, most: Spend) -> None:
        """Set aside what a call may use at most."""
        await self._ask("reserve", most)

    async def settle(self, most: Spend, real: Spend) -> None:
        """Give back what was set aside, and book what was used."""
        await self._ask("settle", most, real)

    async def stop(self, error: Exception) -> None:
        """Say what no unit gets over; the office then stops the job."""
        await self._ask("stop", error)

    async def _ask(self, what: str, *details: object) -> Any:  # noqa: ANN401 - see the methods
        number = next(self._numbers)
        waiting = self._asked[number] = asyncio.get_running_loop().create_future()
        try:
            await self._line.send((number, what, details))
            return await waiting
        finally:
            del self._asked[number]
