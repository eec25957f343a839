"""Files are there whole or not at all; each split keeps to itself; nothing grows with the run."""

import json
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentalign_lc.dataset import (
    FORMATS,
    Conversation,
    RunStore,
    export_conversations,
    export_run,
    files,
)
from agentalign_lc.dataset.export.call_ids import renamed, with_ids
from agentalign_lc.errors import ConfigError, StoreError
from agentalign_lc.records import CANARY
from tests.dataset.export.conversations import (
    CARRIED_OUT,
    PAIRS,
    PARALLEL,
    REFUSED,
    conversations,
)

EVERY = pytest.mark.parametrize("name", sorted(FORMATS))
SPLITS = [replace(REFUSED, split=split) for split in ("train", "dev", "test_tools", "train")]


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@EVERY
def test_a_folder_has_a_file_for_each_split(name: str, tmp_path: Path) -> None:
    done = export_conversations(SPLITS, name, tmp_path / "data")

    suffix = FORMATS[name].suffix
    made = {path.name for path in (tmp_path / "data").iterdir()}
    assert {f"{split}{suffix}" for split in ("train", "dev", "test_tools")} <= made
    assert done.splits["train"] == 2 * done.splits["dev"] == 2 * done.splits["test_tools"]
    assert done.left_out == {}


def test_a_file_gets_what_may_be_trained_on(tmp_path: Path) -> None:
    done = export_conversations(SPLITS, "trl", tmp_path / "train.jsonl")

    assert (done.splits, done.left_out) == ({"train": 2}, {"dev": 1, "test_tools": 1})
    assert export_conversations(SPLITS, "trl", tmp_path / "x.jsonl", "all").rows == 4
    assert export_conversations(SPLITS, "trl", tmp_path / "x.jsonl", "dev").splits == {"dev": 1}
    assert export_conversations(SPLITS, "trl", tmp_path / "x", "dev").splits == {"dev": 1}
    assert [path.name for path in (tmp_path / "x").iterdir()] == ["dev.jsonl"]


@EVERY
def test_where_a_row_comes_from_stands_in_it_or_beside_it(name: str, tmp_path: Path) -> None:
    if FORMATS[name].folder_only:
        pytest.skip("its test reads it with datasets")
    done = export_conversations([REFUSED], name, tmp_path / "train.jsonl")

    beside = tmp_path / ("train.origin.jsonl" if FORMATS[name].bare else "train.jsonl")
    rows = [json.loads(line) for line in beside.read_text().splitlines()]
    assert len(rows) == done.rows
    assert {(row["id"], row["intent"], row["category"], row["canary"]) for row in rows} == {
        ("example-1", "harmful", "fraud", CANARY)
    }
    assert (CANARY in (tmp_path / "train.jsonl").read_text()) != FORMATS[name].bare


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("alpaca", "x.jsonl"), "unknown format 'alpaca'; the formats are axolotl, guard, hf"),
        (("trl", "x.jsonl", "validation"), "unknown split 'validation'; the splits are train"),
    ],
)
def test_an_unknown_word_names_the_known(tmp_path: Path, arguments, line: str) -> None:
    name, out, *split = arguments
    with pytest.raises(ConfigError, match=line):
        export_conversations([REFUSED], name, tmp_path / out, *split)
    assert list(tmp_path.iterdir()) == []


