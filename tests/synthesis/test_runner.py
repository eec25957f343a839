"""Same seed, same bytes: at any concurrency, and after a kill in the middle."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agentalign_lc.dataset import RunStore, export_run
from agentalign_lc.errors import ConfigError, StoreError
from agentalign_lc.records import Intent, Provenance, Status
from agentalign_lc.roles import Brief
from agentalign_lc.roles.embedded import embedded_roles
from agentalign_lc.synthesis import RunConfig, Studio, synthesize
from agentalign_lc.synthesis.runner import Tally

AGENTALIGN = [sys.executable, "-m", "agentalign_lc.cli"]
OPTIONS = {"scenarios": 40, "seed": 3}


def exported(folder: Path) -> bytes:
    out = folder / "train.jsonl"
    with RunStore.read(folder) as store:
        export_run(store, "trl", out)
    return out.read_bytes()


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("whole") / "run"
    summary = synthesize(folder, OPTIONS, concurrency=1)
    assert summary.planned == 120 == summary.kept + summary.rejected + summary.failed
    return exported(folder)


def test_concurrency_changes_no_byte(tmp_path: Path, uninterrupted: bytes) -> None:
    synthesize(tmp_path / "run", OPTIONS, concurrency=16)

    assert exported(tmp_path / "run") == uninterrupted


def test_another_seed_is_another_run(tmp_path: Path, uninterrupted: bytes) -> None:
    synthesize(tmp_path / "run", OPTIONS | {"seed": 4})

    assert exported(tmp_path / "run") != uninterrupted


@pytest.mark.slow
@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_another_process_makes_the_same_bytes(
    tmp_path: Path, uninterrupted: bytes, hash_seed: str
) -> None:
    """Sets are iterated differently in each process; nothing may come out of that."""
    folder = tmp_path / "run"
    command = [*AGENTALIGN, "synth", "--out", str(folder), "--scenarios", "40", "--seed", "3"]
    subprocess.run(
        command, check=True, capture_output=True, env=os.environ | {"PYTHONHASHSEED": hash_seed}
    )

    assert exported(folder) == uninterrupted


@pytest.mark.slow
@pytest.mark.parametrize("concurrency", [1, 16])
def test_a_killed_run_resumes_to_the_same_bytes(
    tmp_path: Path, uninterrupted: bytes, concurrency: int
) -> None:
    folder = tmp_path / "run"
    command = [
        *AGENTALIGN, "synth", "--out", str(folder), "--scenarios", "40", "--seed", "3",
        "--concurrency", str(concurrency),
    ]  # fmt: skip
    # The child says on stderr how far it is: killed when a tenth is done.
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        for line in child.stderr:
            if not line.startswith("0/"):
                os.kill(child.pid, signal.SIGKILL)
                break
    assert child.returncode == -signal.SIGKILL
    with RunStore.read(folder) as store:
        done = len(store.finished())
        assert 0 < done < 40
        assert not store.complete

    seen: list[Tally] = []
    synthesize(folder, resume=True, concurrency=concurrency, report=seen.append)

    assert seen[0].resumed == done, "what was done is not done again"
    assert exported(folder) == uninterrupted


def test_a_finished_run_resumes_to_itself(tmp_path: Path) -> None:
    first = synthesize(tmp_path / "run", {"scenarios": 2})

    assert synthesize(tmp_path / "run", resume=True) == first


def test_a_folder_with_a_run_is_not_overwritten(tmp_path: Path) -> None:
    synthesize(tmp_path / "run", {"scenarios": 1})

    with pytest.raises(StoreError, match="--resume"):
        synthesize(tmp_path / "run", {"scenarios": 1})
    with pytest.raises(StoreError, match="started with seed 7, not 8"):
        synthesize(tmp_path / "run", {"seed": 8}, resume=True)


def test_a_folder_with_other_files_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("do not lose me")

    with pytest.raises(StoreError, match="not empty"):
        synthesize(tmp_path, {"scenarios": 1})
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_another_version_does_not_continue_a_run() -> None:
    stored = RunConfig(scenarios=1).model_dump() | {"version": "0.0.1"}

    with pytest.raises(StoreError, match=r"started by agentalign-lc 0\.0\.1"):
        RunConfig.resumed(stored, {})


def test_bad_options_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="scenarios"):
        synthesize(tmp_path / "run", {"scenarios": 0})
    with pytest.raises(ConfigError, match="unknown category 'phising'"):
        synthesize(tmp_path / "run", {"categories": ("phising",)})
    assert not (tmp_path / "run").exists()


class FailingAuthor:
    """An author that breaks for some scenarios until it is mended."""

    source = Provenance(role="author", writer="failing")

    def __init__(self, studio: Studio, broken: set[int]) -> None:
        self.author = studio.roles.author
        self.broken = broken

    async def write(self, brief: Brief):
        if brief.scenario.index in self.broken:
            raise RuntimeError("the author\nfell asleep")
        return await self.author.write(brief)


def test_failures_are_data_and_are_tried_again(tmp_path: Path, studio: Studio) -> None:
    roles = embedded_roles(studio.library, studio.catalog)
    author = FailingAuthor(studio, {1})
    object.__setattr__(roles, "author", author)

    first = synthesize(tmp_path / "run", {"scenarios": 3}, roles=roles)

    assert (first.planned, first.kept, first.failed) == (9, 6, 3)
    with RunStore.read(tmp_path / "run") as store:
        failed = list(store.results(status=Status.FAILED))
    assert [result.intent for result in failed] == list(Intent)
    assert failed[0].reason == "RuntimeError: the author fell asleep"
    assert failed[0].gate == "write"

    author.broken.clear()
    assert synthesize(tmp_path / "run", roles=roles, resume=True).kept == 9
