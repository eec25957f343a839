"""Write conversations in a format: they stream through, and the result is there whole or not at all."""

from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from agentalign_lc.dataset.conversation import Conversation, run_conversations
from agentalign_lc.dataset.export.call_ids import with_ids
from agentalign_lc.dataset.export.files import SPLITS, JsonLines, RowFile, check_target
from agentalign_lc.dataset.export.formats import FORMATS, Format
from agentalign_lc.dataset.export.origin import origin
from agentalign_lc.dataset.files import whole
from agentalign_lc.dataset.store import RunStore
from agentalign_lc.errors import ConfigError, StoreError

__all__ = ["Exported", "export_conversations", "export_run"]


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote, and what it did not."""

    splits: dict[str, int]
    """Rows by split."""
    left_out: dict[str, int]
    """Conversations of the splits that were not asked for."""
    without_row: int
    """Conversations that the format has no row for, such as one without a rejected response."""

    @property
    def rows(self) -> int:
        """How many rows were written."""
        return sum(self.splits.values())


def export_run(store: RunStore, name: str, out: Path, split: str | None = None) -> Exported:
    """Write the kept examples of a run; as ``export_conversations``."""
    return export_conversations(run_conversations(store), name, out, split)


def export_conversations(
    conversations: Iterable[Conversation], name: str, out: Path, split: str | None = None
) -> Exported:
    """Write conversations in a format, as a file or as a folder with one file for each split.

    A path without a suffix is a folder, and so is one that is there; every other
    is a file. Formats whose rows may not say where they come from get a second
    file, ``NAME.origin.jsonl``, whose line *n* says it of row *n*.

    Args:
        conversations: What to write, gone through once.
        name: The format.
        out: The file or folder. An older export there is replaced once the new one is whole.
        split: A split or ``all``. By default a folder gets all splits and a file
            ``train``, since what is trained on must not hold test rows.

    Raises:
        ConfigError: the format or the split is unknown, or the format makes folders only.
        StoreError: the place cannot be written, or there is no row to write.
    """
    format = _format(name)
    folder = format.folder_only or not out.suffix or out.is_dir()
    wanted = _wanted(split, folder=folder)
    check_target(out)
    with whole(out) as place:
        if folder:
            place.mkdir()
        with ExitStack() as opened:
            export = _Export(format, place, opened, folder=folder)
            for conversation in conversations:
                export.take(conversation, wanted)
        done = export.done
        if not done.rows:
            which = f"of split {wanted[0]} " if len(wanted) == 1 else ""
            raise StoreError(
                f"nothing was written to {out}: no example {which}has a row in format {name}"
            )
        if folder and format.beside is not None:
            beside, text = format.beside
            (place / beside).write_text(text(list(done.splits)), encoding="utf-8")
    return done


@dataclass(frozen=True, slots=True)
class _File:
    rows: RowFile
    origins: RowFile | None


class _Export:
    """The files of one export, opened as rows for them come."""

    def __init__(self, format: Format, place: Path, opened: ExitStack, *, folder: bool) -> None:
        self._format, self._place, self._opened, self._folder = format, place, opened, folder
        self._files: dict[Path, _File] = {}
        self._rows: Counter[str] = Counter()
        self._left_out: Counter[str] = Counter()
        self._without_row = 0

    @property
    def done(self) -> Exported:
        rows, left_out = ({s: c[s] for s in SPLITS if c[s]} for c in (self._rows, self._left_out))
        return Exported(rows, left_out, self._without_row)

    def take(self, conversation: Conversation, wanted: tuple[str, ...]) -> None:
        split = conversation.split
        if split not in SPLITS:
            raise StoreError(f"{conversation.id} has the unknown split {split!r}")
        if split not in wanted:
            self._left_out[split] += 1
            return
        count = 0
        for row in self._format.rows(with_ids(conversation)):
            file = self._file(split)
            file.rows.write(row)
            if file.origins is not None:
                file.origins.write(origin(conversation))
            count += 1
        self._rows[split] += count
        self._without_row += not count

    def _file(self, split: str) -> _File:
        path = self._place / f"{split}{self._format.suffix}" if self._folder else self._place
        if path not in self._files:
            rows = self._format.file(path)
            self._opened.callback(rows.close)
            origins = JsonLines(path.with_suffix(".origin.jsonl")) if self._format.bare else None
            if origins is not None:
                self._opened.callback(origins.close)
            self._files[path] = _File(rows, origins)
        return self._files[path]


def _format(name: str) -> Format:
    try:
        return FORMATS[name]
    except KeyError:
        known = ", ".join(sorted(FORMATS))
        raise ConfigError(f"unknown format {name!r}; the formats are {known}") from None


def _wanted(split: str | None, *, folder: bool) -> tuple[str, ...]:
    if split == "all" or (split is None and folder):
        return SPLITS
    if split is not None and split not in SPLITS:
        raise ConfigError(f"unknown split {split!r}; the splits are {', '.join(SPLITS)}, or all")
    return (split or "train",)
