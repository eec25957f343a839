"""The files of an export: what takes rows, and where they may lie."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, get_args

from agentalign_lc.errors import StoreError
from agentalign_lc.records import Split

__all__ = ["SPLITS", "JsonLines", "RowFile", "check_target"]

SPLITS: tuple[str, ...] = get_args(Split)
"""Their names, which are those of a folder's files."""

_SUFFIXES = (".jsonl", ".origin.jsonl", ".parquet")
_BESIDE = ("README.md", "dataset_info.json")


class RowFile(Protocol):
    """A file that takes rows."""

    def write(self, row: Mapping[str, Any]) -> None:
        """Add a row."""

    def close(self) -> None:
        """Write what is left."""


class JsonLines:
    r"""A JSON object a line, in UTF-8.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = JsonLines(Path(folder, "rows.jsonl"))
        ...     file.write({"name": "Zoë"})
        ...     file.close()
        ...     Path(folder, "rows.jsonl").read_text(encoding="utf-8")
        '{"name": "Zoë"}\n'
    """

    def __init__(self, path: Path) -> None:
        # Half of a surrogate pair is no UTF-8; backslash and code are how JSON writes it too.
        self._file = path.open("w", encoding="utf-8", errors="backslashreplace", newline="\n")

    def write(self, row: Mapping[str, Any]) -> None:
        """Add a row."""
        self._file.write(json.dumps(row, ensure_ascii=False) + "\n")

    def close(self) -> None:
        """Write what is left."""
        self._file.close()


def check_target(out: Path) -> None:
    """Demand that an export may take the place of what is there.

    Raises:
        StoreError: it is a folder that holds other things.
    """
    if out.is_dir() and not _exported(out):
        raise StoreError(
            f"{out} holds other things than an export: choose another --out; nothing was written"
        )


def _exported(folder: Path) -> bool:
    rows = {f"{split}{suffix}" for split in SPLITS for suffix in _SUFFIXES}
    found = {entry.name for entry in folder.iterdir()}
    return not found or (bool(found & rows) and found <= rows.union(_BESIDE))
