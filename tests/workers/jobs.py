"""Jobs that worker processes can load: they double numbers, and some units are dangerous."""

import asyncio
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agentalign_lc.endpoints.journal import Call, Spend
from agentalign_lc.endpoints.work import current_work
from agentalign_lc.errors import AccessError


@dataclass
class Kept:
    """A sink in memory."""

    outcomes: dict[int, str] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    before: dict[int, dict[tuple[str, int], str]] = field(default_factory=dict)
    order: list[int] = field(default_factory=list)

    async def save(self, unit: int, outcome: str) -> None:
        assert unit not in self.outcomes, "nothing is done twice"
        self.outcomes[unit] = outcome
        self.order.append(unit)

    async def answers(self, unit: int) -> dict[tuple[str, int], str]:
        kept = {(c.key, c.nth): c.answer for c in self.calls if c.unit == unit and c.answer}
        return self.before.get(unit, {}) | kept

    async def keep(self, call: Call) -> None:
        self.calls.append(call)

    async def forget(self, unit: int, calls: Sequence[tuple[str, int]]) -> None:
        self.calls = [c for c in self.calls if c.unit != unit or (c.key, c.nth) not in calls]


@dataclass(frozen=True)
class Doubling:
    """Doubles numbers; each says who did it."""

    folder: Path | None = None
    """Where a unit notes that it has killed its worker."""
    deadly: frozenset[int] = frozenset()
    """Units that kill their worker each time."""
    deadly_once: frozenset[int] = frozenset()
    calls: int = 0
    """Calls that each unit makes."""
    refused: int | None = None
    """The unit at which the provider refuses the key."""

    def start(self, workers: int) -> "Doubler":
        return Doubler(self)

    def lost(self, unit: int, reason: str) -> str:
        return f"lost: {reason}"


class Doubler:
    def __init__(self, job: Doubling) -> None:
        self.job = job

    async def do(self, unit: int) -> str:
        await asyncio.sleep(0)
        for nth in range(self.job.calls):
            await self._call(unit, nth)
        if unit == self.job.refused:
            raise AccessError("the provider refused the key")
        if unit in self.job.deadly or self._first_time(unit):
            os.kill(os.getpid(), signal.SIGKILL)
        return f"{2 * unit} by {os.getpid()}"

    async def close(self) -> None:
        pass

    def _first_time(self, unit: int) -> bool:
        if unit not in self.job.deadly_once or self.job.folder is None:
            return False
        try:
            (self.job.folder / str(unit)).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    async def _call(self, unit: int, nth: int) -> None:
        work = current_work()
        assert work is not None
        assert work.journal is not None
        if work.journal.recall(unit, "key", nth) is not None:
            return
        most = Spend(output_tokens=10)
        if work.budget is not None:
            await work.budget.reserve(most)
        real = Spend(output_tokens=7)
        await work.journal.keep(
            Call(unit=unit, key="key", nth=nth, endpoint="m", answer="{}", spend=real)
        )
        if work.budget is not None:
            await work.budget.settle(most, real)