def test_no_row_is_said_and_leaves_no_empty_file(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no example has a row in format trl-dpo"):
        export_conversations([CARRIED_OUT], "trl-dpo", tmp_path / "pairs")
    with pytest.raises(StoreError, match="no example of split dev has a row in format trl"):
        export_conversations([CARRIED_OUT], "trl", tmp_path / "dev.jsonl", "dev")
    assert list(tmp_path.iterdir()) == []


def test_a_split_that_is_a_path_goes_nowhere(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="unknown split"):
        export_conversations([replace(REFUSED, split="../x")], "trl", tmp_path / "data")
    assert list(tmp_path.iterdir()) == []


@EVERY
@pytest.mark.parametrize("target", ["train.jsonl", "data"])
def test_a_full_disk_leaves_what_was_there(
    name: str, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / target
    export_conversations(SPLITS, name, out)
    before = tree(tmp_path)

    def write(self: object, row: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(FORMATS[name].file, "write", write)
    with pytest.raises(
        StoreError, match=r"cannot be written \(No space left on device\)"
    ) as raised:
        export_conversations(SPLITS, name, out)
    assert "\n" not in str(raised.value)
    assert tree(tmp_path) == before
    assert len(list(tmp_path.iterdir())) == len({path.split("/")[0] for path in before})


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_disk_that_is_really_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "train.jsonl").write_text("yesterday's\n")
    opened = Path.open
    full = lambda path, *a, **k: opened(Path("/dev/full"), *a, **k)  # noqa: E731

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(StoreError, match="No space left on device"):
        export_conversations([REFUSED], "trl", tmp_path / "train.jsonl")
    monkeypatch.undo()

    assert tree(tmp_path) == {"train.jsonl": b"yesterday's\n"}


def test_a_read_only_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any, **__: Any) -> str:
        raise PermissionError(13, "Permission denied")

    # Root may write into a folder that says it is read-only, so the refusal is staged.
    monkeypatch.setattr(files, "mkdtemp", refused)
    with pytest.raises(
        StoreError, match=r"cannot be written \(Permission denied\): choose another"
    ):
        export_conversations([REFUSED], "trl", tmp_path / "train.jsonl")


def test_a_file_where_a_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine")

    with pytest.raises(StoreError, match="cannot be written"):
        export_conversations([REFUSED], "trl", tmp_path / "notes" / "train.jsonl")
    with pytest.raises(StoreError, match="cannot be written"):
        export_conversations([REFUSED], "hf", tmp_path / "notes")
    assert tree(tmp_path) == {"notes": b"mine"}


def test_a_stop_leaves_nothing(tmp_path: Path) -> None:
    def stopped() -> Iterator[Conversation]:
        yield from SPLITS
        raise KeyboardInterrupt

    for out in ("data", "train.jsonl"):
        with pytest.raises(KeyboardInterrupt):
            export_conversations(stopped(), "trl", tmp_path / out)
    assert list(tmp_path.iterdir()) == []


def test_an_older_export_gives_way_and_nothing_else_does(tmp_path: Path, run: Path) -> None:
    out = tmp_path / "data"
    export_conversations(SPLITS, "sharegpt", out)
    export_conversations([REFUSED], "hf", out)
    assert set(tree(out)) == {"README.md", "train.parquet"}

    (out / "notes.txt").write_text("mine")
    for folder in (out, run):
        before = tree(folder)
        with pytest.raises(StoreError, match="holds other things than an export"):
            export_conversations([REFUSED], "trl", folder)
        assert tree(folder) == before


def test_a_second_rename_that_fails_puts_the_first_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "data"
    export_conversations(SPLITS, "trl", out)
    before, rename = tree(tmp_path), Path.rename

    def broken(self: Path, target: Path) -> Path:
        if target == out and self.name == "data":
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", broken)
    with pytest.raises(StoreError, match="Input/output error"):
        export_conversations([REFUSED], "trl", out)
    assert tree(tmp_path) == before


@EVERY
def test_memory_does_not_grow_with_the_rows(name: str, tmp_path: Path) -> None:
    peaks = []
    for count in (300, 1500):
        tracemalloc.start()
        export_conversations(repeat(REFUSED, count), name, tmp_path / "data")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert peaks[1] < peaks[0] + 2**20


def test_the_same_rows_give_the_same_bytes(run: Path, tmp_path: Path) -> None:
    with RunStore.read(run) as store:
        for out in ("one", "two"):
            assert export_run(store, "guard", tmp_path / out).rows > 20
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


def test_half_of_a_surrogate_pair_is_written_as_json_does(tmp_path: Path) -> None:
    odd = replace(REFUSED, id="example-\ud83d")
    for name in FORMATS:
        export_conversations([odd], name, tmp_path / name)

    (line,) = (tmp_path / "trl" / "train.jsonl").read_bytes().splitlines()
    assert json.loads(line)["id"] == odd.id


def test_sound_ids_stay() -> None:
    for conversation in (CARRIED_OUT, PARALLEL, *PAIRS.values()):
        assert with_ids(conversation) is conversation


@settings(max_examples=60, deadline=None)
@given(conversations(), st.booleans())
def test_calls_without_ids_are_answered_in_their_order(
    conversation: Conversation, same: bool
) -> None:
    bare = [dict(turn) for turn in conversation.messages]
    for turn in bare:
        if "calls" in turn:
            turn["calls"] = [{**call, "id": "1" if same else ""} for call in turn["calls"]]
        turn.pop("call_id", None)

    given_ids = with_ids(replace(conversation, messages=bare)).messages

    expected = renamed(conversation.messages, "call_{}".format)
    assert given_ids == expected
