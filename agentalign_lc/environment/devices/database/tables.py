"""Tables and their rows: as the world keeps them, as statements, and as text for a file."""

import csv
import io
import json
import re
from collections.abc import Iterable

from agentalign_lc.environment.devices.database.engine import Cell, Result
from agentalign_lc.environment.devices.database.statements import columns_of, quoted
from agentalign_lc.environment.world import Row

__all__ = [
    "brought_rows",
    "cell_of",
    "dump",
    "fitting_table",
    "named_rows",
    "numbered_row",
    "table_lines",
    "without_rowid",
]

_DRAWN = re.compile(r"row_[0-9a-f]{8}")


def brought_rows(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Of the rows that the world keeps, those that a scenario placed, by table."""
    tables: dict[str, list[Row]] = {}
    for row in rows:
        if "values" not in row:
            own = {key: cell for key, cell in row.items() if key != "table"}
            if _DRAWN.fullmatch(str(row["id"])):
                del own["id"]
            tables.setdefault(str(row.get("table") or "records"), []).append(own)
    return tables


def named_rows(result: Result) -> list[Row]:
    """The rows of a result as mappings."""
    return [dict(zip(result.columns, row, strict=True)) for row in result.rows]


def numbered_row(table: str, number: int, values: Row) -> Row:
    """A row of a table as the world keeps it."""
    return {"id": f"{table}/{number}", "table": table, "number": number, "values": values}


def without_rowid(row: Row) -> bool:
    """Whether SQLite has no number of its own for the rows of a table."""
    return bool(re.search(r"\bWITHOUT\s+ROWID\b", str(row["sql"]), re.IGNORECASE))


def fitting_table(name: str, sql: str, rows: list[Row]) -> str:
    """A statement that makes a table with a column for every field of the rows."""
    there = {column.casefold() for column in columns_of(sql)} if sql else set()
    more: dict[str, str] = {}
    for key in (key for row in rows for key in row):
        if key.casefold() not in there:
            there.add(key.casefold())
            more[key] = _kind([str(row[key]) for row in rows if row.get(key) is not None])
    added = [f"{quoted(column)} {kind}" for column, kind in more.items()]
    if sql:
        return ", ".join([sql.rstrip().rstrip(";").removesuffix(")").rstrip(), *added]) + ")"
    added = [column for column in added if not column.casefold().startswith('"id" ')]
    key = f"id {more.get('id', 'INTEGER')} PRIMARY KEY"
    return f"CREATE TABLE {quoted(name)} ({', '.join([key, *added])})"


def _kind(values: list[str]) -> str:
    if values and all(re.fullmatch(r"0|-?[1-9]\d{0,17}", value) for value in values):
        return "INTEGER"
    if values and all(re.fullmatch(r"-?\d+\.\d+|0|-?[1-9]\d{0,17}", value) for value in values):
        return "REAL"
    return "TEXT"


def cell_of(value: object) -> Cell:
    """What a table can hold of a value that a scenario gives."""
    return value if isinstance(value, str | int | float | None) else json.dumps(value)


def table_lines(result: Result, delimiter: str, *, header: bool) -> str:
    """A result as lines of text, their cells divided as in a csv."""
    lines = io.StringIO()
    writer = csv.writer(lines, delimiter=delimiter, lineterminator="\n")
    writer.writerows([result.columns] if header else [])
    writer.writerows(result.rows)
    return lines.getvalue()


def dump(name: str, sql: str, result: Result) -> str:
    """A table as the statements that make it again."""
    lines = [f"{sql};"]
    names = ", ".join(map(quoted, result.columns))
    for row in result.rows:
        cells = ", ".join(map(_literal, row))
        lines.append(f"INSERT INTO {quoted(name)} ({names}) VALUES ({cells});")  # noqa: S608 - text of a file
    return "\n".join(lines) + "\n"


def _literal(cell: Cell) -> str:
    if cell is None:
        return "NULL"
    return "'" + cell.replace("'", "''") + "'" if isinstance(cell, str) else str(cell)
