"""The writer's thread: the event loop does not wait for the disk, and what was asked is done."""

import asyncio
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agentalign_lc.dataset.result_rows import result_rows
from agentalign_lc.dataset.store import RunStore
from agentalign_lc.dataset.writer import RunWriter
from agentalign_lc.endpoints.journal import Call, Spend
from agentalign_lc.errors import StoreError
from agentalign_lc.records import Intent, Result

SLOW = 0.05
"""Seconds that the slow disk takes for a transaction."""


class SlowDisk:
    """A connection that takes its time to commit."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.commits = 0

    def __getattr__(self, name: str):
        return getattr(self.connection, name)

    def __enter__(self):
        return self.connection.__enter__()

    def __exit__(self, *error):
        self.commits += 1
        time.sleep(SLOW)
        return self.connection.__exit__(*error)


@pytest.fixture
def store(tmp_path: Path):
    with RunStore.create(tmp_path / "run", {}) as store:
        yield store


def rows(scenario: int):
    return result_rows([Result.failed(scenario, intent, "stage", "no") for intent in Intent])


def answer(unit: int) -> Call:
    spend = Spend(input_tokens=3, output_tokens=2, cost=0.5)
    return Call(unit=unit, key="k", endpoint="m", answer="{}", spend=spend, retries=("429",))


async def test_a_slow_disk_does_not_hold_up_the_event_loop(store: RunStore) -> None:
    disk = store._connection = SlowDisk(store._connection)
    lags = []

    async def watch() -> None:
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(0)
            lags.append(loop.time() - before)

    watching = asyncio.create_task(watch())
    with RunWriter(store) as writer:
        await asyncio.gather(*(writer.save(number, rows(number)) for number in range(50)))
        await asyncio.gather(*(writer.keep(answer(number)) for number in range(50, 100)))
    watching.cancel()

    assert store.counts().total() == 150
    assert max(lags[:-1]) < SLOW, "the loop went on while the disk was busy"
    assert disk.commits <= 10, "what piles up is written at once"


async def test_what_was_asked_is_done_though_nobody_waits(store: RunStore) -> None:
    with RunWriter(store) as writer:
        asked = [asyncio.create_task(writer.save(number, rows(number))) for number in range(5)]
        await asyncio.sleep(0)
        for task in asked:
            task.cancel()

    assert store.counts().total() == 15


async def test_answers_stay_until_their_scenario_is_saved(store: RunStore) -> None:
    with RunWriter(store) as writer:
        for unit in (1, 1, 2):
            await writer.keep(answer(unit).model_copy(update={"nth": unit}))
        assert await writer.answers(1) == {("k", 1): "{}"}
        await writer.forget(2, [("k", 2)])
        assert await writer.answers(2) == {}
        await writer.save(1, rows(1))
        assert await writer.answers(1) == {}

    (spending,) = store.spending()
    assert (spending.calls, spending.failed, spending.cost) == (3, 0, 1.5)
    assert dict(spending.retries) == {"429": 3}


async def test_calls_that_failed_for_good_are_counted_and_not_recalled(store: RunStore) -> None:
    with RunWriter(store) as writer:
        await writer.keep(answer(1).model_copy(update={"answer": None, "spend": Spend()}))
        assert await writer.answers(1) == {}

    assert store.spending()[0].failed == 1


async def test_a_full_disk_is_one_clear_line(store: RunStore) -> None:
    store._connection.execute("PRAGMA max_page_count = 1")
    many = [row for number in range(1000) for row in rows(number)]
    with RunWriter(store) as writer, pytest.raises(StoreError, match="full"):
        await writer.save(0, many)


async def test_what_is_unfinished_is_told_in_pieces(store: RunStore) -> None:
    done = Result(index=2, intent=Intent.BENIGN, status="rejected", gate="schema", reason="no")
    with RunWriter(store) as writer:
        await writer.save(2, result_rows([done]))
        await writer.save(3, rows(3))

        assert await writer.unfinished(range(1, 5)) == [1, 3, 4]


@pytest.mark.slow
def test_the_benchmark_of_it_prints_its_table() -> None:
    script = Path(__file__).parents[2] / "benchmarks" / "journal.py"
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)

    assert ended.stdout.count("\n") == 4
