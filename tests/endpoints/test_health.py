"""Health: dead is what has not answered for a while, however it fails."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentalign_lc.endpoints.health import Health


def dead(health: Health, *times: float) -> list[bool]:
    return [health.failed(started=now, now=now) for now in times]


def test_both_time_and_failures_are_needed() -> None:
    assert dead(Health(30), 0, 1, 2, 3, 4, 29.9, 30.0) == [False] * 6 + [True]
    assert dead(Health(30), 0, 40, 41, 42, 43) == [False] * 4 + [True]


def test_a_success_begins_anew() -> None:
    health = Health(30)
    dead(health, 0, 1, 2, 3, 4)
    health.succeeded(29)
    assert dead(health, 31, 32, 33, 34, 35, 60) == [False] * 5 + [False]
    assert dead(health, 61) == [True]


def test_hanging_from_the_start_is_found_when_the_first_timeouts_come() -> None:
    health = Health(30)
    found = [health.failed(started=0, now=120) for _ in range(5)]
    assert found == [False] * 4 + [True]


def test_nobody_asked_is_not_dead() -> None:
    health = Health(30)
    health.succeeded(0)
    assert dead(health, 1000, 1000.1, 1000.2, 1000.3, 1000.4, 1000.5) == [False] * 6


@given(st.lists(st.sampled_from(["good", "bad"]), min_size=1), st.floats(0.1, 29.0))
def test_whatever_answers_in_time_lives(calls: list[str], apart: float) -> None:
    health = Health(30)
    now = last = 0.0
    for call in calls:
        now += apart
        if call == "good" or now - last > 29:
            health.succeeded(now)
            last = now
        else:
            assert not health.failed(started=now - apart, now=now)


@pytest.mark.parametrize("patience", [10, 600])
def test_patience_is_kept(patience: float) -> None:
    assert dead(Health(patience, 1), 0, patience - 1, patience) == [False, False, True]


def test_a_call_that_began_before_the_last_success_proves_nothing_older() -> None:
    health = Health(30)
    health.succeeded(10)
    found = [health.failed(started=0, now=31) for _ in range(6)]
    assert found == [False] * 6
    assert health.failed(started=0, now=40)
