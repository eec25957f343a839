"""The journal: what was acknowledged and is not in the store yet, on the disk."""

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from agentalign_lc.errors import StoreError
from agentalign_lc.traces.collector.pieces import Piece

__all__ = ["Journal"]

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS pieces (seq INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL)"
)


class Journal:
    """A small SQLite file of pieces, for one collector at a time.

    What ``add`` has returned for is on the disk; ``forget`` follows once the trace
    is in the store. After kill -9 the next collector finds here what it did not
    keep in time.

    Args:
        path: The file; made if it is not there.

    Raises:
        StoreError: another collector uses it, or it cannot be read or written.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder, Journal(Path(folder, "j.sqlite")) as journal:
        ...     added = journal.add([Piece("1", "1", False, {"id": "1"})])
        ...     found = [piece.run for _, _, piece in journal]
        ...     journal.forget([number for number, _ in added])
        ...     found, list(journal)
        ([{'id': '1'}], [])
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._file = FileLock(f"{path}.lock", timeout=0)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file.acquire()
        except Timeout as error:
            raise StoreError(
                f"{path} is in use by another collector: stop it, or give another --journal"
            ) from error
        except OSError as error:
            raise StoreError(f"{path} cannot be written: {error.strerror}") from error
        try:
            self._database = sqlite3.connect(path, check_same_thread=False)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.execute(_SCHEMA)
        except sqlite3.Error as error:
            self._file.release()
            raise StoreError(f"{path} is no journal of a collector: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, pieces: Iterable[Piece]) -> list[tuple[int, int]]:
        """Write pieces; return a number and a size in characters for each, once they are on the disk.

        Raises:
            StoreError: they cannot be written.
        """
        bodies = [json.dumps([one.id, one.trace, one.patch, one.run], ensure_ascii=False) for one in pieces]  # fmt: skip
        try:
            with self._lock, self._database:
                insert = "INSERT INTO pieces (body) VALUES (?) RETURNING seq"
                return [
                    (self._database.execute(insert, (body,)).fetchone()[0], len(body))
                    for body in bodies
                ]
        except sqlite3.Error as error:
            raise StoreError(f"{self.path} cannot be written: {error}") from error

    def forget(self, numbers: Sequence[int]) -> None:
        """Take out pieces that are in the store.

        Raises:
            StoreError: the file cannot be written.
        """
        try:
            with self._lock, self._database:
                self._database.executemany(
                    "DELETE FROM pieces WHERE seq = ?", [(number,) for number in numbers]
                )
        except sqlite3.Error as error:
            raise StoreError(f"{self.path} cannot be written: {error}") from error

    def __iter__(self) -> Iterator[tuple[int, int, Piece]]:
        """Numbers, sizes and pieces that another collector left, in order of arrival."""
        try:
            with self._lock:
                rows = self._database.execute("SELECT seq, body FROM pieces ORDER BY seq")
                for number, body in rows:
                    id, trace, patch, run = json.loads(body)
                    yield number, len(body), Piece(id, trace, patch, run)
        except (sqlite3.Error, ValueError) as error:
            raise StoreError(f"{self.path} is damaged ({error}): move it away") from error

    def close(self) -> None:
        """Close the file, and take it away if nothing is left in it."""
        with self._lock:
            (left,) = self._database.execute("SELECT count(*) FROM pieces").fetchone()
            self._database.close()
        if not left:
            self.path.unlink(missing_ok=True)
        self._file.release()
