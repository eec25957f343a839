"""Mixing: rows of runs and of third parties, in the proportions that one asks for.

Every row is read and written once, into a file that is thrown away; what stays
in memory is where it begins and a digest of what it says. The draw picks
places, and a second pass copies them.
"""

import hashlib
import json
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Self

from agentalign_lc.dataset.conversation import Conversation, run_conversations
from agentalign_lc.dataset.files import whole
from agentalign_lc.dataset.mixing.mixture import ROWS, Input, Mixture, Part, write_row
from agentalign_lc.dataset.mixing.shares import PARTS, fill, split_total, spread
from agentalign_lc.dataset.mixing.sources import RowError, Source, read_row
from agentalign_lc.dataset.store import RunStore
from agentalign_lc.errors import ConfigError, StoreError
from agentalign_lc.rows import read_rows
from agentalign_lc.seeds import canonical_json, stream

__all__ = ["mix"]

_LEFT_OUT = "left_out.jsonl"
_HELD_OUT = "held out"
"""The part of the rows that are not to train on."""


def mix(
    runs: Sequence[Path],
    sources: Sequence[Source],
    out: Path,
    *,
    shares: Mapping[str, Fraction] | None = None,
    total: int | None = None,
    seed: int = 7,
    report: Callable[[str], None] = lambda _: None,
) -> Mixture:
    """Join runs and third-party files into a new folder.

    Proportions are set among rows to train on, those of a run's split ``train``
    and all of third parties. Rows of other splits follow them, unchanged and all
    of them: a test set that changes with the mix would compare nothing. A row
    that says what an earlier one says is left out, whatever their splits.

    Args:
        runs: Folders of runs.
        sources: Files of third parties.
        out: Folder to make; it appears when it is whole.
        shares: By part; a part that is not named gives nothing. None takes every row.
        total: Rows to train on; the largest number that the data allow if None.
        seed: Same seed and inputs, same bytes.
        report: Told of every row that is left out, ``FILE:LINE: reason``.

    Returns:
        What went in; also stored as ``mix.json``.

    Raises:
        ConfigError: a file cannot be read or has no usable row, or the shares cannot be met.
        StoreError: a run cannot be read, or the folder cannot be written.
    """
    wanted = dict(shares or {})
    if unknown := sorted(set(wanted) - set(PARTS)):
        raise ConfigError(f"unknown part {unknown[0]!r}; the parts are {', '.join(PARTS)}")
    if sources and wanted and not wanted.get("third_party"):
        raise ConfigError("the shares leave third parties out: add --share third_party=N")
    with _new_folder(out) as folder, _Pool(folder, report) as pool:
        for run in runs:
            pool.add_run(run)
        for source in sources:
            pool.add_source(source)
        available = {part: len(pool.places(part)) for part in PARTS}
        counts = _counts(available, wanted, total)
        taken = pool.draw(counts, seed)
        pool.copy(taken, folder / ROWS)
        mixture = Mixture(
            version=version("agentalign-lc"),
            seed=seed,
            parts=_parts(available, counts, wanted),
            **pool.account(taken),
        )
        mixture.save(folder)
    return mixture


