"""The fine-tuning example runs TRL's own trainer offline, and the loss is where it should be."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from agentalign_lc import RunStore, synthesize
from agentalign_lc.records import Result, Status

EXAMPLE = Path(__file__).parent.parent / "examples" / "finetune_trl.py"


def fine_tune(
    folder: Path, *arguments: object, path: Sequence[Path] = ()
) -> subprocess.CompletedProcess[str]:
    folder.mkdir(exist_ok=True)
    environment = {
        **os.environ,
        "HF_HOME": str(folder / "hub"),
        "HF_HUB_OFFLINE": "1",
        "PYTHONPATH": os.pathsep.join([*map(str, path), os.environ.get("PYTHONPATH", "")]),
    }
    return subprocess.run(  # noqa: PLW1510 - the assertions show what it said
        [sys.executable, "-W", "error", EXAMPLE, *map(str, arguments)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )


def figures(text: str, pattern: str) -> list[float]:
    found = re.search(pattern, text)
    assert found, text
    return [float(figure.replace(",", "")) for figure in found.groups()]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Of eight scenarios, the last two in the dev split."""
    folder = tmp_path / "run"
    synthesize(folder, {"scenarios": 8})
    with RunStore.resume(folder) as store:
        store.save([held_out(result) for result in store.results() if result.index >= 6])
    return folder


def held_out(result: Result) -> Result:
    assert result.example is not None
    return result.model_copy(update={"example": result.example.model_copy(update={"split": "dev"})})


@pytest.mark.slow
def test_the_loss_falls_and_tool_calls_are_in_it(tmp_path: Path) -> None:
    ended = fine_tune(tmp_path / "work", "--steps", 10)

    assert ended.returncode == 0, ended.stderr
    start, end = figures(ended.stdout, r"loss +([\d.]+) at the start, ([\d.]+) at the end")
    assert end < start - 0.5
    tokens, share = figures(
        ended.stdout, r"trained tokens +([\d,]+), of which tool calls ([\d.]+)%"
    )
    assert tokens > 0
    assert 0 < share < 100
    learned, called = figures(ended.stdout, r"tool calls +(\d+) of (\d+) inside the loss")
    assert learned == called > 0


@pytest.mark.slow
def test_a_run_of_your_own_is_evaluated_on_dev_and_the_model_saved(
    run: Path, tmp_path: Path
) -> None:
    with RunStore.read(run) as store:
        kept = [r.example for r in store.results(status=Status.KEPT) if r.example]

    ended = fine_tune(tmp_path / "work", "--run", run, "--steps", 4, "--out", tmp_path / "tuned")

    assert ended.returncode == 0, ended.stderr
    (rows,) = figures(ended.stdout, r"rows +(\d+) ")
    assert rows == sum(example.split == "train" for example in kept) < len(kept)
    before, after = figures(ended.stdout, r"loss on dev +([\d.]+) before, ([\d.]+) after")
    assert after < before
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {
        file.name for file in (tmp_path / "tuned").iterdir()
    }
    assert not list((tmp_path / "work").iterdir()), "nothing is left behind"


def test_a_missing_extra_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError(\"No module named 'torch'\")\n")

    ended = fine_tune(tmp_path / "work", path=[tmp_path])

    assert ended.returncode == 2
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert "pip install 'agentalign-lc[train]'" in line
