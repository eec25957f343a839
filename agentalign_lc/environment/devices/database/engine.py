"""SQLite in memory, behind bars: no file, no extension, no clock, no endless query.

SQLite does the parsing and the evaluating. What it may touch is decided by an
authorizer that knows what is allowed and refuses the rest; how long and how
much, by limits that count steps and bytes, never seconds, so that the same
statement ends in the same way on every machine.
"""

import math
import sqlite3
import threading
import weakref
from collections.abc import Iterable, Sequence
from contextlib import closing
from functools import cache, lru_cache
from random import Random
from typing import Any, NamedTuple

from agentalign_lc.environment.devices.database.statements import control, quoted, statements
from agentalign_lc.environment.faults import ToolFault
from agentalign_lc.seeds import stream

__all__ = ["Cell", "Engine", "Result", "plain"]

Cell = str | int | float | None

_STEPS = 250  # times 1,000 instructions of SQLite's machine; three tables joined without a condition pass
_CELLS = 60_000  # characters in one answer
_CHANGED = 2_000  # rows
_PAGES = 4_000  # of 1 KiB each, in the whole database
_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: 10_000,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 60_000,
    sqlite3.SQLITE_LIMIT_COLUMN: 100,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 100,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 50,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 200,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 10,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
_READS = frozenset(
    {
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_READ,
        sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_RECURSIVE,
        sqlite3.SQLITE_TRANSACTION,
        sqlite3.SQLITE_SAVEPOINT,
    }
)
_CHANGES = frozenset({sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE})
_WRITES = _CHANGES | {
    sqlite3.SQLITE_CREATE_TABLE,
    sqlite3.SQLITE_CREATE_INDEX,
    sqlite3.SQLITE_CREATE_VIEW,
    sqlite3.SQLITE_CREATE_TRIGGER,
    sqlite3.SQLITE_DROP_TABLE,
    sqlite3.SQLITE_DROP_INDEX,
    sqlite3.SQLITE_DROP_VIEW,
    sqlite3.SQLITE_DROP_TRIGGER,
    sqlite3.SQLITE_ALTER_TABLE,
    sqlite3.SQLITE_REINDEX,
}
# Of all pragmas, those that describe a table; `quick_check` is what ALTER TABLE itself asks for.
_DESCRIBING = frozenset(
    {"table_info", "table_xinfo", "table_list", "index_list", "index_info", "quick_check"}
)
# These say something about the machine, or load code into it.
_NO_FUNCTIONS = frozenset(
    {
        "load_extension",
        "fts3_tokenizer",
        "sqlite_source_id",
        "sqlite_version",
        "sqlite_compileoption_get",
        "sqlite_compileoption_used",
    }
)
_TIMES = ("date", "time", "datetime", "julianday", "unixepoch", "strftime")
_CODES = (
    ("no such", "not_found"),
    ("has no column named", "not_found"),
    ("already exists", "already_exists"),
    ("duplicate column", "already_exists"),
    ("constraint failed", "constraint_violation"),
    ("datatype mismatch", "constraint_violation"),
    ("syntax error", "syntax_error"),
    ("incomplete input", "syntax_error"),
    ("unrecognized token", "syntax_error"),
    ("too big", "too_large"),
    ("is full", "too_large"),
)


class Result(NamedTuple):
    """What a statement gave: names of columns, rows, rows changed, and whether rows were cut."""

    columns: list[str]
    rows: list[list[Cell]]
    changed: int
    cut: bool


