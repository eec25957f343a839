"""``agentalign mix`` ends with a table, names what it left out, and says mistakes in one line."""

import json
from pathlib import Path

import pytest

from agentalign_lc.dataset.mixing.mixture import mix_conversations
from agentalign_lc.synthesis import synthesize
from tests.dataset.third_party import weather


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mix") / "run"
    synthesize(folder, {"held_out": 0, "scenarios": 4})
    return folder


@pytest.fixture
def towns(tmp_path: Path) -> Path:
    file = tmp_path / "towns.jsonl"
    file.write_text("".join(json.dumps(weather(f"town {n}")) + "\n" for n in range(6)))
    return file


def test_a_mixture_with_the_shares_of_agentalign(agentalign, run, towns, tmp_path: Path) -> None:
    code, out, err = agentalign(
        "mix", run, "--with", f"weather=sharegpt:{towns}", "--licence", "weather=cc0-1.0",
        "--preset", "agentalign", "--out", tmp_path / "out",
    )  # fmt: skip

    assert (code, err) == (0, "")
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if "│" in line]  # fmt: skip
    assert cells == [
        ["harmful", "4", "4", "26.67%", "26.43%"],
        ["benign", "8", "8", "53.33%", "52.18%"],
        ["third party", "6", "3", "20.00%", "21.39%"],
    ]
    rows = list(mix_conversations(tmp_path / "out"))
    assert len(rows) == 15
    assert {row.about.get("licence") for row in rows} == {None, "cc0-1.0"}


def test_broken_rows_are_named_twenty_times_and_counted(agentalign, run, towns, tmp_path) -> None:
    with towns.open("a") as file:
        file.write("{broken\n" * 25)

    code, out, err = agentalign("mix", run, "--with", towns, "--out", tmp_path / "out")

    assert code == 0
    lines = err.splitlines()
    assert lines[:20] == [f"{towns}:{number}: no JSON" for number in range(7, 27)]
    assert lines[20:] == [
        f"and 5 more rows that were left out; all are in {tmp_path / 'out' / 'left_out.jsonl'}"
    ]
    assert "25 left out: no JSON" in out


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--preset", "agent"], "unknown preset 'agent'; the presets are agentalign"),
        (["--preset", "agentalign", "--share", "benign=1"], "say the same thing: give one"),
        (["--share", "evil=1"], "unknown part 'evil'"),
        (["--share", "third_party=1"], "there are no third_party rows: give --with FILE"),
        (["--share", "harmful=1", "--total", "9"], "a total of 9 lacks 5 harmful rows: give more"),
        (["--with", "missing.jsonl"], "missing.jsonl cannot be read"),
        (["--licence", "weather=cc0"], "the sources are none; give --with FILE"),
    ],
)
def test_mistakes_are_one_line(agentalign, run, tmp_path: Path, options, line: str) -> None:
    code, out, err = agentalign("mix", run, *options, "--out", tmp_path / "out")

    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert line in err
    assert not (tmp_path / "out").exists()


def test_a_run_that_is_none(agentalign, tmp_path: Path) -> None:
    code, _, err = agentalign("mix", tmp_path, "--out", tmp_path / "out")

    assert code == 2
    assert f"{tmp_path} holds no run" in err
