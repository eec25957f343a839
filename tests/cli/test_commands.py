"""The commands as a person runs them; bad input is one clear line and exit code 2."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

ONE = ("--scenarios", "1")


@pytest.fixture
def folder(agentalign, tmp_path: Path) -> Path:
    """A small finished run."""
    code, *_ = agentalign("synth", "--out", tmp_path / "run", "--scenarios", 4)
    assert code == 0
    return tmp_path / "run"


def test_synth_ends_with_a_table_that_adds_up(agentalign, tmp_path: Path) -> None:
    code, out, err = agentalign("synth", "--out", tmp_path / "run", "--scenarios", 4)

    assert code == 0
    assert "planned 12 = kept 12 + rejected 0 + failed 0" in out
    assert "4/4 scenarios" in err
    stored = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert stored["planned"] == stored["kept"] + stored["rejected"] + stored["failed"] == 12


def test_export_and_show(agentalign, folder: Path) -> None:
    code, out, _ = agentalign("export", folder, "--format", "trl", "--out", folder / "train.jsonl")
    assert (code, out) == (0, f"12 rows in {folder / 'train.jsonl'}\n")

    code, out, _ = agentalign("show", folder, "--intent", "benign", "--limit", 1)
    assert code == 0
    for part in ("benign", "user", "assistant", "→", "kept"):
        assert part in out
    name = next(word for word in out.split() if word.startswith("example-"))

    code, out, _ = agentalign("show", folder, "--id", name)
    assert code == 0
    assert out.count("example-") == 1


def test_export_says_what_it_left_out(agentalign, folder: Path) -> None:
    with sqlite3.connect(folder / "run.sqlite") as connection:
        connection.execute(
            "UPDATE results SET example = json_set(example, '$.split', 'test_tools') WHERE scenario = 0"
        )

    _, out, _ = agentalign("export", folder, "--out", folder / "train.jsonl")
    assert out.splitlines() == [
        f"9 rows in {folder / 'train.jsonl'}",
        "left out: 3 test_tools (--split, or a folder as --out)",
    ]

    _, out, _ = agentalign("export", folder, "--format", "hf", "--out", folder / "data")
    assert out == f"12 rows in {folder / 'data'} (9 train, 3 test_tools)\n"

    code, _, err = agentalign("export", folder, "--out", folder / "x.jsonl", "--split", "tests")
    assert (code, len(err.splitlines())) == (2, 1)
    assert "the splits are train, dev, test, test_tools, test_chains" in err


def test_a_category_keeps_to_it(agentalign, tmp_path: Path) -> None:
    agentalign("synth", "--out", tmp_path / "run", "--scenarios", 3, "--category", "privacy")

    _, out, _ = agentalign("show", tmp_path / "run", "--limit", 9)
    assert out.count("privacy /") == 9


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        pytest.param(
            ("--category", "phising", *ONE),
            "unknown category 'phising'; the categories are cyber_crime",
            id="unknown category",
        ),
        pytest.param(
            ("--model", "openai:gpt-5.4-mini", *ONE), "OPENAI_API_KEY", id="model without its key"
        ),
        pytest.param(
            ("--model", "nonsense", *ONE), "write provider:name", id="model without provider"
        ),
        pytest.param(
            ("--model", "anthropic:claude", *ONE),
            "langchain-anthropic",
            id="provider that is not installed",
        ),
        pytest.param(
            ("--judge", "openai:gpt-5.4-mini=heavy", *ONE), "with a weight above 0", id="weight"
        ),
        pytest.param(
            ("--model", "local", "--base-url", "http://127.0.0.1:9/v1", "--max-cost", 1, *ONE),
            'a maximum cost needs the price of local: give --prices FILE with the line "local": {',
            id="maximum cost without a price",
        ),
        pytest.param(("--timeout", -1, *ONE), "--timeout: must be above 0, not -1", id="timeout"),
        pytest.param(("--engine", "dask", *ONE), "must be local or ray, not 'dask'", id="engine"),
        pytest.param(
            ("--address", "auto", *ONE), "give --engine ray too", id="address of no cluster"
        ),
        pytest.param(
            ("--models", "gone.yaml", *ONE), "--models: gone.yaml: no such file", id="no such file"
        ),
    ],
)
def test_bad_options(
    agentalign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments, line: str
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    code, out, err = agentalign("synth", "--out", tmp_path / "run", *arguments)

    assert code == 2
    assert out == ""
    assert len(err.splitlines()) == 1, "one line"
    assert line in err
    assert not (tmp_path / "run").exists(), "nothing was begun"


def test_an_unwritable_folder(agentalign, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    code, _, err = agentalign("synth", "--out", tmp_path / "file" / "run", *ONE)

    assert code == 2
    assert (
        err
        == f"agentalign: {tmp_path / 'file' / 'run'} cannot be written (Not a directory): choose another --out\n"
    )


def test_a_folder_without_a_run(agentalign, tmp_path: Path) -> None:
    for arguments in (("show", tmp_path), ("export", tmp_path, "--out", tmp_path / "x.jsonl")):
        code, _, err = agentalign(*arguments)
        assert code == 2
        assert (
            err
            == f"agentalign: {tmp_path} holds no run: start one with `agentalign synth --out {tmp_path}`\n"
        )


@pytest.mark.parametrize("damage", [b"this is not a database, it only looks like a file", b""])
def test_a_corrupt_store_is_named_and_kept(agentalign, folder: Path, damage: bytes) -> None:
    file = folder / "run.sqlite"
    file.write_bytes(damage)

    for arguments in (("show", folder), ("synth", "--out", folder, "--resume")):
        code, _, err = agentalign(*arguments)
        assert code == 2
        assert len(err.splitlines()) == 1
        assert str(file) in err
        assert "nothing was changed" in err
    assert file.read_bytes() == damage


def test_a_store_with_broken_pages(agentalign, folder: Path) -> None:
    file = folder / "run.sqlite"
    data = bytearray(file.read_bytes())
    for page in range(2, len(data) // 4096):
        data[page * 4096 : page * 4096 + 200] = b"\xff" * 200
    file.write_bytes(data)

    code, _, err = agentalign("export", folder, "--out", folder / "train.jsonl")

    assert code == 2
    assert "cannot be read" in err
    assert not (folder / "train.jsonl").exists()


def test_an_unknown_id(agentalign, folder: Path) -> None:
    code, _, err = agentalign("show", folder, "--id", "example-0")

    assert code == 2
    assert "has no example 'example-0'" in err


def test_an_unfinished_run_is_exported_with_a_word(agentalign, folder: Path) -> None:
    with sqlite3.connect(folder / "run.sqlite") as connection:
        connection.execute("DELETE FROM meta WHERE key = 'complete'")

    code, _, err = agentalign("export", folder, "--out", folder / "train.jsonl")

    assert code == 0
    assert "is not complete; continue it with" in err


def test_two_processes_do_not_write_one_folder(agentalign, folder: Path) -> None:
    with FileLock(folder / ".lock"):
        code, _, err = agentalign("synth", "--out", folder, "--resume")

    assert code == 2
    assert "another process is writing" in err


@pytest.mark.slow
def test_a_reader_that_goes_away_is_no_error(folder: Path) -> None:
    show = f"{sys.executable} -m agentalign_lc.cli show {folder} --limit 100 | head -1"

    ended = subprocess.run(["bash", "-c", show], capture_output=True, text=True, check=True)

    assert ended.stderr == ""
