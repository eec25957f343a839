"""The office: units in their order, each given out again when its worker dies, none lost, none twice."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentalign_lc.endpoints.journal import Spend
from agentalign_lc.errors import WorkerError
from agentalign_lc.workers.office import Office
from tests.workers.jobs import Kept


def lost(unit: int, reason: str) -> str:
    return f"lost: {reason}"


async def test_units_come_in_their_order() -> None:
    desk = Office(range(5), Kept(), lost).desk()

    assert [(await desk.take()).unit for _ in range(5)] == [0, 1, 2, 3, 4]


async def test_a_unit_comes_with_what_its_calls_were_answered_before() -> None:
    answers = {("key", 0): "{}"}
    desk = Office([7], Kept(before={7: answers}), lost).desk()

    assert (await desk.take()).answers == answers


async def test_a_taker_waits_for_what_may_come_back() -> None:
    office = Office([0], Kept(), lost)
    first, second = office.desk(), office.desk()
    await first.take()

    waiting = asyncio.create_task(second.take())
    await asyncio.sleep(0)
    assert not waiting.done()
    await first.leave("was killed")

    assert (await waiting).unit == 0
    await second.hand_in(0, "done")
    assert await second.take() is None


async def test_calls_in_flight_of_the_dead_count_as_paid() -> None:
    class Booking:
        def __init__(self) -> None:
            self.booked = 0

        async def reserve(self, most: Spend) -> None:
            pass

        async def settle(self, most: Spend, real: Spend) -> None:
            self.booked += real.output_tokens

    budget = Booking()
    desk = Office([0, 1], Kept(), lost, budget).desk()
    await desk.take()
    await desk.reserve(Spend(output_tokens=5))
    await desk.reserve(Spend(output_tokens=9))
    await desk.settle(Spend(output_tokens=5), Spend(output_tokens=3))

    await desk.leave("was killed")

    assert budget.booked == 3 + 9


async def test_deaths_without_anything_done_end_the_job() -> None:
    office = Office(range(100), Kept(), lost)

    async def die() -> None:
        desk = office.desk()
        await desk.take()
        await desk.leave("hung")

    for _ in range(9):
        await die()
    with pytest.raises(WorkerError, match="10 workers died one after the other, the last hung"):
        await die()


@given(
    units=st.integers(1, 12), room=st.integers(1, 4), deaths=st.lists(st.booleans(), max_size=20)
)
@settings(max_examples=60, deadline=None)
def test_whoever_dies_each_unit_ends_once(units: int, room: int, deaths: list[bool]) -> None:
    """Two workers fill their hands in turn, and die or hand in; in the end all is there once."""

    async def play() -> Kept:
        kept = Kept()
        office = Office(range(units), kept, lost)
        desks = [office.desk(), office.desk()]
        hands: list[list[int]] = [[], []]
        fates = iter(deaths)
        died = 0
        while len(kept.outcomes) < units:
            for side in (0, 1):
                for _ in range(room - len(hands[side])):
                    try:
                        task = await asyncio.wait_for(desks[side].take(), 0.001)
                    except TimeoutError:
                        break
                    if task is None:
                        break
                    hands[side].append(task.unit)
                if next(fates, False) and died < 9:
                    died += 1
                    await desks[side].leave("died")
                    desks[side], hands[side] = office.desk(), []
                elif hands[side]:
                    unit = hands[side].pop(0)
                    await desks[side].hand_in(unit, "done")
        return kept

    kept = asyncio.run(play())

    assert sorted(kept.outcomes) == list(range(units))
