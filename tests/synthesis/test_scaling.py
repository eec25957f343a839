"""From a sample to the whole: unbiased, and as sure as it says."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentalign_lc.endpoints.price import Price
from agentalign_lc.synthesis.scaling import Parts, Stratum, Usage, scale

PRICES = {"cheap": Price(input=1, output=2), "dear": Price(input=10, output=20), "free": None}
SHARES = {"author": {"cheap": 1.0}, "actor": {"cheap": 0.75, "dear": 0.25}}

counts = st.integers(0, 10_000)
usages = st.builds(Usage, st.integers(0, 20), counts, counts)
units = st.fixed_dictionaries(
    {("author", "cheap"): usages}, optional={("actor", "cheap"): usages, ("actor", "dear"): usages}
)


@given(asked=st.lists(units, min_size=1, max_size=6), again=units)
def test_a_whole_is_counted_and_not_estimated(asked: list[Parts], again: Parts) -> None:
    found = scale([Stratum(len(asked), asked, [again] * len(asked))], SHARES, PRICES.get)

    assert found.low == found.total == found.high
    assert found.total.calls == sum(usage.calls for unit in asked for usage in unit.values())
    assert found.sampled == found.scenarios
    dear = sum((unit.get(("actor", "dear"), Usage()) for unit in asked), Usage())
    part = next(part for part in found.asked if part.endpoint == "dear")
    assert part.input_tokens == dear.input_tokens


@given(unit=units, drawn=st.integers(1, 5), further=st.integers(1, 95))
def test_units_that_are_all_alike_leave_no_doubt(unit: Parts, drawn: int, further: int) -> None:
    size = drawn + further
    found = scale([Stratum(size, [unit] * drawn, [{}] * drawn)], SHARES, PRICES.get)

    once = sum(usage.calls for usage in unit.values())
    assert found.total.calls == pytest.approx(size * once)
    assert found.low.calls == pytest.approx(found.high.calls)
    actor = sum(u.input_tokens for (role, _), u in unit.items() if role == "actor")
    part = next(part for part in found.asked if part.endpoint == "dear")
    assert part.input_tokens == pytest.approx(size * actor / 4), "its share, whoever was drawn"


def test_the_truth_lies_within_the_range_about_nineteen_times_of_twenty() -> None:
    random = Random(3)
    run: list[Parts] = [
        {("author", "cheap"): Usage(3, tokens := random.lognormvariate(8, 0.7), tokens / 10)}
        for _ in range(400)
    ]
    whole = scale([Stratum(400, run, [{}] * 400)], SHARES, PRICES.get).total
    within = 0
    for _ in range(300):
        sample = random.sample(run, 40)
        found = scale([Stratum(400, sample, [{}] * 40)], SHARES, PRICES.get)
        within += found.low.input_tokens <= whole.input_tokens <= found.high.input_tokens

    assert 0.9 <= within / 300 < 1


def test_models_without_a_price_are_named_and_cost_nothing() -> None:
    unit = {("author", "free"): Usage(1, 1000, 100), ("actor", "dear"): Usage(1, 1000, 100)}

    found = scale([Stratum(1, [unit], [{}])], {"author": {"free": 1}, "actor": {"dear": 1}}, PRICES.get)  # fmt: skip

    assert [part.cost for part in found.asked] == [None, pytest.approx(0.012)]
    assert found.unpriced == ("free",)
    assert not found.unpaid
    assert found.total.cost == pytest.approx(0.012)
