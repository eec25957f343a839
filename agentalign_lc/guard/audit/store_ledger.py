"""The ledger in a LangGraph store: the chain of ``chain.py`` under a namespace, an item an entry.

The items ``000000000000001`` and so on hold ``{"line": ...}``, the very text that
was hashed, since a database may write a number in another way than it was given.
The item ``head`` says how many there are, and the last hash.

A store has no lock. Threads of one process share a chain; a second process, or a
second ``Audit`` on a second connection, needs a namespace of its own.
"""

import asyncio
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from langgraph.errors import GraphBubbleUp
from langgraph.store.base import BaseStore, GetOp, Item, PutOp

from agentalign_lc.errors import ConfigError, StoreError
from agentalign_lc.guard.audit.chain import Head, Verification, following, sealed, verified

__all__ = ["NAMESPACE", "StoreLedger", "is_sqlite", "verify_sqlite", "verify_store"]

NAMESPACE: Final = ("agentalign", "audit")
"""Where an audit is kept if nobody says where."""
_HEAD = "head"
_PAGE = 200
"""Entries that are read at once."""

_LOCKS: weakref.WeakKeyDictionary[BaseStore, dict[tuple[str, ...], threading.Lock]] = (
    weakref.WeakKeyDictionary()
)
"""One lock a chain, whoever writes to it."""
_LOCKING = threading.Lock()


class StoreLedger:
    """Appends to a chain in a store, from any number of threads.

    Args:
        store: ``InMemoryStore``, ``SqliteStore``, ``PostgresStore`` or another one.
        namespace: Where the chain is kept; nothing else may be.

    Raises:
        ConfigError: it is no store, or no namespace.

    Example:
        >>> from langgraph.store.memory import InMemoryStore
        >>> store = InMemoryStore()
        >>> StoreLedger(store).append({"what": "seen"})
        >>> verify_store(store).entries
        1
    """

    def __init__(self, store: BaseStore, namespace: Sequence[str] = NAMESPACE) -> None:
        self._store = store
        self._namespace = _namespace(store, namespace)
        with _LOCKING:
            self._lock = _LOCKS.setdefault(store, {}).setdefault(self._namespace, threading.Lock())

    def append(self, entry: Mapping[str, Any]) -> None:
        """Write one entry: a JSON object without ``n``, ``prev`` and ``hash``.

        Raises:
            StoreError: the store cannot be written.
        """
        try:
            with self._lock:
                self._write(entry, self._caught_up())
        except GraphBubbleUp:
            raise
        except Exception as error:
            raise _unusable(self._namespace, "written", error) from error

    def _write(self, entry: Mapping[str, Any], head: Head) -> None:
        line, digest = sealed(entry, head.count + 1, head.hash)
        new = {"line": line.decode().rstrip("\n")}
        # In one batch, which the databases carry out as a whole or not at all.
        self._store.batch(
            [
                self._put(_key(head.count + 1), new),
                self._put(_HEAD, {"count": head.count + 1, "hash": digest}),
            ]
        )

    def _put(self, key: str, value: dict[str, Any]) -> PutOp:
        # Neither embedded for a search by meaning, nor forgotten after a time.
        return PutOp(self._namespace, key, value, index=False, ttl=None)

    def _caught_up(self) -> Head:
        """Where to go on; what another writer left without a head is kept, and shows."""
        head = _read_head(self._store, self._namespace) or Head()
        for line in _lines(self._store, self._namespace, head.count + 1):
            head = following(line, head) or Head(head.count + 1, hash=head.hash)
        return head


def verify_store(
    store: BaseStore, namespace: Sequence[str] = NAMESPACE, noted: str | None = None
) -> Verification:
    """Find the first entry of a chain in a store that is not as it was written.

    Args:
        store: The store.
        namespace: Where the chain is kept.
        noted: A hash that was noted down elsewhere; some entry must have it. With it
            the chain's head is not needed.

    Raises:
        ConfigError: it is no store, or no namespace.
        StoreError: the store cannot be read.
    """
    place = _namespace(store, namespace)
    try:
        known = _read_head(store, place)
        return verified(_all_lines(store, place, known), known, noted)
    except Exception as error:
        raise _unusable(place, "read", error) from error


