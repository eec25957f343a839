"""The ledger: a file of lines of JSON, chained by their hashes (``chain.py``).

Beside ``FILE`` lie ``FILE.head`` (how many lines there are, and the last hash,
so that lines gone from the end are noticed) and ``FILE.lock``.
"""

import hashlib
import os
import threading
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from filelock import FileLock

from agentalign_lc.errors import StoreError
from agentalign_lc.guard.audit.chain import Head, Verification, following, sealed, verified

__all__ = ["Ledger", "Verification", "verify"]

_POLL = 0.002
"""Seconds between two looks at a lock that another process holds."""
_PATIENCE = 10.0
"""Seconds after which the lock of a process that hangs is waited for no longer."""


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

    def _write(self, entry: Mapping[str, Any], head: Head) -> Head:
        line, digest = sealed(entry, head.count + 1, head.hash)
        with self._path.open("ab", buffering=0) as file:
            written = file.write(line)
            if written != len(line):
                file.truncate(head.size)
                raise OSError("the disk is full")
            if self._durable:
                os.fsync(file.fileno())
        return self._headed(Head(head.count + 1, head.size + len(line), digest))

    def _headed(self, head: Head) -> Head:
        place = _beside(self._path, ".head")
        with place.open("r+b" if place.exists() else "wb", buffering=0) as file:
            file.write(head.text().encode())
        return head

    def _caught_up(self) -> Head:
        """Where to go on; what a killed writer left behind is taken over or cut off."""
        size = self._path.stat().st_size if self._path.exists() else 0
        # Of an empty log the head is written first, so that a lost one is always noticed.
        head = _read_head(self._path) or (Head() if size else self._headed(Head()))
        if size == head.size:
            return head
        if size < head.size:
            return self._over_the_gap(replace(head, size=size))
        with self._path.open("rb+") as file:
            file.seek(head.size)
            for line in file:
                if not line.endswith(b"\n"):
                    return self._without(line, replace(head, size=file.tell() - len(line)))
                head = following(line, head) or replace(head, size=head.size + len(line))
        return head

    def _over_the_gap(self, head: Head) -> Head:
        # The count and the hash stay those of the lines that are gone, and so the gap shows.
        if not head.size:
            return head
        with self._path.open("rb+") as file:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")
                return replace(head, size=head.size + 1)
        return head

    def _without(self, torn: bytes, head: Head) -> Head:
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
            return verified(file, _read_head(path), noted)
    except OSError as error:
        raise StoreError(f"audit log {path} cannot be read: {error.strerror or error}") from error


def _read_head(path: Path) -> Head | None:
    try:
        count, size, digest = _beside(path, ".head").read_text(encoding="ascii").split()
        return Head(int(count), int(size), digest)
    except (FileNotFoundError, ValueError):
        return None


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _lock(path: Path) -> FileLock:
    return FileLock(_beside(path, ".lock"), timeout=_PATIENCE, poll_interval=_POLL)


def _unwritable(path: Path, error: OSError) -> StoreError:
    return StoreError(f"audit log {path} cannot be written: {error.strerror or error}")
