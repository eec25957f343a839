"""A mixture: a folder with rows of several sources, and a file that says what they are."""

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from agentalign_lc.dataset.conversation import Conversation
from agentalign_lc.errors import StoreError
from agentalign_lc.records import CANARY, Record
from agentalign_lc.rows import parse_json

__all__ = [
    "ROWS",
    "Input",
    "Mixture",
    "Part",
    "holds_mixture",
    "mix_conversations",
    "read_mixture",
    "write_row",
]

ROWS = "rows.jsonl"
"""The file with the rows: those to train on in mixed order, then the others."""

_ABOUT = "mix.json"
_FIELDS = [field.name for field in fields(Conversation)]


class Part(Record):
    """How much of a part went in."""

    available: int
    """Rows of the split ``train`` that could have been taken."""
    taken: int
    wanted: float | None = None
    """Its share of what is taken, from 0 to 1; None where all was taken."""
    share: float
    """The share that it got."""


class Input(Record):
    """A run or a file that went in."""

    file: str
    source: str
    licence: str = ""
    sha256: str
    """Of the file; of a run, of its rows as JSON Lines, since a database has many bytes for the same rows."""
    rows: int
    """All that it had."""
    left_out: int
    taken: int
    held_out: int = 0
    """Rows of other splits than ``train``, which are carried along."""


class Mixture(Record):
    """What a mixture is made of; stored as ``mix.json`` beside the rows."""

    version: str
    """Of the package."""
    canary: str = CANARY
    seed: int
    parts: dict[str, Part]
    inputs: tuple[Input, ...]
    sources: dict[str, int]
    """Rows to train on, by source."""
    splits: dict[str, int]
    left_out: dict[str, int]
    """Rows that could not be used, by reason; ``left_out.jsonl`` names each."""

    def save(self, folder: Path) -> None:
        """Write it into the mixture's folder."""
        text = json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False)
        (folder / _ABOUT).write_text(text + "\n", encoding="utf-8")


def holds_mixture(folder: Path) -> bool:
    """Whether a folder holds a mixture."""
    return (folder / _ABOUT).is_file() and (folder / ROWS).is_file()


def read_mixture(folder: Path) -> Mixture:
    """Read what a mixture is made of.

    Raises:
        StoreError: there is none, or it cannot be read.
    """
    _demand(folder)
    try:
        return Mixture.model_validate_json((folder / _ABOUT).read_bytes())
    except (OSError, ValueError) as error:
        raise StoreError(
            f"{folder / _ABOUT} cannot be read; made by another version, or damaged"
        ) from error


def mix_conversations(folder: Path, split: str | None = None) -> Iterator[Conversation]:
    """The rows of a mixture, one at a time, in its order.

    Args:
        folder: The mixture.
        split: Only this split; all if None.

    Raises:
        StoreError: there is none, or a row cannot be read.
    """
    _demand(folder)
    number = 0
    try:
        with (folder / ROWS).open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):  # noqa: B007 - for the error below
                conversation = _read_row(line)
                if split is None or conversation.split == split:
                    yield conversation
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise StoreError(
            f"{folder / ROWS}:{number}: cannot be read; made by another version, or damaged"
        ) from error


def write_row(conversation: Conversation) -> bytes:
    r"""Write a conversation as one line of UTF-8, with the canary.

    Raises:
        ValueError: it holds what JSON or UTF-8 have no way to say, or is nested too deeply.

    Example:
        >>> hello = Conversation(id="a", messages=[{"role": "user", "content": "Grüße"}], tools=[])
        >>> _read_row(write_row(hello).decode()) == hello
        True
    """
    data = {name: getattr(conversation, name) for name in _FIELDS}
    try:
        text = json.dumps(
            {**data, "canary": CANARY}, ensure_ascii=False, allow_nan=False, separators=(",", ":")
        )
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return text.encode() + b"\n"


def _read_row(line: str) -> Conversation:
    data = parse_json(line)
    return Conversation(**{name: data[name] for name in _FIELDS})


def _demand(folder: Path) -> None:
    if not holds_mixture(folder):
        raise StoreError(
            f"{folder} holds no mixture: make one with `agentalign mix RUN --out {folder}`"
        )