def is_sqlite(path: Path) -> bool:
    """Whether a file is a database of SQLite, as ``SqliteStore`` writes it."""
    try:
        with path.open("rb") as file:
            return file.read(16) == b"SQLite format 3\0"
    except OSError:
        return False


def verify_sqlite(
    path: Path, namespace: Sequence[str] = NAMESPACE, noted: str | None = None
) -> Verification:
    """Verify a chain in the file of a ``SqliteStore``; the file is only read.

    Raises:
        ConfigError: the library is missing, or there is no such chain in the file.
        StoreError: the file cannot be read.
    """
    import sqlite3  # noqa: PLC0415
    from contextlib import closing  # noqa: PLC0415

    try:
        from langgraph.store.sqlite import SqliteStore  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{path} is a SQLite file; to read it, pip install langgraph-checkpoint-sqlite"
        ) from error
    try:
        with (
            closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as file,
            closing(sqlite3.connect(":memory:", isolation_level=None)) as copy,
        ):
            # A store brings its tables up to date, which must not happen to what is examined.
            file.backup(copy)
            store = SqliteStore(copy)
            place = _namespace(store, namespace)
            found = verify_store(store, place, noted)
            if not found.entries and not store.search(place, limit=1):
                raise ConfigError(_nothing(path, place, store))
            return found
    except sqlite3.Error as error:
        raise StoreError(f"audit store {path} cannot be read: {error}") from error


def _nothing(path: Path, namespace: tuple[str, ...], store: BaseStore) -> str:
    others = ", ".join(".".join(name) for name in store.list_namespaces(limit=10))
    there = f"there are: {others}" if others else "it holds no items at all"
    return f"{path} has no audit under {'.'.join(namespace)} (--namespace); {there}"


def _all_lines(store: BaseStore, namespace: tuple[str, ...], known: Head | None) -> Iterator[bytes]:
    """Every entry in order, gaps left out, those beyond the head as well."""
    count = known.count if known else 0
    for first in range(1, count + 1, _PAGE):
        page = range(first, min(first + _PAGE, count + 1))
        found = store.batch([GetOp(namespace, _key(n)) for n in page])
        yield from (line for item in found if (line := _line(item)) is not None)
    yield from _lines(store, namespace, count + 1)


def _lines(store: BaseStore, namespace: tuple[str, ...], first: int) -> Iterator[bytes]:
    """The entries from one on, up to the first that is not there."""
    number = first
    while (line := _line(store.get(namespace, _key(number)))) is not None:
        yield line
        number += 1


def _line(item: object) -> bytes | None:
    """The line that an item holds; whatever else it holds is no line of any chain."""
    if not isinstance(item, Item):
        return None
    return str(item.value.get("line", "")).encode("utf-8", "surrogatepass") + b"\n"


def _read_head(store: BaseStore, namespace: tuple[str, ...]) -> Head | None:
    item = store.get(namespace, _HEAD)
    value = item.value if item else {}
    count, digest = value.get("count"), value.get("hash")
    if type(count) is not int or not isinstance(digest, str):
        return None
    return Head(count, hash=digest)


def _key(number: int) -> str:
    return f"{number:015d}"


def _namespace(store: object, namespace: Sequence[str]) -> tuple[str, ...]:
    if not isinstance(store, BaseStore):
        raise ConfigError(
            f"an audit is kept in a LangGraph store, not in {type(store).__name__};"
            " give an InMemoryStore, SqliteStore or PostgresStore"
        )
    parts = tuple([namespace] if isinstance(namespace, str) else namespace)
    if not parts or not all(type(p) is str and p and "." not in p for p in parts):
        raise ConfigError(
            f"{namespace!r} is no namespace: give words without dots, such as {NAMESPACE}"
        )
    return parts


def _unusable(namespace: tuple[str, ...], done: str, error: Exception) -> StoreError:
    if isinstance(error, asyncio.InvalidStateError):
        why = "an async store cannot be used by sync code of its own event loop; give a sync one"
    else:
        why = (str(error).splitlines() or [type(error).__name__])[0]
    return StoreError(f"audit store {'.'.join(namespace)} cannot be {done}: {why}")