class _State:
    """What SQLite's callbacks may see.

    It knows neither connection nor world: SQLite holds its callbacks where no
    garbage collector looks, and a way back would keep every world alive.
    """

    def __init__(self) -> None:
        self.now = ""
        self.seed = ""
        self.drawn: Random | None = None
        self.trusted = True
        self.writing = False
        self.steps = 0
        self.refused = ""
        self.changed: set[str] = set()

    def authorize(self, action: int, first: str | None, second: str | None, *_: object) -> int:
        """Allow reading; allow writing where that is the purpose; refuse all else."""
        if self.trusted:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_FUNCTION:
            allowed = str(second).lower() not in _NO_FUNCTIONS
        elif action == sqlite3.SQLITE_PRAGMA:
            allowed = str(first).lower() in _DESCRIBING
        else:
            allowed = action in _READS or (self.writing and action in _WRITES)
        if not allowed:
            self.refused = "write" if action in _WRITES else "forbidden"
            return sqlite3.SQLITE_DENY
        if action in _CHANGES:
            self.changed.add(str(first))
        return sqlite3.SQLITE_OK

    def step(self) -> bool:
        """Count; true ends the statement."""
        self.steps += 1
        return self.steps > _STEPS

    def draw(self) -> Random:
        """The stream of this statement."""
        self.drawn = self.drawn or stream(self.seed, "sql")
        return self.drawn

    def number(self) -> int:
        """Stand in for SQLite's ``random()``."""
        return self.draw().getrandbits(64) - 2**63

    def blob(self, size: object) -> bytes:
        """Stand in for SQLite's ``randomblob(n)``."""
        return self.draw().randbytes(min(max(int(str(size)), 1), 1_000))

    def moment(self, name: str, *values: object) -> Cell:
        """Stand in for a function of date and time: SQLite's own, at the world's hour, in UTC."""
        given = list(values)
        place = 1 if name == "strftime" else 0
        if len(given) == place:
            given.append("now")
        plain = [
            self.now if text == "now" else "+0 days" if text in ("localtime", "utc") else value
            for value in given
            for text in [value.lower() if isinstance(value, str) else None]
        ]
        marks = ", ".join("?" * len(plain))
        with _CALENDAR_LOCK:
            row = _calendar().execute(f"SELECT {name}({marks})", plain).fetchone()
        return row[0]  # type: ignore[no-any-return]


