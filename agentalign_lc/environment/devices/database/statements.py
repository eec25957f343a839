"""Statements of SQL as text: where one ends, and what can be told before it runs."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import lru_cache

__all__ = ["columns_of", "control", "quoted", "statements"]

_STATEMENTS = 200
_COMMENT = re.compile(r"\s*(?:--[^\n]*(?:\n|$)|/\*.*?\*/)", re.DOTALL)


def statements(sql: str) -> Iterator[str]:
    r"""Split a script where SQLite sees the end of a statement.

    Example:
        >>> list(statements("SELECT ';' ; -- done;\nSELECT 2"))
        ["SELECT ';' ;", '-- done;\nSELECT 2']
    """
    pieces = re.split(r"(?<=;)", sql)
    if len(pieces) > _STATEMENTS:
        raise ValueError(f"too big: more than {_STATEMENTS} statements")
    pending = ""
    for piece in pieces:
        pending += piece
        if sqlite3.complete_statement(pending):
            if pending.strip(" \t\r\n;"):
                yield pending.strip()
            pending = ""
    if pending.strip():
        yield pending.strip()


@lru_cache(maxsize=64)
def columns_of(sql: str) -> tuple[str, ...]:
    """Names of the columns that a statement gives the table it makes."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(sql)
        (name,) = connection.execute("SELECT name FROM sqlite_master").fetchone()
        about = connection.execute("SELECT name FROM pragma_table_info(?)", [name])
        return tuple(str(column) for (column,) in about)


def quoted(name: str) -> str:
    """Write a name so that SQL takes it for one."""
    return '"' + name.replace('"', '""') + '"'


def control(statement: str) -> str | None:
    """What a statement does to the transaction as a whole."""
    text = statement
    while (comment := _COMMENT.match(text)) is not None:
        text = text[comment.end() :]
    if re.match(r"\s*(?:BEGIN|COMMIT|END)\b", text, re.IGNORECASE):
        return "begin or end"
    if re.match(r"\s*ROLLBACK\b", text, re.IGNORECASE) and not re.search(r"(?i)\bTO\b", text):
        return "rollback"
    return None
