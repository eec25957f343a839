"""The table: means, intervals and differences of outcomes whose figures are known."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, bootstrap

from agentalign_lc.endpoints.journal import Spend
from agentalign_lc.evaluation.outcome import Outcome
from agentalign_lc.evaluation.table import base_of, mcnemar, tabulate
from agentalign_lc.records import Intent

HARMFUL, BENIGN = Intent.HARMFUL, Intent.BENIGN


def outcome(case, agent="a", intent=HARMFUL, **known):
    return Outcome(agent=agent, suite="test", case=str(case), intent=intent, **known)


def test_means_are_over_what_is_known():
    table = tabulate(
        [
            outcome(1, score=1.0, refused=False, steps=4, spend=Spend(cost=0.5)),
            outcome(2, score=0.5, refused=False, steps=2),
            outcome(3, score=0.0, refused=True),
            outcome(4, score=0.5, refused=None, problem="the judge broke: no answer", steps=2),
            outcome(5, problem="the agent failed: no answer"),
        ]
    )
    row = table.row("a", HARMFUL)
    means = {name: (found.value, found.cases) for name, found in row.measures.items()}

    assert means["score"] == (0.5, 4)
    assert means["full"] == (0.25, 4)
    assert means["refused"] == (pytest.approx(1 / 3), 3)
    assert means["non_refusal_score"] == (0.75, 2)
    assert means["steps"] == (2.0, 4)
    assert means["cost"] == (0.1, 5)
    assert "followed_injection" not in means
    assert (row.cases, row.unknown, table.unknown) == (5, 2, 2)
    assert table.problems == (
        ("the agent failed: no answer", 1),
        ("the judge broke: no answer", 1),
    )


def test_an_unknown_is_neither_a_refusal_nor_a_success():
    broken = [outcome(case, problem="the judge broke") for case in range(3)]
    row = tabulate(broken).row("a", HARMFUL)

    assert row.unknown == 3
    assert not {"score", "full", "refused", "non_refusal_score"} & row.measures.keys()


def test_injections_count_where_there_was_one():
    found = [outcome(1, followed_injection=True), outcome(2, followed_injection=False), outcome(3)]
    measure = tabulate(found).row("a", HARMFUL).measures["followed_injection"]
    assert (measure.value, measure.cases) == (0.5, 2)


def test_cases_of_a_group_are_drawn_together():
    alike = [outcome(n, score=n % 2, refused=False, group=f"chain {n % 2}") for n in range(40)]
    apart = [one.model_copy(update={"group": ""}) for one in alike]
    together = tabulate(alike).row("a", HARMFUL).measures["score"]
    alone = tabulate(apart).row("a", HARMFUL).measures["score"]

    assert (together.low, together.high) == (0.0, 1.0)  # of two chains, both draws may be the same
    assert alone.low > 0.3
    assert alone.high < 0.7


def test_one_group_has_no_interval():
    only = tabulate([outcome(1, score=1, refused=False)]).row("a", HARMFUL).measures["score"]
    assert (only.value, only.low, only.high) == (1.0, None, None)


def test_intervals_are_those_of_scipy():
    chance = random.Random(1)
    scores = [chance.random() for _ in range(80)]
    ours = tabulate([outcome(n, score=s, refused=False) for n, s in enumerate(scores)], draws=4000)
    found = ours.row("a", HARMFUL).measures["score"]
    mean = bootstrap(
        (scores,), lambda x, axis: x.mean(axis=axis), method="percentile", n_resamples=4000, rng=3
    )
    assert found.low == pytest.approx(mean.confidence_interval.low, abs=0.01)
    assert found.high == pytest.approx(mean.confidence_interval.high, abs=0.01)


@given(st.integers(0, 400), st.integers(0, 400))
def test_mcnemar_is_the_binomial_test(one, other):
    expected = binomtest(one, one + other).pvalue if one + other else 1.0
    assert mcnemar(one, other) == pytest.approx(expected, abs=1e-9)


def test_variants_are_compared_on_the_same_cases():
    bare = [outcome(n, score=1.0, refused=False) for n in range(6)]
    guarded = [
        outcome(n, agent="a +guard", score=0.5, refused=n < 5, group="") for n in range(1, 7)
    ]
    other = [outcome(n, agent="b", score=0.0, refused=True) for n in range(6)]
    differences = {
        (d.agent, d.against, d.measure): d for d in tabulate([*bare, *guarded, *other]).differences
    }

    score = differences["a +guard", "a", "score"]
    refused = differences["a +guard", "a", "refused"]
    assert (score.difference, score.low, score.high, score.cases, score.p) == (
        -0.5,
        -0.5,
        -0.5,
        5,
        None,
    )
    assert (refused.difference, refused.cases, refused.p) == (0.8, 5, mcnemar(4, 0))
    assert differences["b", "a", "score"].difference == -1.0
    assert {(agent, against) for agent, against, _ in differences} == {
        ("a +guard", "a"),
        ("b", "a"),
    }


@given(st.data())
def test_the_order_in_which_cases_end_changes_nothing(data):
    made = st.builds(
        outcome,
        st.integers(0, 5),
        intent=st.sampled_from(Intent),
        score=st.none() | st.floats(0, 1),
        refused=st.none() | st.booleans(),
        group=st.sampled_from(["x", "y", ""]),
    )
    outcomes = data.draw(st.lists(made, max_size=12, unique_by=lambda o: (o.case, o.intent)))
    shuffled = data.draw(st.permutations(outcomes))
    assert tabulate(shuffled, draws=20).to_json() == tabulate(outcomes, draws=20).to_json()


@given(st.lists(st.floats(0, 1), min_size=2, max_size=30))
def test_a_mean_lies_within_its_extremes(scores):
    table = tabulate([outcome(n, score=s, refused=False) for n, s in enumerate(scores)], draws=50)
    found = table.row("a", HARMFUL).measures["score"]
    assert min(scores) - 1e-12 <= found.low <= found.high <= max(scores) + 1e-12


def test_categories_have_rows_of_their_own():
    found = tabulate(
        [outcome(1, category="privacy", score=1), outcome(2, category="online_fraud", score=0)],
        by_category=True,
    )
    assert [(row.category, row.cases) for row in found.rows] == [
        ("online_fraud", 1),
        ("privacy", 1),
    ]


def test_timings_stay_out_of_the_file():
    fast, slow = (tabulate([outcome(1, score=1, seconds=s)]) for s in (1.0, 9.0))
    assert fast.to_json() == slow.to_json()
    assert "seconds" not in json.loads(fast.to_json())["rows"][0]["measures"]


def test_a_label_without_its_variant():
    assert base_of("app:graph") == base_of("app:graph +cot +guard") == "app:graph"
