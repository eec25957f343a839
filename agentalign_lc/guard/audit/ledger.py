"""The ledger: lines of JSON, each with the hash of the line before it and its own.

Beside ``FILE`` lie ``FILE.head`` (how many lines there are, and the last hash,
so that lines gone from the end are noticed) and ``FILE.lock``.

The chain shows that a line was changed; it cannot stop somebody who may write
both files from hashing everything anew. Note the last hash down elsewhere from
time to time, and give it to ``verify``.
"""

import hashlib
import json
import os
import threading
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock

from agentalign_lc.errors import StoreError

__all__ = ["Ledger", "Verification", "verify"]

_START = "0" * 64
_POLL = 0.002
"""Seconds between two looks at a lock that another process holds."""
_PATIENCE = 10.0
"""Seconds after which the lock of a process that hangs is waited for no longer."""


@dataclass(frozen=True, slots=True)
class _Head:
    """How far a ledger goes."""

    count: int = 0
    size: int = 0
    """Bytes up to here."""
    hash: str = _START

    def text(self) -> str:
        # Always as long, so that it is written over in place, in one piece.
        return f"{self.count:015d} {self.size:018d} {self.hash}\n"


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found in a ledger."""

    entries: int
    """Lines that are as they were written, from the first on."""
    end: str
    """Hash of the last of them."""
    line: int | None = None
    """The first line that is wrong, from 1; None if none is."""
    problem: str = ""

    @property
    def intact(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problem


class Ledger:
    """Appends to a ledger, from any number of threads and processes.

    A line is whole or it is not there: what a writer that was killed left half
    written is cut off by the next, which says so in a line of its own. Lines that
    somebody took away leave a gap that ``verify`` finds; writing goes on.

    Args:
        path: The file; it and its folder are made when needed.
        durable: Wait until each line is on the disk (some milliseconds), so that
            it outlives a power cut. Without it, it outlives the process.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     Ledger(Path(folder) / "log.jsonl").append({"what": "seen"})
        ...     verify(Path(folder) / "log.jsonl").entries
        1
    """

    def __init__(self, path: Path, *, durable: bool = False) -> None:
        self._path = path
        self._durable = durable
        self._mutex = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(path, error) from error
        self._lock = _lock(path)

    def append(self, entry: Mapping[str, Any]) -> None:
        """Write one entry: a JSON object without ``n``, ``prev`` and ``hash``.

        Raises:
            StoreError: the file cannot be written.
        """
        try:
            with self._mutex, self._lock:
                self._write(entry, self._caught_up())
        except OSError as error:
            raise _unwritable(self._path, error) from error

    def _write(self, entry: Mapping[str, Any], head: _Head) -> _Head:
        line, digest = _sealed(entry, head.count + 1, head.hash)
        with self._path.open("ab", buffering=0) as file:
            written = file.write(line)
            if written != len(line):
                file.truncate(head.size)
                raise OSError("the disk is full")
            if self._durable:
                os.fsync(file.fileno())
        return self._headed(_Head(head.count + 1, head.size + len(line), digest))

    def _headed(self, head: _Head) -> _Head:
        place = _beside(self._path, ".head")
        with place.open("r+b" if place.exists() else "wb", buffering=0) as file:
            file.write(head.text().encode())
        return head

    def _caught_up(self) -> _Head:
        """Where to go on; what a killed writer left behind is taken over or cut off."""
        size = self._path.stat().st_size if self._path.exists() else 0
        # Of an empty log the head is written first, so that a lost one is always noticed.
        head = _read_head(self._path) or (_Head() if size else self._headed(_Head()))
        if size == head.size:
            return head
        if size < head.size:
            return self._over_the_gap(replace(head, size=size))
        with self._path.open("rb+") as file:
            file.seek(head.size)
            for line in file:
                if not line.endswith(b"\n"):
                    return self._without(line, replace(head, size=file.tell() - len(line)))
                head = _next(line, head) or replace(head, size=head.size + len(line))
        return head

    def _over_the_gap(self, head: _Head) -> _Head:
        # The count and the hash stay those of the lines that are gone, and so the gap shows.
        if not head.size:
            return head
        with self._path.open("rb+") as file:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")
                return replace(head, size=head.size + 1)
        return head

    def _without(self, torn: bytes, head: _Head) -> _Head:
        os.truncate(self._path, head.size)
        digest = hashlib.sha256(torn).hexdigest()
        return self._write({"event": "torn", "bytes": len(torn), "sha256": digest}, head)


def verify(path: Path, noted: str | None = None) -> Verification:
    """Find the first line of a ledger that is not as it was written.

    Args:
        path: The file.
        noted: A hash that was noted down elsewhere; some line must have it. With it
            the file beside the ledger is not needed.

    Raises:
        StoreError: the file cannot be read.
    """
    try:
        # Who may only read the folder cannot wait for a writer to finish its line.
        waits = path.is_file() and os.access(path.parent, os.W_OK)
        with _lock(path) if waits else nullcontext(), path.open("rb") as file:
            return _verified(file, _read_head(path), noted)
    except OSError as error:
        raise StoreError(f"audit log {path} cannot be read: {error.strerror or error}") from error


def _verified(file: Any, known: _Head | None, noted: str | None) -> Verification:  # noqa: ANN401 - bytes by lines
    before, head = _Head(), _Head()
    hashes = {noted} if noted else set()
    for number, line in enumerate(file, 1):
        after = _next(line, head)
        if after is None:
            at, problem = _why_not(line, number, head, before)
            return Verification(head.count, head.hash, at, problem)
        if known and after.count == known.count and after.hash != known.hash:
            return _wrong(after, f"line {number} is not the one that was written there", -1)
        before, head = head, after
        hashes.discard(head.hash)
    if hashes:
        return _wrong(
            head, f"no line has the hash {noted}: lines are gone, or all was written anew"
        )
    if noted is None and known is None and head.count:
        return _wrong(head, "the .head file is missing, so lines may be gone from the end")
    if known and known.count > head.count:
        return _wrong(head, f"{_lines(known.count - head.count)} gone from the end")
    return Verification(head.count, head.hash)


def _wrong(head: _Head, problem: str, offset: int = 0) -> Verification:
    return Verification(head.count + min(offset, 0), head.hash, head.count + 1 + offset, problem)


def _why_not(line: bytes, number: int, head: _Head, before: _Head) -> tuple[int, str]:
    """The line that is to blame, and what is wrong."""
    entry = _entry(line)
    if entry is None:
        torn = "is torn: its writer was cut off, or its end was removed"
        changed = "was changed, or is none of this log"
        return number, f"line {number} " + (changed if line.endswith(b"\n") else torn)
    if entry["hash"] == head.hash:
        return number, f"line {number} is there twice"
    if number > 1 and entry["prev"] == before.hash:
        return number - 1, f"line {number - 1} was inserted or replaced"
    gone = entry["n"] - head.count - 1
    if gone == 0:
        blamed = max(1, number - 1)
        return blamed, f"line {blamed} was replaced: the next does not follow from it"
    if gone > 0:
        return number, f"{_lines(gone)} gone, or moved away, before line {number}"
    return number, f"line {number} stands in the wrong place"


def _next(line: bytes, head: _Head) -> _Head | None:
    """The head after a line; None if the line does not follow."""
    entry = _entry(line)
    if entry is None or (entry["n"], entry["prev"]) != (head.count + 1, head.hash):
        return None
    return _Head(head.count + 1, head.size + len(line), entry["hash"])


def _entry(line: bytes) -> dict[str, Any] | None:
    """Read a line; None if it is not exactly what would have been written."""
    try:
        entry = json.loads(line)
        written = entry.pop("hash"), entry.pop("n"), entry.pop("prev")
        digest, n, prev = written
        if type(n) is not int or _sealed(entry, n, prev) != (line, digest):
            return None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return {"n": n, "prev": prev, "hash": digest}


def _sealed(entry: Mapping[str, Any], n: int, prev: str) -> tuple[bytes, str]:
    """The line of an entry, and its hash."""
    body = {**entry, "n": n, "prev": prev}
    digest = hashlib.sha256(_json(body)).hexdigest()
    return _json({**body, "hash": digest}) + b"\n", digest


def _json(value: object) -> bytes:
    # ASCII, so that no reader can take a character inside a text for the end of a line.
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _read_head(path: Path) -> _Head | None:
    try:
        count, size, digest = _beside(path, ".head").read_text(encoding="ascii").split()
        return _Head(int(count), int(size), digest)
    except (FileNotFoundError, ValueError):
        return None


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _lock(path: Path) -> FileLock:
    return FileLock(_beside(path, ".lock"), timeout=_PATIENCE, poll_interval=_POLL)


def _unwritable(path: Path, error: OSError) -> StoreError:
    return StoreError(f"audit log {path} cannot be written: {error.strerror or error}")


def _lines(count: int) -> str:
    return "1 line is" if count == 1 else f"{count:,} lines are"
