"""The budget: never passed, never stopped too early, and nobody waits for nothing."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentalign_lc.endpoints.journal import Spend
from agentalign_lc.endpoints.local_budget import LocalBudget
from agentalign_lc.errors import BudgetError

PRICES = st.lists(
    st.tuples(st.floats(0.01, 1.0), st.floats(0.0, 1.0)).map(lambda p: (p[0], p[0] * p[1])),
    min_size=1,
    max_size=40,
)
"""What a call may cost at most, and what it did cost."""


@settings(deadline=None)
@given(PRICES, st.floats(0.5, 10.0), st.integers(1, 8))
def test_the_maximum_is_kept_and_nearly_reached(prices, maximum: float, at_once: int) -> None:
    budget = LocalBudget(max_cost=maximum)
    largest = max(most for most, _ in prices)
    waiting = iter(prices)

    async def worker() -> bool:
        for most, real in waiting:
            reserved = Spend(cost=most)
            try:
                await budget.reserve(reserved)
            except BudgetError:
                return False
            await asyncio.sleep(0)
            await budget.settle(reserved, Spend(cost=real))
        return True

    async def run() -> list[bool]:
        return await asyncio.wait_for(asyncio.gather(*(worker() for _ in range(at_once))), 10)

    ended = asyncio.run(run())
    assert budget.cost <= maximum + 1e-9
    if not all(ended):
        assert budget.cost >= maximum - largest - 1e-9


@settings(deadline=None)
@given(st.floats(0.1, 0.5), st.floats(0.5, 3.0))
def test_a_call_that_costs_more_than_was_thought_ends_it(most: float, real: float) -> None:
    budget = LocalBudget(max_cost=1.0)

    async def run() -> None:
        while True:
            await budget.reserve(Spend(cost=most))
            await budget.settle(Spend(cost=most), Spend(cost=real))

    with pytest.raises(BudgetError):
        asyncio.run(run())
    assert budget.cost <= 1.0 + real


async def test_calls_wait_for_those_in_flight_in_their_order() -> None:
    budget = LocalBudget(max_tokens=100)
    most = Spend(input_tokens=60, output_tokens=20)
    await budget.reserve(most)
    order = []

    async def later(name: str) -> None:
        await budget.reserve(most)
        order.append(name)
        await budget.settle(most, Spend(output_tokens=5))

    tasks = [asyncio.create_task(later(name)) for name in "abc"]
    await asyncio.sleep(0)
    assert order == []

    await budget.settle(most, Spend(input_tokens=5))
    await asyncio.gather(*tasks)
    assert order == ["a", "b", "c"]
    assert budget.tokens == 20


async def test_one_who_was_cancelled_holds_nothing() -> None:
    budget = LocalBudget(max_cost=1.0)
    most = Spend(cost=1.0)
    await budget.reserve(most)
    gone = asyncio.create_task(budget.reserve(most))
    next_one = asyncio.create_task(budget.reserve(most))
    await asyncio.sleep(0)

    await budget.settle(most, Spend())  # the room is given to the one that is cancelled now
    gone.cancel()

    await asyncio.wait_for(next_one, 5)


async def test_a_resumed_run_goes_on_from_what_was_spent() -> None:
    budget = LocalBudget(max_cost=1.0, spent=Spend(cost=0.9, input_tokens=7))

    with pytest.raises(
        BudgetError, match=r"\$0\.90 of \$1\.00, and the next call may need \$0\.20"
    ):
        await budget.reserve(Spend(cost=0.2))
    await LocalBudget(max_cost=1.0, spent=Spend(cost=0.9)).reserve(Spend(cost=0.1))


async def test_after_the_first_refusal_no_smaller_call_is_paid_for() -> None:
    budget = LocalBudget(max_cost=1.0)
    with pytest.raises(BudgetError):
        await budget.reserve(Spend(cost=1.5))
    with pytest.raises(BudgetError):
        await budget.reserve(Spend(cost=0.1))


async def test_small_money_is_told_apart() -> None:
    budget = LocalBudget(max_cost=0.001, spent=Spend(cost=0.00098))
    with pytest.raises(BudgetError, match=r"\$0\.00098 of \$0\.001,"):
        await budget.reserve(Spend(cost=0.0001))


async def test_without_a_maximum_all_is_admitted() -> None:
    budget = LocalBudget()
    for _ in range(3):
        await budget.reserve(Spend(cost=1e9, input_tokens=10**12))
