"""The formats: for each, what turns a conversation into rows, and how its files look."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from agentalign_lc.dataset.conversation import Conversation
from agentalign_lc.dataset.export.axolotl import axolotl_rows
from agentalign_lc.dataset.export.files import JsonLines, RowFile
from agentalign_lc.dataset.export.guard import guard_rows
from agentalign_lc.dataset.export.hf import ParquetRows, hf_readme, hf_rows
from agentalign_lc.dataset.export.mistral import mistral_rows
from agentalign_lc.dataset.export.openai import openai_rows
from agentalign_lc.dataset.export.openai_dpo import openai_dpo_rows
from agentalign_lc.dataset.export.sharegpt import dataset_info, sharegpt_rows
from agentalign_lc.dataset.export.sharegpt_dpo import sharegpt_dpo_rows
from agentalign_lc.dataset.export.trl import trl_rows
from agentalign_lc.dataset.export.trl_dpo import trl_dpo_rows

__all__ = ["FORMATS", "Format"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """How a trainer wants its data."""

    rows: Callable[[Conversation], Iterator[Mapping[str, Any]]]
    """What turns a conversation into no, one or several rows."""
    file: Callable[[Path], RowFile] = JsonLines
    """What writes them."""
    suffix: str = ".jsonl"
    """Of the files in a folder."""
    folder_only: bool = False
    """Whether a single file would not do."""
    bare: bool = False
    """Whether a row has no place for where it comes from; that goes into a file beside it."""
    beside: tuple[str, Callable[[Sequence[str]], str]] | None = None
    """A further file of a folder: its name, and its text for the splits that are there."""


FORMATS: dict[str, Format] = {
    "axolotl": Format(rows=axolotl_rows),
    "guard": Format(rows=guard_rows),
    "hf": Format(
        rows=hf_rows,
        file=ParquetRows,
        suffix=".parquet",
        folder_only=True,
        beside=("README.md", hf_readme),
    ),
    "mistral": Format(rows=mistral_rows, bare=True),
    "openai": Format(rows=openai_rows, bare=True),
    "openai-dpo": Format(rows=openai_dpo_rows, bare=True),
    "sharegpt": Format(
        rows=sharegpt_rows,
        beside=("dataset_info.json", partial(dataset_info, suffix=".jsonl", ranking=False)),
    ),
    "sharegpt-dpo": Format(
        rows=sharegpt_dpo_rows,
        beside=("dataset_info.json", partial(dataset_info, suffix=".jsonl", ranking=True)),
    ),
    "trl": Format(rows=trl_rows),
    "trl-dpo": Format(rows=trl_dpo_rows),
}
"""By name."""
