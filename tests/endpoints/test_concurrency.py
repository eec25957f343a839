"""Adaptive concurrency: it falls when an endpoint has too much to do, and for nothing else."""

import math
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from agentalign_lc.endpoints.concurrency import Concurrency

ANSWERS = st.lists(st.booleans(), max_size=400)


@given(most=st.integers(1, 200), answers=ANSWERS)
def test_the_limit_stays_between_one_and_the_most(most: int, answers: list[bool]) -> None:
    limit = Concurrency(most)
    for now, busy in enumerate(answers):
        limit.answered(busy=busy, started=now - 1, now=now)
        assert 1 <= limit.limit <= most


@given(most=st.integers(1, 200), good=st.integers(9, 40), answers=st.integers(1, 800))
def test_chance_refusals_do_not_shrink_it(most: int, good: int, answers: int) -> None:
    """One busy answer after each so many good ones: never more than a tenth."""
    limit = Concurrency(most)
    for now in range(answers):
        limit.answered(busy=now % (good + 1) == good, started=now, now=now)
    assert limit.limit == most


def test_four_in_a_hundred_at_random_hardly_ever_shrink_it() -> None:
    shrunk = 0
    for seed in range(100):
        drawn = random.Random(seed)
        limit = Concurrency(64)
        for now in range(1_800):
            limit.answered(busy=drawn.random() < 0.04, started=now, now=now)
            if limit.limit < 64:
                shrunk += 1
                break
    assert shrunk <= 3


def test_overload_takes_it_down_once_a_window() -> None:
    limit = Concurrency(64)

    for _ in range(64):  # all that were in flight come back busy
        limit.answered(busy=True, started=0.0, now=1.0, after=3.0)

    assert limit.limit == 44
    assert limit.rest_until == 4.0


def test_nobody_starts_before_the_latest_time_that_was_asked_for() -> None:
    limit = Concurrency(64)
    for after in range(30):
        limit.answered(busy=True, started=0.0, now=1.0, after=float(after))
    assert limit.rest_until == 30.0


def test_a_lone_refusal_asks_nobody_else_to_wait() -> None:
    limit = Concurrency(64)
    limit.answered(busy=True, started=0.0, now=1.0, after=60.0)
    assert limit.rest_until == -math.inf


@settings(deadline=None, max_examples=20)
@given(most=st.integers(1, 128))
def test_it_grows_back(most: int) -> None:
    limit = Concurrency(most)
    now = 0.0
    for _ in range(20 * 11):
        now += 1.0
        limit.answered(busy=True, started=now, now=now)
    assert limit.limit == 1
    for _ in range(4_000):
        now += 1.0
        limit.answered(busy=False, started=now, now=now)
    assert limit.limit == most


@settings(deadline=None, max_examples=20)
@given(bears=st.integers(2, 60))
def test_it_finds_what_an_endpoint_bears(bears: int) -> None:
    """An endpoint that turns away all beyond so many at once: most calls get through in the end."""
    limit = Concurrency(64)
    shares = []
    for now in range(400):
        sent = limit.limit
        shares.append(max(0, sent - bears) / sent)
        for number in range(sent):
            limit.answered(busy=number >= bears, started=now, now=now + 0.5)
    late = shares[200:]
    assert sum(late) / len(late) < 0.25
    assert limit.limit >= bears * 0.5