class Engine:
    """One database; its statements come from outside and are not trusted.

    Args:
        schema: Statements that make its tables.

    Example:
        >>> engine = Engine(("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)",))
        >>> engine.run("INSERT INTO notes (text) VALUES ('milk'), ('bread')", writing=True).changed
        2
        >>> engine.run("SELECT text FROM notes WHERE id = ?", ["2"]).rows
        [['bread']]
    """

    def __init__(self, schema: tuple[str, ...]) -> None:
        # No cached statements: the authorizer judges a statement when it is compiled.
        self._connection = sqlite3.connect(
            ":memory:", isolation_level=None, cached_statements=0, check_same_thread=False
        )
        self._closing = weakref.finalize(self, self._connection.close)
        self._state = state = _State()
        connection = self._connection
        connection.deserialize(_image(schema))
        connection.text_factory = _text
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute(f"PRAGMA max_page_count = {_PAGES}")
        for limit, value in _LIMITS.items():
            connection.setlimit(limit, value)
        for name in _TIMES:
            connection.create_function(name, -1, _Moment(state, name))
        for name, of in (("timestamp", "datetime"), ("date", "date"), ("time", "time")):
            connection.create_function(f"current_{name}", 0, _Moment(state, of))
        connection.create_function("random", 0, state.number)
        connection.create_function("randomblob", 1, state.blob)
        connection.set_authorizer(state.authorize)
        connection.set_progress_handler(state.step, 1_000)

    def at(self, now: str, seed: str) -> None:
        """Set the hour, and the seed of ``random()``, for what runs next."""
        self._state.now, self._state.seed, self._state.drawn = now, seed, None

    def run(
        self, sql: str, values: Sequence[str] = (), limit: int = 100, *, writing: bool = False
    ) -> Result:
        """Run one or several statements as one transaction; the last one's rows are returned.

        Raises:
            ToolFault: ``syntax_error``, ``not_found``, ``constraint_violation`` and so on, in
                SQLite's own words; nothing was changed then.
        """
        state, connection = self._state, self._connection
        state.trusted, state.writing, state.steps, state.refused = False, writing, 0, ""
        result = Result([], [], 0, cut=False)
        changed = 0
        try:
            connection.execute("BEGIN")
            for statement in statements(sql):
                match control(statement):
                    case "begin or end":  # each call is a transaction already
                        continue
                    case "rollback":
                        connection.execute("ROLLBACK")
                        connection.execute("BEGIN")
                        changed = 0
                        continue
                result, count = self._one(statement, values, limit)
                changed += count
            if changed > _CHANGED:
                raise sqlite3.DataError(f"too big: {changed} rows changed at once")
            if connection.in_transaction:
                connection.execute("COMMIT")
        except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError) as error:
            raise self._fault(error) from error
        finally:
            state.trusted = True
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        return result._replace(changed=changed)

    def changed(self) -> set[str]:
        """Names of the tables that were written to since this was asked last."""
        names, self._state.changed = self._state.changed, set()
        return names

    def fetch(self, sql: str, values: Sequence[Cell] = ()) -> list[tuple[Any, ...]]:
        """Ask for something ourselves, without limits."""
        self._state.steps = -1_000_000
        return self._connection.execute(sql, values).fetchall()

    def fill(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
        """Put rows into a table ourselves; of two with one key, the later stays."""
        self._state.steps = -1_000_000
        names = ", ".join(map(quoted, columns))
        marks = ", ".join("?" * len(columns))
        connection = self._connection
        connection.execute("BEGIN")
        connection.executemany(
            f"INSERT OR REPLACE INTO {quoted(table)} ({names}) VALUES ({marks})",  # noqa: S608 - names are quoted
            rows,
        )
        connection.execute("COMMIT")

    def _one(self, statement: str, values: Sequence[str], limit: int) -> tuple[Result, int]:
        before = self._connection.total_changes
        cursor = self._connection.execute(statement, tuple(values))
        columns = _unique(item[0] for item in cursor.description or ())
        rows: list[list[Cell]] = []
        room, cut = _CELLS, False
        for row in cursor:
            # Read to the end: a statement with RETURNING works while it is read.
            if cut or len(rows) == limit:
                cut = True
                continue
            cells = [plain(cell) for cell in row]
            room -= sum(len(str(cell)) for cell in cells)
            cut = room < 0
            if not cut:
                rows.append(cells)
        return Result(columns, rows, 0, cut), self._connection.total_changes - before

    def _fault(self, error: Exception) -> ToolFault:
        text = str(error)
        if self._state.refused == "write":
            return ToolFault("read_only", "attempt to write a readonly database")
        if self._state.refused:
            return ToolFault("permission_denied", "not authorized")
        if text == "interrupted":
            return ToolFault("timeout", "interrupted: the statement ran for too long")
        code = next((code for part, code in _CODES if part in text), "invalid_argument")
        return ToolFault(code, text)


class _Moment:
    """A function of date and time, bound to a state by its name."""

    def __init__(self, state: _State, name: str) -> None:
        self._state, self._name = state, name

    def __call__(self, *values: object) -> Cell:
        return self._state.moment(self._name, *values)


_CALENDAR_LOCK = threading.Lock()


@cache
def _calendar() -> sqlite3.Connection:
    """A connection without tables, whose functions of date and time are SQLite's own."""
    return sqlite3.connect(":memory:", check_same_thread=False)


@lru_cache(maxsize=32)
def _image(schema: tuple[str, ...]) -> bytes:
    """A database with these tables; copying it is ten times faster than making them."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("PRAGMA page_size = 1024")  # small tables: less to copy
        for statement in schema:
            connection.execute(statement)
        connection.commit()
        return connection.serialize()


def _unique(names: Iterable[str]) -> list[str]:
    """Two columns of one name are told apart, for rows are returned as mappings."""
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return unique


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def plain(cell: object) -> Cell:
    """What JSON can say of a cell."""
    if isinstance(cell, bytes):
        return cell.hex()
    if isinstance(cell, float) and not math.isfinite(cell):
        return None
    return cell if isinstance(cell, str | int | float | None) else str(cell)
