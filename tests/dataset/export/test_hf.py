"""The folder opens with ``datasets``: every split by its name, tools and arguments as they were."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from datasets import load_dataset
from hypothesis import given, settings
from hypothesis import strategies as st

from agentalign_lc.dataset import Conversation, export_conversations
from agentalign_lc.dataset.conversation import Turn
from agentalign_lc.dataset.export.files import SPLITS
from agentalign_lc.dataset.export.schemas import portable_tools
from agentalign_lc.errors import ConfigError
from agentalign_lc.records import CANARY
from tests.dataset.export.conversations import PAIRS, SHAPES, calls_of, conversations


def opened(folder: Path, cache: Path) -> dict[str, list[dict[str, Any]]]:
    return {split: list(rows) for split, rows in load_dataset(str(folder), cache_dir=str(cache)).items()}  # fmt: skip


def calls_in(messages: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    made = [call["function"] for m in messages for call in m["tool_calls"] or ()]
    return [(function["name"], function["arguments"]) for function in made]


def same(row: dict[str, Any], conversation: Conversation) -> None:
    assert json.loads(row["tools"]) == portable_tools(conversation.tools)
    assert row["refused_at"] == conversation.refused_at
    sides: list[tuple[list[dict[str, Any]], list[Turn]]] = [
        (row["messages"], conversation.messages)
    ]
    if conversation.rejected is None:
        assert row["rejected"] is None
    else:
        sides.append((row["rejected"], conversation.rejected))
    for messages, turns in sides:
        assert calls_in(messages) == calls_of(turns)
        assert [m["content"] for m in messages] == [turn["content"] for turn in turns]
        assert [m["tool_call_id"] for m in messages] == [turn.get("call_id") for turn in turns]


def test_every_split_opens_by_its_name(tmp_path: Path) -> None:
    made = [*SHAPES.values(), *PAIRS.values()]
    data = [replace(one, split=SPLITS[n % len(SPLITS)]) for n, one in enumerate(made)]
    export_conversations(data, "hf", tmp_path / "data")

    splits = opened(tmp_path / "data", tmp_path / "cache")

    assert list(splits) == list(SPLITS)
    for split, rows in splits.items():
        expected = [one for one in data if one.split == split]
        for row, conversation in zip(rows, expected, strict=True):
            same(row, conversation)
            assert (row["split"], row["canary"]) == (split, CANARY)
            assert json.loads(row["about"]) == conversation.about
    assert CANARY in (tmp_path / "data" / "README.md").read_text()


def test_the_rows_of_a_run(kept: list[Conversation], tmp_path: Path) -> None:
    export_conversations(kept, "hf", tmp_path / "data")

    for row, one in zip(opened(tmp_path / "data", tmp_path / "cache")["train"], kept, strict=True):
        same(row, one)


@settings(max_examples=5, deadline=None)
@given(st.lists(conversations(), min_size=10, max_size=10))
def test_any_conversation_survives(tmp_path_factory, made: list[Conversation]) -> None:
    folder = tmp_path_factory.mktemp("hf")
    export_conversations(made, "hf", folder / "data")

    for row, one in zip(opened(folder / "data", folder / "cache")["train"], made, strict=True):
        same(row, one)


def test_without_pyarrow_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)

    with pytest.raises(ConfigError, match=r"pip install .agentalign-lc\[hf\]"):
        export_conversations([SHAPES["refused"]], "hf", tmp_path / "data")
    assert list(tmp_path.iterdir()) == []
