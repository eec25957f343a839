"""The writer: nothing is lost that was to be kept, what is lost is counted, and the app goes on."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from langchain_core.runnables import RunnableLambda

from agentalign_lc.errors import ConfigError, StoreError
from agentalign_lc.traces.recorder import Counts, record
from agentalign_lc.traces.recorder.seen import SeenRun, SeenTrace
from agentalign_lc.traces.recorder.writer import Writer
from agentalign_lc.traces.store import TraceStore
from agentalign_lc.traces.trace import Trace


def seen(name: str) -> SeenTrace:
    return SeenTrace(SeenRun(name, None, "chain", name, 1.0, {}))


def build(found: SeenTrace) -> Trace:
    return Trace(id=found.root.id, source="test", spans=())


class Gate:
    """A store that is slow until it is opened."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.asked = threading.Event()
        self.kept: list[str] = []

    def append(self, traces) -> int:
        self.asked.set()
        self.open.wait(10)
        self.kept += [trace.id for trace in traces]
        return len(traces)


@pytest.fixture
def gate() -> Gate:
    return Gate()


def fill(writer: Writer, gate: Gate) -> None:
    """One that is being written, and two that wait."""
    writer.put(seen("a"))
    assert gate.asked.wait(10)
    writer.put(seen("b"))
    writer.put(seen("c"))


@pytest.mark.parametrize(
    ("full", "kept"), [("drop_newest", ["a", "b", "c"]), ("drop_oldest", ["a", "c", "d"])]
)
def test_a_full_queue_drops_and_counts(gate: Gate, full, kept: list[str]) -> None:
    writer = Writer(gate, build, size=2, full=full)
    fill(writer, gate)

    writer.put(seen("d"))
    assert writer.counts == Counts(seen=4, written=0, dropped=1, failed=0, waiting=3)

    gate.open.set()
    writer.close()
    assert gate.kept == kept
    assert writer.counts == Counts(seen=4, written=3, dropped=1, failed=0, waiting=0)


def test_a_full_queue_makes_the_app_wait(gate: Gate) -> None:
    writer = Writer(gate, build, size=2, full="block")
    fill(writer, gate)
    app = threading.Thread(target=writer.put, args=(seen("d"),))
    app.start()
    app.join(0.05)
    assert app.is_alive(), "there is no room yet"

    gate.open.set()
    app.join(10)
    writer.close()
    assert gate.kept == ["a", "b", "c", "d"]
    assert writer.counts.dropped == 0


def test_flush_waits_until_all_is_written(gate: Gate) -> None:
    writer = Writer(gate, build, size=2, full="block")
    assert writer.flush(), "there is nothing"
    writer.put(seen("a"))

    assert not writer.flush(0.01)
    gate.open.set()
    assert writer.flush(10)
    assert gate.kept == ["a"]


class Picky:
    """A store that takes no trace `b`, and nothing the first time."""

    def __init__(self) -> None:
        self.kept: list[str] = []
        self.tries = 0

    def append(self, traces) -> int:
        self.tries += 1
        if self.tries == 1 or any(trace.id == "b" for trace in traces):
            raise StoreError("no")
        self.kept += [trace.id for trace in traces]
        return len(traces)


def test_a_store_that_fails_is_tried_again_and_the_rest_is_kept(monkeypatch) -> None:
    monkeypatch.setattr("agentalign_lc.traces.recorder.writer._TRIES", (0.0, 0.0))
    picky = Picky()
    writer = Writer(picky, build, size=100, full="block")
    for name in "abc":
        writer.put(seen(name))
    writer.close()

    assert picky.kept == ["a", "c"]
    assert (writer.counts.written, writer.counts.failed) == (2, 1)


def test_a_trace_that_cannot_be_made_costs_no_other() -> None:
    def fail(found: SeenTrace) -> Trace:
        if found.root.id == "b":
            raise TypeError("odd")
        return build(found)

    kept = Gate()
    kept.open.set()
    writer = Writer(kept, fail, size=100, full="block")
    for name in "abc":
        writer.put(seen(name))
    writer.close()

    assert kept.kept == ["a", "c"]
    assert writer.counts == Counts(seen=3, written=2, dropped=0, failed=1, waiting=0)


def test_options_that_are_none() -> None:
    with pytest.raises(ConfigError, match="block, drop_newest, drop_oldest"):
        record([], full="wait")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="keeps no traces"):
        record(7)  # type: ignore[arg-type]


@pytest.mark.slow
def test_10_000_runs_at_full_speed_lose_nothing(tmp_path: Path) -> None:
    app = RunnableLambda(str, name="app")
    with TraceStore.open(tmp_path / "traces.sqlite") as store:
        with record(store, size=50, full="block") as recorder:
            for number in range(10_000):
                app.invoke(number)

        assert len(store) == 10_000
        assert recorder.counts == Counts(10_000, 10_000, dropped=0, failed=0, waiting=0)
        outputs = {trace.spans[0].attributes["output"] for trace in store.traces()}
    assert outputs == {str(number) for number in range(10_000)}


APP = """
import sys
from langchain_core.runnables import RunnableLambda
from agentalign_lc.traces.recorder import install

recorder = install(sys.argv[1])
for number in range(int(sys.argv[2])):
    RunnableLambda(str).invoke(number)
    if number % 20 == 19:
        assert recorder.flush()
        print(recorder.counts.written, flush=True)
"""


def test_a_process_that_ends_flushes(tmp_path: Path) -> None:
    file = tmp_path / "traces.sqlite"
    subprocess.run([sys.executable, "-c", APP, file, "15"], check=True)

    with TraceStore.open(file, create=False) as store:
        assert len(store) == 15


def test_kill_9_loses_nothing_that_was_flushed(tmp_path: Path) -> None:
    file = tmp_path / "traces.sqlite"
    command = [sys.executable, "-c", APP, file, "1000000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as app:
        flushed = [int(app.stdout.readline()) for _ in range(3)][-1]
        app.kill()

    with TraceStore.open(file, create=False) as store:
        assert len(store) >= flushed == 60
        assert len(list(store.traces())) == len(store)
