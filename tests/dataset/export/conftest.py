"""A run, and its rows as a trainer loads them."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from datasets import load_dataset
from transformers import PreTrainedTokenizerFast

from agentalign_lc.dataset import Conversation, RunStore, export_conversations, open_conversations
from agentalign_lc.synthesis import synthesize
from tests.dataset.export.byte_tokenizer import byte_tokenizer


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerFast:
    return byte_tokenizer()


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run of the embedded writers, pressure and several user turns included."""
    folder = tmp_path_factory.mktemp("export") / "run"
    synthesize(folder, {"scenarios": 8, "everyday": 2, "pressure": 0.5, "held_out": 0})
    return folder


@pytest.fixture(scope="session")
def kept(run: Path) -> list[Conversation]:
    with RunStore.read(run) as store, open_conversations(run) as source:
        kept = list(source.conversations)
        assert len(kept) == sum(store.counts().values())
    return kept


@pytest.fixture(scope="session")
def rows_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[dict[str, Any]]]:
    """Export conversations, and read the lines."""

    def rows(conversations: Iterable[Conversation], name: str) -> list[dict[str, Any]]:
        out = tmp_path_factory.mktemp("rows") / f"{name}.jsonl"
        done = export_conversations(conversations, name, out)
        read = [json.loads(line) for line in out.read_text(encoding="utf-8").split("\n")[:-1]]
        assert len(read) == done.rows
        return read

    return rows


@pytest.fixture(scope="session")
def load(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[dict[str, Any]]]:
    """Export conversations, and load the file as trainers do, through Arrow."""

    def rows(conversations: Iterable[Conversation], name: str) -> list[dict[str, Any]]:
        folder = tmp_path_factory.mktemp("rows")
        files, cache = str(folder / f"{name}.jsonl"), str(folder / "cache")
        export_conversations(conversations, name, Path(files))
        return list(load_dataset("json", data_files=files, split="train", cache_dir=cache))

    return rows
