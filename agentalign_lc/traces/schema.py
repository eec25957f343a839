"""The tables of a trace store, the same in SQLite and in Postgres.

A trace's ``body`` is the record as JSON; what is looked for stands in columns of
its own beside it. The names begin with ``agentalign_``, since in Postgres other
tables may live in the same database.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Double,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    inspect,
    select,
    text,
)
from sqlalchemy.schema import CreateIndex, CreateTable

from agentalign_lc.errors import StoreError

__all__ = ["LABELS", "TRACES", "create", "is_made"]

_VERSION = 1
_LOCK = 0x616C6331
"""Any number that others do not use: processes that make the tables wait for each other."""

_METADATA = MetaData()
# SQLite counts by itself only in a column of exactly this type.
_NUMBER = BigInteger().with_variant(Integer(), "sqlite")

_SCHEMA = Table("agentalign_schema", _METADATA, Column("version", Integer, primary_key=True))

TRACES = Table(
    "agentalign_traces",
    _METADATA,
    Column("seq", _NUMBER, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("source", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("thread", Text, nullable=False),
    Column("started", Double, nullable=False),
    Column("arrived", Double, nullable=False),
    Column("body", Text, nullable=False),
    sqlite_autoincrement=True,
)
"""One row a trace, in order of arrival. ``started`` and ``arrived``: seconds since 1970."""

LABELS = Table(
    "agentalign_labels",
    _METADATA,
    Column("seq", _NUMBER, primary_key=True, autoincrement=True),
    Column("trace", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("at", Integer),
    Column("score", Double),
    Column("given", Double, nullable=False),
    sqlite_autoincrement=True,
)
"""One row a label; a later one does not replace an earlier one."""

_INDEXES = (
    Index("agentalign_traces_source", TRACES.c.source, TRACES.c.seq),
    Index("agentalign_traces_started", TRACES.c.started),
    Index("agentalign_labels_trace", LABELS.c.trace, LABELS.c.seq),
)


def is_made(connection: Connection) -> bool:
    """Whether the tables are there.

    Raises:
        StoreError: they were made by another version, or the database is somebody else's.
    """
    tables = set(inspect(connection).get_table_names())
    if _SCHEMA.name in tables:
        version = connection.execute(select(_SCHEMA.c.version)).scalar()
        if version not in (_VERSION, None):
            raise StoreError(f"it was made by another version of agentalign-lc (schema {version}, here {_VERSION})")  # fmt: skip
        return version is not None
    if tables and connection.dialect.name == "sqlite":
        raise StoreError(f"it is a database of something else (it has the table {min(tables)})")
    return False


def create(connection: Connection) -> None:
    """Make the tables, unless another process has just made them."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    for table in _METADATA.sorted_tables:
        connection.execute(CreateTable(table, if_not_exists=True))
    for index in _INDEXES:
        connection.execute(CreateIndex(index, if_not_exists=True))
    if connection.execute(select(_SCHEMA.c.version)).first() is None:
        connection.execute(_SCHEMA.insert().values(version=_VERSION))
