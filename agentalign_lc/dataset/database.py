"""Databases in folders: opened, locked and checked, with errors that say what to do."""

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from agentalign_lc.errors import StoreError

__all__ = [
    "RUN_FILE",
    "FolderStore",
    "acquire",
    "checked",
    "connect",
    "damaged",
    "demand",
    "prepare",
    "reported",
    "unreadable",
]

RUN_FILE = "run.sqlite"
"""Name of the database in a run's folder."""


class FolderStore:
    """What is kept in the database of a folder; a context that closes it and lets go of its lock."""

    def __init__(
        self, folder: Path, connection: sqlite3.Connection, lock: FileLock | None = None
    ) -> None:
        self.folder = folder
        self._connection = connection
        self._lock = lock

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        if self._lock is not None:
            self._lock.release()


def prepare(folder: Path, database: str, taken: str = "", beside: Collection[str] = ()) -> None:
    """Make a folder, unless it is there; one with anything in it must have the database already.

    Args:
        folder: The folder.
        database: Name of the database in it.
        taken: What to say if it is there; nothing, if that is as it should be.
        beside: Files that may be in the folder before.

    Raises:
        StoreError: the folder holds something else, or cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / database).exists():
            if taken:
                raise StoreError(f"{folder} {taken}")
            return
        if any(entry.name not in {".lock", *beside} for entry in folder.iterdir()):
            raise StoreError(f"{folder} is not empty: choose another --out; nothing was written")
    except OSError as error:
        raise StoreError(
            f"{folder} cannot be written ({error.strerror}): choose another --out"
        ) from error


def demand(folder: Path) -> None:
    """Raise, if a folder holds no run."""
    if not (folder / RUN_FILE).is_file():
        raise StoreError(f"{folder} holds no run: start one with `agentalign synth --out {folder}`")


def acquire(folder: Path) -> FileLock:
    """Take the lock of a run, so that one process writes it.

    Raises:
        StoreError: another process has it, or the folder cannot be written.
    """
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise StoreError(
            f"another process is writing {folder}: wait for it, or choose another --out"
        ) from error
    except OSError as error:
        raise StoreError(
            f"{folder} cannot be written ({error.strerror}): choose another --out"
        ) from error
    return lock


def connect(file: Path, *, writing: bool) -> sqlite3.Connection:
    """Open a database file."""
    # One thread at a time: a run's writer has it while the run goes on.
    connection = sqlite3.connect(file, timeout=10, check_same_thread=False)
    if writing:
        connection.execute("PRAGMA journal_mode = WAL")
        # Enough against a killed process; a power cut may lose the last scenario, never half of one.
        connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def checked(folder: Path, *, writing: bool) -> sqlite3.Connection:
    """Open the database of a run, if it is whole.

    Raises:
        StoreError: it is damaged, or no run.
    """
    try:
        connection = connect(folder / RUN_FILE, writing=writing)
        check = connection.execute("PRAGMA quick_check").fetchone()[0]
        tables = {
            row[0]
            for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
    except sqlite3.Error as error:
        raise damaged(folder, error) from error
    if check != "ok" or not {"meta", "results"} <= tables:
        connection.close()
        raise damaged(folder, check if check != "ok" else "it is not a run of agentalign")
    return connection


def unreadable(folder: Path, intent: str, index: int) -> StoreError:
    """What to raise for a row that cannot be read."""
    return StoreError(
        f"{folder}: the {intent} result of scenario {index} cannot be read; "
        "made by another version, or damaged"
    )


def damaged(folder: Path, error: object) -> StoreError:
    """What to raise for a database that cannot be read."""
    line = " ".join(str(error).split())
    return StoreError(
        f"{folder / RUN_FILE} cannot be read ({line}): put a copy of it back, or start again in another folder; "
        "nothing was changed"
    )


@contextmanager
def reported(folder: Path) -> Iterator[None]:
    """Turn errors of SQLite into one that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise damaged(folder, error) from error
