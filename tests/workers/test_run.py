"""Jobs over one process, several, and Ray actors: everything is done once, whoever dies."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from agentalign_lc.endpoints.local_budget import LocalBudget
from agentalign_lc.errors import AccessError, BudgetError, ConfigError, WorkerError
from agentalign_lc.workers.run import run_job
from agentalign_lc.workers.workforce import Workforce
from tests.workers.jobs import Doubling, Kept

ONE = Workforce(workers=1, concurrency=4)
TWO = Workforce(workers=2, concurrency=8)


def run(job, units: int, force: Workforce, warned: list[str] | None = None) -> Kept:
    kept = Kept()
    warn = [].append if warned is None else warned.append
    asyncio.run(run_job(job, range(units), kept, force, warn=warn))
    return kept


def doubled(kept: Kept) -> list[int]:
    return [int(kept.outcomes[unit].split()[0]) for unit in sorted(kept.outcomes)]


def test_every_unit_is_done_in_this_process() -> None:
    kept = run(Doubling(), 50, ONE)

    assert doubled(kept) == [2 * unit for unit in range(50)]


@pytest.mark.slow
def test_two_processes_share_the_units() -> None:
    kept = run(Doubling(calls=3), 200, TWO)

    assert doubled(kept) == [2 * unit for unit in range(200)]
    assert len({outcome.split()[2] for outcome in kept.outcomes.values()}) <= 2
    assert Counter(call.unit for call in kept.calls) == dict.fromkeys(range(200), 3)


@pytest.mark.slow
def test_a_killed_worker_costs_only_what_it_had_in_hand(tmp_path: Path) -> None:
    warned: list[str] = []

    kept = run(Doubling(tmp_path, deadly_once=frozenset({5, 6}), calls=2), 40, TWO, warned)

    assert doubled(kept) == [2 * unit for unit in range(40)]
    # What was answered before the death is not asked again: so many calls, and not one more.
    assert Counter(call.unit for call in kept.calls) == dict.fromkeys(range(40), 2)
    assert 1 <= len(warned) <= 2
    assert "a worker was killed by signal 9; another takes over, with the " in warned[0]


@pytest.mark.slow
def test_a_unit_that_kills_three_times_is_given_up_and_takes_no_other_with_it() -> None:
    kept = run(Doubling(deadly=frozenset({3})), 20, Workforce(workers=2, concurrency=16))

    lost = kept.outcomes.pop(3)
    assert lost == "lost: the worker died each of 3 times: was killed by signal 9"
    assert doubled(kept) == [2 * unit for unit in range(20) if unit != 3]


@pytest.mark.slow
def test_what_no_unit_gets_over_stops_all_workers() -> None:
    with pytest.raises(AccessError, match="refused the key"):
        run(Doubling(refused=30), 10_000, TWO)


@pytest.mark.slow
def test_a_budget_holds_for_all_workers_together() -> None:
    kept = Kept()
    budget = LocalBudget(max_tokens=200)

    with pytest.raises(BudgetError, match="--max-tokens"):
        asyncio.run(run_job(Doubling(calls=3), range(10_000), kept, TWO, budget))

    spent = sum(call.spend.output_tokens for call in kept.calls)
    assert 200 - 10 <= spent <= 200


def test_what_no_unit_gets_over_stops_this_process_too() -> None:
    with pytest.raises(AccessError, match="refused the key"):
        run(Doubling(refused=30), 10_000, ONE)


class Dying(Doubling):
    def start(self, workers: int):
        raise SystemExit(3)


@pytest.mark.slow
def test_workers_that_cannot_begin_end_the_job() -> None:
    with pytest.raises(WorkerError, match="exit code 3 before it could begin"):
        run(Dying(), 3, TWO)


class Misconfigured(Doubling):
    def start(self, workers: int):
        raise ConfigError("no such model")


@pytest.mark.slow
def test_a_worker_says_what_is_wrong_with_its_configuration() -> None:
    with pytest.raises(ConfigError, match="no such model"):
        run(Misconfigured(), 3, TWO)


def test_a_job_that_cannot_travel_is_refused_with_what_to_do() -> None:
    class Local(Doubling):
        pass

    with pytest.raises(ConfigError, match="at the top of a module, or use one local worker"):
        run(Local(), 3, TWO)


@pytest.mark.parametrize(
    ("force", "message"),
    [
        ({"workers": 0}, "at least 1"),
        ({"engine": "spark"}, "local or ray"),
        ({"address": "127.0.0.1:6379"}, "--engine ray"),
    ],
)
def test_a_workforce_that_cannot_be_is_refused(force: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Workforce(**force)
