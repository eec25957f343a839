"""The method in miniature runs from data to table; what it finds takes longer than a test."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parent.parent / "examples" / "miniature.py"


def run(folder: Path, *arguments: str, path: str = "") -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "HF_HOME": str(folder.parent / "hub"),
        "PYTHONPATH": os.pathsep.join([path, os.environ.get("PYTHONPATH", "")]),
    }
    return subprocess.run(  # noqa: PLW1510 - the assertions show what it said
        [sys.executable, "-W", "error", EXAMPLE, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_from_data_to_table(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()

    ended = run(tmp_path / "work", "--smoke")

    assert ended.returncode == 0, ended.stderr
    for label in ("benign alone", "benign and refusals"):
        losses = re.search(rf"{label}: 3 steps .*loss ([\d.]+), at the end ([\d.]+)", ended.stdout)
        assert losses, ended.stdout
        assert float(losses[2]) < float(losses[1])
    table = ended.stdout.split("answered by each")[1]
    assert table.count("harmful") >= 2
    assert "Changes on the same cases" in table
    assert not list((tmp_path / "work").iterdir()), "nothing is left behind"


def test_a_missing_extra_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError(\"No module named 'torch'\")\n")

    ended = run(tmp_path, path=str(tmp_path))

    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert "pip install 'agentalign-lc[train]'" in line
