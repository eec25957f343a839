"""The gate, on a clock of its own: order, rates and rests."""

import asyncio
import math
import selectors
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentalign_lc.endpoints.concurrency import Concurrency
from agentalign_lc.endpoints.gate import Gate
from agentalign_lc.endpoints.limits import Limits
from agentalign_lc.endpoints.work import Work


class _Loop(asyncio.SelectorEventLoop):
    """An event loop in which waiting takes no time: its clock jumps to what is due next."""

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__(_Selector(self))

    def time(self) -> float:
        return self.now


class _Selector(selectors.DefaultSelector):
    def __init__(self, loop: _Loop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        self._loop.now += timeout or 0.0
        return super().select(0)


def at_once(work: Coroutine[Any, Any, Any]) -> Any:
    """Run something on a clock of its own."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(work)


@asynccontextmanager
async def placed(gate: Gate, rank: tuple[int, int], tokens: int = 0) -> AsyncIterator[None]:
    """A place that is entered at once."""
    with gate.place(rank, tokens).offered() as place:
        await place.enter()
        yield


async def started(gate: Gate, units: list[int], tokens: int = 0, lasts: float = 0.0) -> list:
    """When each call of the units started: (time, unit)."""
    log = []

    async def call(unit: int) -> None:
        async with placed(gate, (unit, 0), tokens):
            log.append((asyncio.get_running_loop().time(), unit))
            await asyncio.sleep(lasts)

    await asyncio.gather(*map(call, units))
    return log


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 9), min_size=2, max_size=30), st.integers(1, 5))
def test_lower_units_go_first_then_those_who_came_first(units: list[int], most: int) -> None:
    async def run() -> list:
        gate = Gate(Limits(), Concurrency(most))
        return await started(gate, units, lasts=1.0)

    log = at_once(run())
    assert [unit for _, unit in log] == units[:most] + sorted(units[most:])
    assert [time for time, _ in log] == [float(n // most) for n in range(len(units))]


@settings(deadline=None, max_examples=30)
@given(st.sampled_from([6.0, 60.0, 600.0, 3000.0]), st.integers(20, 200))
def test_requests_a_minute(per_minute: float, calls: int) -> None:
    async def run() -> list:
        return await started(
            Gate(Limits(requests_per_minute=per_minute), Concurrency(64)), [0] * calls
        )

    times = [time for time, _ in at_once(run())]
    burst = max(1.0, per_minute / 10)
    for begin, first in enumerate(times):
        within = sum(first <= time < first + 60 - 1e-6 for time in times[begin:])
        assert within <= per_minute + burst
    # and no slower than it must be
    assert times[-1] <= max(0.0, calls - burst) * 60 / per_minute + 1e-6


def test_tokens_a_minute_are_corrected_afterwards() -> None:
    async def run() -> tuple[float, float]:
        clock = asyncio.get_running_loop().time
        gate = Gate(Limits(tokens_per_minute=6000), Concurrency(8))  # 100 a second, 600 at once
        async with placed(gate, (0, 0), tokens=600):
            gate.correct(1200)  # three times what was thought
        async with placed(gate, (0, 0), tokens=100):
            late = clock()
            gate.correct(-100)  # and once nothing at all
        async with placed(gate, (0, 0), tokens=100):
            return late, clock() - late

    late, soon = at_once(run())
    assert late == pytest.approx(13.0, abs=0.1)
    assert soon == pytest.approx(0.0, abs=0.1)


def test_a_call_of_more_tokens_than_a_minute_has_gets_through() -> None:
    async def run() -> list:
        return await started(Gate(Limits(tokens_per_minute=60), Concurrency(8)), [0, 1], tokens=120)

    assert [round(time) for time, _ in at_once(run())] == [114, 234]


def test_nobody_starts_during_a_rest() -> None:
    async def run() -> list:
        concurrency = Concurrency(8)
        gate = Gate(Limits(), concurrency)
        for _ in range(13):
            concurrency.answered(busy=True, started=0.0, now=0.0, after=30.0)
        return await started(gate, [2, 1, 0])

    assert at_once(run()) == [(30.0, 0), (30.0, 1), (30.0, 2)]


def test_places_follow_the_limit() -> None:
    async def run() -> int:
        concurrency = Concurrency(10)
        gate = Gate(Limits(), concurrency)
        peaks = []

        async def call(number: int) -> None:
            async with placed(gate, (number, 0)):
                peaks.append(gate.in_flight)
                await asyncio.sleep(1)
                if number < 10:  # all of the first wave come back busy
                    concurrency.answered(busy=True, started=0.0, now=1.0 + number / 100)

        for _ in range(3):
            concurrency.answered(busy=True, started=0.0, now=0.0)
        await asyncio.gather(*map(call, range(40)))
        return max(peaks[10:])

    assert at_once(run()) == 7


@settings(deadline=None, max_examples=50)
@given(st.lists(st.booleans(), min_size=1, max_size=20), st.integers(1, 3))
def test_whoever_leaves_the_queue_holds_nothing(leaves: list[bool], most: int) -> None:
    async def run() -> tuple[int, int]:
        gate = Gate(Limits(), Concurrency(most))
        tasks = [asyncio.create_task(started(gate, [0], lasts=1.0)) for _ in leaves]
        await asyncio.sleep(0)
        for task, leave in zip(tasks, leaves, strict=True):
            if leave:
                task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        answered = sum(isinstance(end, list) for end in ended)
        async with asyncio.timeout(100):
            await started(gate, [0] * most)
        return answered, gate.in_flight

    assert at_once(run()) == (leaves.count(False), 0)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(1, 12), min_size=1, max_size=30), st.integers(1, 8))
def test_units_that_share_a_place_end_together(calls: list[int], most: int) -> None:
    """One round later than the best schedule, at most: no long unit is left alone at the end."""

    async def run() -> float:
        gate = Gate(Limits(), Concurrency(most))

        async def one_after_the_other(unit: int, ahead: int) -> None:
            work = Work(unit, place=0, ahead=ahead)
            for _ in range(ahead):
                work.asked["a question"] += 1
                async with placed(gate, work.rank):
                    await asyncio.sleep(1)

        await asyncio.gather(*(one_after_the_other(*unit) for unit in enumerate(calls)))
        return asyncio.get_running_loop().time()

    best = max(*calls, math.ceil(sum(calls) / most))
    assert best <= at_once(run()) <= best + 1


def test_a_turn_that_came_too_late_is_passed_on() -> None:
    async def through(gate: Gate, unit: int) -> int:
        async with placed(gate, (unit, 0)):
            return unit

    async def run() -> int:
        gate = Gate(Limits(), Concurrency(1))
        async with placed(gate, (0, 0)):
            late = asyncio.create_task(through(gate, 1))
            following = asyncio.create_task(through(gate, 2))
            await asyncio.sleep(0)
        late.cancel()  # it has the turn, and does not know yet
        async with asyncio.timeout(100):
            return await following

    assert at_once(run()) == 2
