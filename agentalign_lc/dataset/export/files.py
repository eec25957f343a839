"""Files that are there whole or not at all."""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Protocol, get_args

from agentalign_lc.errors import StoreError
from agentalign_lc.records import Split

__all__ = ["SPLITS", "JsonLines", "RowFile", "whole"]

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


@contextmanager
def whole(out: Path) -> Iterator[Path]:
    """Give a place to write a file or a folder to, and move it to ``out`` once it is whole.

    What is written beside the place under another name goes beside ``out``. If
    anything fails, what was there before stays and nothing else is left.

    Raises:
        StoreError: it cannot be written, or would replace a folder that holds other things.
    """
    named, out = out, out.resolve()
    if out.is_dir() and not _exported(out):
        raise StoreError(
            f"{named} holds other things than an export: choose another --out; nothing was written"
        )
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(mkdtemp(prefix=f".{out.name}.", dir=out.parent))
        try:
            yield beside / out.name
            for made in sorted(beside.iterdir()):
                _move(made, out.with_name(made.name), beside / ".old")
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    except OSError as error:
        raise StoreError(
            f"{named} cannot be written ({error.strerror or error}): choose another --out"
        ) from error


def _move(made: Path, out: Path, old: Path) -> None:
    if not out.is_dir():
        made.replace(out)
        return
    # No system call exchanges two folders everywhere.
    out.rename(old)
    try:
        made.rename(out)
    except BaseException:
        old.rename(out)
        raise


def _exported(folder: Path) -> bool:
    rows = {f"{split}{suffix}" for split in SPLITS for suffix in _SUFFIXES}
    found = {entry.name for entry in folder.iterdir()}
    return not found or (bool(found & rows) and found <= rows.union(_BESIDE))
