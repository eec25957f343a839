"""The trace store: where traces and their labels are kept, in SQLite or in Postgres."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Self, cast

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    Select,
    create_engine,
    event,
    func,
    make_url,
    or_,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from agentalign_lc.errors import ConfigError, StoreError, one_line
from agentalign_lc.traces.body import read_body, write_body
from agentalign_lc.traces.schema import LABELS, TRACES, create, is_made
from agentalign_lc.traces.trace import Label, Trace

__all__ = ["TraceStore"]

_AT_ONCE = 200
"""Traces in one statement."""
_PATIENCE = 30.0
"""Seconds to wait for another process that writes to the same SQLite file."""
_MAGIC = b"SQLite format 3\0"

LabelName = Literal["harmful", "benign", "unknown", "unlabelled"]


class TraceStore:
    """Traces and labels that are added and never changed.

    What ``append`` has returned for is on the disk: it outlives kill -9 and, with
    SQLite in its write-ahead mode and ``synchronous=FULL``, a power cut. Any number
    of threads and processes may use one store at once; many that write are better
    served by Postgres. A trace whose id is there already is not written again.

    Texts of more than 1,000,000 characters are cut, with a note in their place, and
    more is cut from traces of more than 32,000,000 (``body.write_body``).

    Use ``open``.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from agentalign_lc.traces.trace import Span
        >>> trace = Trace(id="7f3a", source="doc", spans=(Span(id="1", name="app"),))
        >>> with TemporaryDirectory() as folder, TraceStore.open(f"{folder}/t.sqlite") as store:
        ...     store.append([trace]), store.append([trace])
        ...     store.label(Label(trace="7f3a", label="benign", by="person"))
        ...     [found.id for found in store.traces(label="benign")]
        (1, 0)
        ['7f3a']
    """

    def __init__(self, engine: Engine, place: str) -> None:
        self.place = place
        """Where it is, without a password."""
        self._engine = engine
        self._process = os.getpid()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @classmethod
    def open(cls, place: str | Path, *, create: bool = True) -> Self:
        """Open a store.

        Args:
            place: A file of SQLite, or a URL: ``sqlite:///traces.sqlite``,
                ``postgresql://user@host/database`` (extra ``[postgres]``).
            create: Make the store if there is none.

        Raises:
            StoreError: it is damaged, the database of something else, or not to be reached;
                or there is none, and it was not to be made.
            ConfigError: the URL is of no known kind, or its driver is not installed.
        """
        url = _url(place)
        shown = url.database or "" if url.drivername == "sqlite" else url.render_as_string()
        if url.drivername == "sqlite":
            _check_file(Path(shown), create=create)
        engine = _engine(url)
        store = cls(engine, shown)
        try:
            store._prepare(create=create)
        except BaseException:
            engine.dispose()
            raise
        return store

    def close(self) -> None:
        """Close all connections; the store can be used again all the same."""
        self._engine.dispose()

    def append(self, traces: Sequence[Trace]) -> int:
        """Add traces, all or none, and return how many were new, once they are on the disk.

        Raises:
            StoreError: they cannot be written.
        """
        now = time.time()
        rows = [_row(trace, now) for trace in traces]
        with self._connected(writing=True) as connection:
            insert = _insert(connection)
            return sum(
                len(connection.execute(insert, rows[start : start + _AT_ONCE]).all())
                for start in range(0, len(rows), _AT_ONCE)
            )

    def traces(
        self,
        *,
        source: str | None = None,
        label: LabelName | None = None,
        since: float | datetime | None = None,
        limit: int | None = None,
    ) -> Iterator[Trace]:
        """Yield traces in order of arrival, a few at a time.

        Args:
            source: Only those that this recorder or importer saw.
            label: Only those of which this is the label that counts (``labelling.settled``);
                ``unknown`` where nobody knows, ``unlabelled`` without any.
            since: Only those that started then or later; seconds since 1970, or a time.
            limit: At most so many.

        Raises:
            StoreError: one cannot be read.
        """
        query = select(TRACES.c.seq, TRACES.c.id, TRACES.c.body).order_by(TRACES.c.seq)
        if source is not None:
            query = query.where(TRACES.c.source == source)
        if since is not None:
            seconds = since.timestamp() if isinstance(since, datetime) else since
            query = query.where(TRACES.c.started >= seconds)
        if label is not None:
            query = query.where(func.coalesce(_LAST_LABEL, "unlabelled") == label)
        last, left = -1, limit
        while left is None or left > 0:
            # Page by page, so that no reader holds a lock or a cursor while it thinks.
            page = self._rows(query.where(TRACES.c.seq > last).limit(min(left or 100, 100)))
            for seq, name, body in page:
                last = seq
                yield self._trace(name, body)
            if not page:
                return
            left = None if left is None else left - len(page)

    def get(self, id: str) -> Trace:
        """Return the trace with this id, or the only one whose id begins so.

        Raises:
            StoreError: there is none, or more than one.
        """
        prefix = func.substr(TRACES.c.id, 1, len(id)) == id
        # The whole id sorts before all that it begins.
        found = self._rows(select(TRACES.c.id).where(prefix).order_by(func.length(TRACES.c.id)).limit(2))  # fmt: skip
        if not found or not id:
            raise StoreError(
                f"{self.place} has no trace {id!r}: `agentalign traces list` shows all"
            )
        if len(found) > 1 and found[0][0] != id:
            raise StoreError(f"{self.place} has several traces {id!r}...: give more of the id")
        ((name, body),) = self._rows(select(TRACES.c.id, TRACES.c.body).where(TRACES.c.id == found[0][0]))  # fmt: skip
        return self._trace(name, body)

    def __len__(self) -> int:
        return int(self._rows(select(func.count()).select_from(TRACES))[0][0])

    def __bool__(self) -> bool:
        return True  # an empty store is one, too

    def label(self, label: Label) -> None:
        """Add a label to a trace.

        Raises:
            StoreError: the trace is not there, or the label cannot be written.
        """
        row = label.model_dump() | {"given": time.time()}
        row |= {name: _column(row[name]) for name in ("by", "reason", "category")}
        with self._connected(writing=True) as connection:
            known = select(TRACES.c.seq).where(TRACES.c.id == label.trace)
            if connection.execute(known).first() is None:
                raise StoreError(f"{self.place} has no trace {label.trace!r} to label")
            connection.execute(LABELS.insert(), row)

    def labels(self, trace_id: str) -> list[Label]:
        """Every label of a trace, in the order in which they were given."""
        parts = (LABELS.c[name] for name in Label.model_fields)
        query = select(*parts).where(LABELS.c.trace == trace_id).order_by(LABELS.c.seq)
        return [Label.model_validate(row._asdict()) for row in self._rows(query)]

    def _prepare(self, *, create: bool) -> None:
        try:
            with self._connected() as connection:
                made = is_made(connection)
        except StoreError as error:
            raise StoreError(f"{self.place} cannot be used: {error}") from error
        if made:
            return
        if not create:
            raise StoreError(f"{self.place} holds no traces yet")
        with self._connected(writing=True) as connection:
            _create(connection)

    def _rows(self, query: Select[Any]) -> list[Any]:
        with self._connected() as connection:
            return list(connection.execute(query))

    def _trace(self, name: str, body: str) -> Trace:
        try:
            return read_body(body)
        except ValueError as error:
            raise StoreError(
                f"{self.place}: trace {name} cannot be read; made by another version, or damaged"
            ) from error

    @contextmanager
    def _connected(self, *, writing: bool = False) -> Iterator[Connection]:
        """A connection; what was done in it is on the disk afterwards, or nothing of it."""
        if self._process != os.getpid():
            # A forked process must not speak on its parent's connections.
            self._engine.dispose(close=False)
            self._process = os.getpid()
        try:
            with self._engine.begin() as connection:
                if writing and connection.dialect.name == "sqlite":
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                yield connection
        except SQLAlchemyError as error:
            raise _unusable(self.place, error) from error


_create = create
"""Under another name inside ``open``, whose option is called so, too."""

_LAST_LABEL = (
    select(LABELS.c.label)
    .where(LABELS.c.trace == TRACES.c.id)
    .order_by(
        (LABELS.c.by == "person").desc(),
        # A judge's `unknown` does not undo what another found; a person's does.
        or_(LABELS.c.by == "person", LABELS.c.label != "unknown").desc(),
        LABELS.c.seq.desc(),
    )
    .limit(1)
    .correlate(TRACES)
    .scalar_subquery()
)


def _url(place: str | Path) -> URL:
    text = str(place)
    if "://" not in text:
        return URL.create("sqlite", database=text)
    if text.startswith("postgres://"):  # which SQLAlchemy no longer knows, and hosts still print
        text = text.replace("postgres://", "postgresql://", 1)
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise ConfigError(f"{text.split('@')[-1]!r} is no URL of a database") from error
    kind = url.get_backend_name()
    if kind not in ("sqlite", "postgresql"):
        raise ConfigError(f"traces are kept in SQLite or Postgres, not in {kind}: give a file or postgresql://...")  # fmt: skip
    if kind == "sqlite":
        if not url.database or url.database == ":memory:":
            raise ConfigError("a trace store outlives its process: give a file, as sqlite:///traces.sqlite")  # fmt: skip
        return url.set(drivername="sqlite")
    return url.set(drivername="postgresql+psycopg")


def _check_file(file: Path, *, create: bool) -> None:
    try:
        if create:
            file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            if create:
                return
            raise StoreError(
                f"{file} is not there: `agentalign traces import` or `agentalign collect serve` makes one"
            )
        with file.open("rb") as opened:
            start = opened.read(len(_MAGIC))
    except OSError as error:
        raise StoreError(f"{file} cannot be opened: {error.strerror or error}") from error
    if start and start != _MAGIC:
        raise StoreError(f"{file} is no SQLite file: give another; nothing was changed")


def _engine(url: URL) -> Engine:
    if url.drivername != "sqlite":
        try:
            return create_engine(url, pool_pre_ping=True)
        except ModuleNotFoundError as error:
            raise ConfigError("Postgres needs psycopg: pip install 'agentalign-lc[postgres]'") from error  # fmt: skip
    engine = create_engine(url, connect_args={"timeout": _PATIENCE})
    event.listen(engine, "connect", _set_up)
    return engine


def _set_up(connection: Any, _: object) -> None:  # noqa: ANN401 - of the driver
    connection.isolation_level = None  # transactions begin where `_connected` says so
    (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    if mode != "wal":
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")


def _insert(connection: Connection) -> Any:  # noqa: ANN401 - of one dialect or the other
    kind = postgresql if connection.dialect.name == "postgresql" else sqlite
    insert = cast("Any", kind).insert(TRACES)
    return insert.on_conflict_do_nothing(index_elements=[TRACES.c.id]).returning(TRACES.c.seq)


def _row(trace: Trace, now: float) -> dict[str, Any]:
    known = [span.started for span in trace.spans if span.started > 0]
    return {
        "id": _column(trace.id),
        "source": _column(trace.source),
        "name": _column(trace.name),
        "thread": _column(trace.thread),
        "started": min(known, default=now),
        "arrived": now,
        "body": write_body(trace),
    }


def _column(text: str) -> str:
    # Postgres has no NUL in texts, and no database half a surrogate pair.
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def _unusable(place: str, error: SQLAlchemyError) -> StoreError:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    line = one_line(cause)
    if "locked" in line:
        return StoreError(f"{place} is being written by another process for too long ({line}): try again, or use Postgres")  # fmt: skip
    return StoreError(f"{place} cannot be used ({line}): check it, or give another; nothing was changed")  # fmt: skip
