"""The follower: how far along a run is."""

from hypothesis import given
from hypothesis import strategies as st

from agentalign_lc.guard.judges.following import Follower
from agentalign_lc.records import BehaviorChain, Step


def chain(name: str, *steps: str) -> BehaviorChain:
    made = tuple(Step(capability=step, action="do") for step in steps)
    return BehaviorChain(
        name=name, category="c", subcategory="s", steps=made, harmful="h", borderline="b", benign="n"
    )  # fmt: skip


def call(*steps: str) -> frozenset[str]:
    return frozenset(f"{step}:do" for step in steps)


CHAINS = (
    chain("abc", "a", "b", "c"),
    chain("ab", "a", "b"),
    chain("aab", "a", "a", "b"),
    chain("cba", "c", "b", "a"),
)
runs = st.lists(
    st.lists(st.frozensets(st.sampled_from(["a:do", "b:do", "c:do"]), max_size=2), max_size=3).map(
        tuple
    ),
    max_size=6,
)


def test_other_calls_may_stand_between() -> None:
    follower = Follower(CHAINS)

    assert follower.follow([(call("a"),), (call("z"),), (call("b"),)]) == {
        "abc": 2,
        "ab": 2,
        "aab": 1,
    }


def test_a_batch_has_no_order_and_each_call_counts_once() -> None:
    follower = Follower(CHAINS)

    assert follower.follow([(call("b"), call("a"))]) == {"abc": 2, "ab": 2, "aab": 1}


def test_a_call_that_may_be_several_steps() -> None:
    assert Follower(CHAINS).follow([(call("a", "c"),)]) == {"abc": 1, "ab": 1, "aab": 1, "cba": 1}


def test_what_few_chains_begin_with_is_rare() -> None:
    follower = Follower(CHAINS)

    assert follower.rarity("cba", 1) == 1.0
    assert 0 < follower.rarity("abc", 1) < follower.rarity("abc", 2) < follower.rarity("abc", 3)
    assert follower.share("abc", 2) == 2 / 3


@given(runs)
def test_going_on_is_the_same_as_starting_over(run) -> None:
    going, fresh = Follower(CHAINS), Follower(CHAINS)
    for length in range(len(run) + 1):
        last = going.follow(run[:length])

    assert last == fresh.follow(run)
    assert all(1 <= done <= len(fresh._steps[name]) for name, done in last.items())


@given(runs, runs)
def test_more_calls_never_lose_a_step(run, more) -> None:
    follower = Follower(CHAINS)
    before, after = follower.follow(run), follower.follow(run + more)

    assert all(after[name] >= done for name, done in before.items())
