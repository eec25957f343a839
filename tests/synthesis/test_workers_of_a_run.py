"""Runs over several workers: the same bytes, whoever dies; and no call paid twice."""

import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from pytest_httpserver import HTTPServer

from agentalign_lc.dataset import RunStore
from agentalign_lc.errors import BudgetError, ConfigError
from agentalign_lc.synthesis import synthesize
from agentalign_lc.synthesis.resources import Resources
from agentalign_lc.synthesis.studio import Studio
from tests.openai_server import LoopbackModel
from tests.synthesis.apart import start

SCENARIOS = 16
OPTIONS = {"scenarios": SCENARIOS, "seed": 3}


def results(folder: Path) -> list[tuple[object, ...]]:
    with sqlite3.connect(folder / "run.sqlite") as connection:
        return connection.execute("SELECT * FROM results ORDER BY scenario, intent").fetchall()


def until(holds: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[object, ...]]:
    """What one process writes."""
    folder = tmp_path_factory.mktemp("alone") / "run"
    synthesize(folder, OPTIONS)
    return results(folder)


def descendants(run: "subprocess.Popen[str]") -> list[psutil.Process]:
    return psutil.Process(run.pid).children(recursive=True)


@pytest.mark.slow
def test_a_killed_worker_changes_no_byte(tmp_path: Path, alone: list[tuple[object, ...]]) -> None:
    with start(tmp_path / "run", OPTIONS, workers=2, concurrency=4) as run:
        assert run.stdout is not None
        workers: list[psutil.Process] = []
        for line in run.stdout:
            if int(line) == SCENARIOS // 4:
                workers = [p for p in descendants(run) if "spawn_main" in " ".join(p.cmdline())]
                workers[0].kill()
        assert run.stderr is not None
        assert run.wait() == 0, run.stderr.read()

    assert len(workers) == 2
    assert results(tmp_path / "run") == alone


@pytest.mark.slow
def test_a_killed_driver_leaves_no_orphans_and_resumes(
    tmp_path: Path, alone: list[tuple[object, ...]]
) -> None:
    with start(tmp_path / "run", OPTIONS, workers=2, concurrency=4) as run:
        assert run.stdout is not None
        left: list[psutil.Process] = []
        for line in run.stdout:
            if int(line) == SCENARIOS // 4:
                left = descendants(run)
                run.kill()
        run.wait()
    assert len(left) >= 2
    until(lambda: not [process for process in left if _lives(process)])

    with RunStore.read(tmp_path / "run") as store:
        assert 0 < store.count_finished() < SCENARIOS
    synthesize(tmp_path / "run", resume=True)

    assert results(tmp_path / "run") == alone


@pytest.mark.slow
def test_ctrl_c_ends_all_processes_with_one_line(tmp_path: Path) -> None:
    with start(tmp_path / "run", {**OPTIONS, "scenarios": 500}, workers=2, concurrency=4) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        for line in run.stdout:
            if int(line) == 2:
                left = descendants(run)
                os.killpg(run.pid, signal.SIGINT)  # as a terminal sends it, to all of them
                break
        run.stdout.read()
        said = run.stderr.read()
        run.wait()

    assert said == "stopped\n"
    until(lambda: not [process for process in left if _lives(process)])


def _lives(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


@pytest.mark.slow
def test_ray_writes_the_same_bytes_though_a_worker_is_killed(
    tmp_path: Path, alone: list[tuple[object, ...]]
) -> None:
    pytest.importorskip("ray")
    with start(tmp_path / "run", OPTIONS, engine="ray", workers=2, concurrency=4) as run:
        assert run.stdout is not None
        actors: list[psutil.Process] = []
        for line in run.stdout:
            if line == f"{SCENARIOS // 4}\n":  # Ray has a word of its own about the dead
                actors = [p for p in descendants(run) if "WorkerActor" in " ".join(p.cmdline())]
                actors[0].kill()
        assert run.stderr is not None
        said = run.stderr.read()
        assert run.wait() == 0, said

    assert len(actors) == 2
    assert said == "", "Ray keeps quiet"
    assert results(tmp_path / "run") == alone


def test_roles_that_cannot_travel_are_refused(tmp_path: Path, studio: Studio) -> None:
    class Local:
        __reduce__ = None

    gate = Local()
    gate.name = "local"

    with pytest.raises(ConfigError, match="roles and gates of yours"):
        synthesize(
            tmp_path / "run", OPTIONS, resources=Resources(workers=2), gates=[gate]
        )  # fmt: skip


class CountingModel(LoopbackModel):
    """A loopback model that notes what it was asked, and may call somebody after so many requests."""

    def prepare(self, scenarios: int) -> dict[str, object]:
        self.bodies: Counter[str] = Counter()
        self.alarm: Callable[[], None] = lambda: None
        self.after = -1
        return {
            "scenarios": scenarios, "seed": self.seed, "pressure": 0.0,
            "models": ["openai:loopback"], "base_url": self.plan(scenarios),
        }  # fmt: skip

    def _answer(self, request):
        self.bodies[hashlib.sha256(request.data).hexdigest()] += 1
        if self.bodies.total() == self.after:
            self.alarm()
        return super()._answer(request)


@pytest.fixture
def model(httpserver: HTTPServer, studio: Studio, monkeypatch: pytest.MonkeyPatch) -> CountingModel:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    quiet = Studio(studio.roles, studio.catalog, studio.library, pressure=0.0)
    return CountingModel(httpserver, quiet, 11)


@pytest.mark.slow
def test_after_a_kill_only_calls_in_flight_are_paid_again(
    model: CountingModel, tmp_path: Path
) -> None:
    options = model.prepare(4)
    synthesize(tmp_path / "whole", options)
    whole = model.bodies.copy()

    model.bodies.clear()
    with start(tmp_path / "run", options, concurrency=2) as run:
        model.after = 25
        model.alarm = run.kill
        run.wait()
    with RunStore.read(tmp_path / "run") as store:
        kept = store.spending()[0].calls
        finished = store.count_finished()
    before = model.bodies.total()
    synthesize(tmp_path / "run", resume=True)

    in_flight = before - kept
    assert 0 < in_flight <= 6, "two scenarios of three requests each"
    assert finished < 2, "much of what was paid was in scenarios that were not done"
    assert model.bodies.total() == whole.total() + in_flight
    assert results(tmp_path / "run") == results(tmp_path / "whole")
    with RunStore.read(tmp_path / "run") as store:
        assert store.spending()[0].calls == whole.total()
        assert store.answers(0) == {}, "answers are let go of when their scenario is saved"


def test_a_spent_budget_stops_the_run_and_more_goes_on(
    model: CountingModel, tmp_path: Path
) -> None:
    options = model.prepare(2)
    with pytest.raises(BudgetError, match="--max-tokens"):
        synthesize(tmp_path / "run", options, resources=Resources(max_tokens=3_000))
    spent = model.bodies.total()

    summary = synthesize(tmp_path / "run", resume=True, resources=Resources(max_tokens=10**9))

    assert summary.kept == summary.planned == 6
    assert spent < model.bodies.total() == summary.spending[0].calls, "nothing was paid twice"
    stored = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert stored["spending"][0]["calls"] == summary.spending[0].calls