class _Pool:
    """All rows that could be taken, in a file; in memory only where each begins."""

    def __init__(self, folder: Path, report: Callable[[str], None]) -> None:
        self._spool = TemporaryFile(dir=folder)  # noqa: SIM115 - closed by __exit__
        self._left_out = (folder / _LEFT_OUT).open("w", encoding="utf-8")
        self._report = report
        self._seen: set[bytes] = set()
        self._begin = array("Q")
        self._input = array("I")
        self._source = array("I")
        self._places = {part: array("Q") for part in (*PARTS, _HELD_OUT)}
        self._names: dict[str, int] = {}
        self._splits: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._inputs: list[Input] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._spool.close()
        self._left_out.close()

    def places(self, part: str) -> Sequence[int]:
        """Numbers of the rows of a part."""
        return self._places[part]

    def add_run(self, run: Path) -> None:
        """Take in the kept rows of a run."""
        digest, rows, before = hashlib.sha256(), 0, sum(self._reasons.values())
        with RunStore.read(run) as store:
            for kept in run_conversations(store):
                rows += 1
                row = replace(kept, about={**kept.about, "run": run.resolve().name})
                part = "harmful" if row.intent == "harmful" else "benign"
                try:
                    # Without the run's name: a copy of a run holds the same rows.
                    digest.update(_line(kept))
                    self._add(row, _line(row), part if row.split == "train" else _HELD_OUT)
                except RowError as error:
                    self._leave_out(f"{run}: {row.id}", error, {"file": str(run), "id": row.id})
        if not rows:
            raise ConfigError(f"{run} has no kept rows: leave it out, or look at its summary")
        self._close_input(str(run), "agentalign-lc", digest.hexdigest(), rows, before)

    def add_source(self, source: Source) -> None:
        """Take in the rows of a third party's file."""
        rows, before, first = 0, sum(self._reasons.values()), ""
        for row in read_rows(source.file):
            rows += 1
            place = f"{source.file}:{row.line}"
            try:
                conversation = read_row(row, source)
                self._add(conversation, _line(conversation), "third_party")
            except RowError as error:
                first = first or f"{place}: {error}"
                self._leave_out(place, error, {"file": str(source.file), "line": row.line})
        if not rows:
            raise ConfigError(f"{source.file} has no rows: leave it out")
        if sum(self._reasons.values()) - before == rows:
            raise ConfigError(f"no row of {source.file} can be used; the first: {first}")
        with source.file.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        self._close_input(str(source.file), source.name, digest, rows, before, source.licence)

    def draw(self, counts: Mapping[str, int], seed: int) -> list[int]:
        """Draw rows to train on, in the order in which they are to stand."""
        drawn = {
            part: iter(stream(seed, "mix", part).sample(self._places[part], count))
            for part, count in counts.items()
        }
        return [next(drawn[part]) for part in spread(counts, stream(seed, "mix", "order"))]

    def copy(self, taken: Sequence[int], file: Path) -> None:
        """Write the rows that were drawn, and those of other splits."""
        with file.open("wb") as stream_:
            for place in (*taken, *self._places[_HELD_OUT]):
                self._spool.seek(self._begin[place])
                stream_.write(self._spool.readline())

    def account(self, taken: Sequence[int]) -> dict[str, Any]:
        """Say what was drawn from where, and what was left out."""
        inputs = Counter(self._input[place] for place in taken)
        held_out = Counter(self._input[place] for place in self._places[_HELD_OUT])
        names, numbers = list(self._names), Counter(self._source[place] for place in taken)
        return {
            "inputs": tuple(
                given.model_copy(update={"taken": inputs[n], "held_out": held_out[n]})
                for n, given in enumerate(self._inputs)
            ),
            "sources": {names[number]: count for number, count in sorted(numbers.items())},
            "splits": {"train": len(taken), **dict(sorted(self._splits.items()))},
            "left_out": dict(sorted(self._reasons.items())),
        }

    def _add(self, row: Conversation, line: bytes, part: str) -> None:
        digest = _digest(row)
        if digest in self._seen:
            raise RowError("says the same as an earlier row")
        self._seen.add(digest)
        self._places[part].append(len(self._begin))
        self._begin.append(self._spool.tell())
        self._input.append(len(self._inputs))
        self._source.append(self._names.setdefault(row.source, len(self._names)))
        if part == _HELD_OUT:
            self._splits[row.split] += 1
        self._spool.write(line)

    def _leave_out(self, place: str, error: RowError, data: dict[str, Any]) -> None:
        self._reasons[error.reason] += 1
        self._left_out.write(json.dumps({**data, "reason": str(error)}) + "\n")
        self._report(f"{place}: {error}")

    def _close_input(
        self, file: str, source: str, sha256: str, rows: int, before: int, licence: str = ""
    ) -> None:
        left_out = sum(self._reasons.values()) - before
        self._inputs.append(
            Input(
                file=file, source=source, licence=licence, sha256=sha256, rows=rows,
                left_out=left_out, taken=0,
            )
        )  # fmt: skip


def _digest(row: Conversation) -> bytes:
    """What tells a row from others: who says what and calls what, and not the ids of the calls."""
    said = [
        [
            turn["role"],
            turn["content"],
            [[c["name"], c["arguments"]] for c in turn.get("calls", ())],
        ]
        for turn in row.messages
    ]
    try:
        text = canonical_json(said)
    except RecursionError as error:
        raise RowError("nested too deeply") from error
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _line(row: Conversation) -> bytes:
    try:
        return write_row(row)
    except ValueError as error:
        raise RowError("numbers or texts that JSON cannot say, or nested too deeply") from error


def _counts(
    available: Mapping[str, int], wanted: Mapping[str, Fraction], total: int | None
) -> dict[str, int]:
    if not wanted:
        if total is None:
            return dict(available)
        wanted = {part: Fraction(count) for part, count in available.items()}
        if not any(wanted.values()):
            raise ConfigError("there is no row to train on in any input")
    missing = [part for part, share in wanted.items() if share and not available[part]]
    if missing:
        where = "--with FILE" if "third_party" in missing else "a run that has them"
        raise ConfigError(f"there are no {' and no '.join(missing)} rows: give {where}")
    most = fill(available, wanted)
    if total is None:
        return most
    counts = split_total(total, wanted)
    short = {part: count - available[part] for part, count in counts.items()}
    if any(lack > 0 for lack in short.values()):
        said = ", ".join(f"{lack:,} {part} rows" for part, lack in short.items() if lack > 0)
        raise ConfigError(
            f"a total of {total:,} lacks {said}: give more, or leave --total out and get {sum(most.values()):,}"
        )
    return counts


def _parts(
    available: Mapping[str, int], counts: Mapping[str, int], wanted: Mapping[str, Fraction]
) -> dict[str, Part]:
    total, whole = max(1, sum(counts.values())), sum(wanted.values())
    return {
        part: Part(
            available=count,
            taken=counts.get(part, 0),
            wanted=float(wanted.get(part, Fraction(0)) / whole) if wanted else None,
            share=counts.get(part, 0) / total,
        )
        for part, count in available.items()
    }


@contextmanager
def _new_folder(out: Path) -> Iterator[Path]:
    """Give a folder that takes the place of ``out`` in the end, or is gone."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise StoreError(f"{out} is not empty: choose another --out; nothing was written")
    with whole(out) as folder:
        folder.mkdir()
        yield folder
