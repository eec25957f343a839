"""The database as the world sees it: what was written are rows of the world."""

import json
import posixpath
import re
from collections.abc import Sequence
from typing import ClassVar

from agentalign_lc.environment.devices.database.engine import Engine, Result, plain
from agentalign_lc.environment.devices.database.start import SCHEMA, Company
from agentalign_lc.environment.devices.database.statements import columns_of, quoted
from agentalign_lc.environment.devices.database.tables import (
    brought_rows,
    cell_of,
    dump,
    fitting_table,
    named_rows,
    numbered_row,
    table_lines,
    without_rowid,
)
from agentalign_lc.environment.devices.files import FileSystem
from agentalign_lc.environment.faults import ToolFault
from agentalign_lc.environment.spec import CollectionSpec
from agentalign_lc.environment.world import Row, World

__all__ = ["Database"]

_ORDER = ("table", "index", "view", "trigger")


class Database:
    """Tables of a small company, and whatever a scenario or an agent adds.

    SQLite evaluates; the world remembers. The engine is opened at the first
    statement, and a table is filled when a statement first names it. Reading
    leaves the world as it was. A table that is written to is from then on kept
    in the world, a row for each of its rows, so that every change is seen and
    an engine can be opened again from the world alone.

    Scenarios place rows as ``{table: patients, name: ..., city: ...}``; a table
    that is not there is made to fit them.

    Example:
        >>> from agentalign_lc.environment.devices import COLLECTIONS, attach
        >>> from agentalign_lc.records import Person
        >>> me = Person(first="Ana", last="Ruiz", email="ana@example.com",
        ...             phone="+1-555-0101", handle="anaruiz", city="Vasterby")
        >>> database = attach(World("seed", me, COLLECTIONS)).devices["database"]
        >>> database.write("UPDATE customers SET city = 'Norrvik' WHERE id < 3")["rows_affected"]
        2
        >>> database.query("SELECT id FROM customers WHERE city = 'Norrvik' AND id < 3")["rows"]
        [{'id': 1}, {'id': 2}]
    """

    operations = frozenset({"describe", "export", "query", "tables", "write"})
    collections: ClassVar[dict[str, CollectionSpec]] = {
        "sql_tables": CollectionSpec(key="name"),
        "sql_rows": CollectionSpec(id="row_########"),
    }

    def __init__(self, world: World, files: FileSystem) -> None:
        self.world = world
        self.files = files
        self._company = Company.of(world.seed, world.today.date())
        self._opened: Engine | None = None
        self._schema: dict[str, Row] = {}
        self._empty: set[str] = set()
        self._kept: dict[str, set[int]] = {}

    def tables(self, database: str | None = None, *, views: bool = True) -> Row:
        """Name the tables and views."""
        self._engine()
        tables = [
            {"name": name, "type": str(row["kind"])}
            for name, row in sorted(self._schema.items())
            if row["kind"] == "table" or (views and row["kind"] == "view")
        ]
        return {"database": database or "main", "tables": tables, "total": len(tables)}

    def describe(self, table: str, samples: int = 0, said: str = "table") -> Row:
        """Return a table's columns, the statement that made it, and some of its rows.

        Args:
            table: Its name, in any case.
            samples: How many rows to show.
            said: The parameter in which the agent named it.

        Raises:
            ToolFault: ``not_found``.
        """
        self._engine()
        name, sql = self._named(table, said)
        shown = self._rows(name, samples) if samples else Result([], [], 0, cut=False)
        return {
            "table": name,
            "columns": self._columns(name),
            "sql": sql,
            "rows": named_rows(shown),
        }

    def query(
        self,
        sql: str,
        values: Sequence[str] = (),
        limit: int = 100,
        said: str = "sql",
    ) -> Row:
        """Run a statement that reads: columns, rows, and whether rows were left out.

        Args:
            sql: The statement, in SQLite's dialect.
            values: For the statement's question marks.
            limit: How many rows to return at most.
            said: The parameter in which the agent gave the statement.

        Raises:
            ToolFault: as a database complains; ``read_only``, if the statement would write.
        """
        result = self._run(sql, values, limit, said, writing=False)
        rows = named_rows(result)
        return {
            "columns": result.columns,
            "rows": rows,
            "row_count": len(rows),
            "truncated": result.cut,
        }

    def write(self, sql: str, values: Sequence[str] = (), said: str = "sql") -> Row:
        """Run statements that write, all of them or none: rows affected, and rows returned.

        Raises:
            ToolFault: as a database complains; nothing was changed then.
        """
        result = self._run(sql, values, 100, said, writing=True)
        rows = named_rows(result)
        return {"rows_affected": result.changed, "rows": rows, "columns": result.columns}

    def export(
        self,
        table: str,
        path: str,
        format: str | None = None,
        delimiter: str = ",",
        said: str = "table",
        *,
        header: bool = True,
    ) -> Row:
        """Write a table or view to a file.

        Args:
            table: Its name, in any case.
            path: The file; one that is there is overwritten.
            format: ``csv``, ``json`` or ``sql``; by default what the path ends in, or csv.
            delimiter: Between the columns of a csv.
            said: The parameter in which the agent named the table.
            header: Whether the first line of a csv names the columns.

        Raises:
            ToolFault: ``not_found``, or what the file system says.
        """
        self._engine()
        name, sql = self._named(table, said)
        result = self._rows(name, 10_000)
        ending = posixpath.splitext(path)[1].removeprefix(".").lower()
        kind = format or (ending if ending in ("json", "sql") else "csv")
        if kind == "json":
            text = json.dumps(named_rows(result), indent=1, ensure_ascii=False) + "\n"
        elif kind == "sql":
            text = dump(name, sql, result)
        else:
            text = table_lines(result, delimiter, header=header)
        written = self.files.write(path, text)
        return {
            "table": name,
            "path": written["path"],
            "format": kind,
            "rows": len(result.rows),
            "size": written["size"],
        }

    # --- statements

    def _run(
        self, sql: str, values: Sequence[str], limit: int, said: str, *, writing: bool
    ) -> Result:
        engine = self._engine()
        self._fill(sql)
        if writing:
            self._remember(sql)
        # The same question is answered alike until something changes, ``random()`` too.
        engine.at(self.world.now, f"{self.world.seed} {len(self.world.changes)} {sql}")
        try:
            result = engine.run(sql, values, limit, writing=writing)
        except ToolFault as fault:
            raise ToolFault(fault.code, fault.message, said) from fault
        self._keep(engine.changed())
        return result

    def _named(self, table: str, said: str) -> tuple[str, str]:
        plain = table.strip().strip("\"'`[]")
        plain = re.sub(r"^(?:main|public)\.", "", plain, flags=re.IGNORECASE)
        names = {name.casefold(): name for name in self._schema}
        name = names.get(plain.casefold())
        if name is None or self._schema[name]["kind"] not in ("table", "view"):
            raise ToolFault("not_found", f"no such table: {table}", said)
        return name, str(self._schema[name]["sql"])

    def _rows(self, name: str, limit: int) -> Result:
        engine = self._engine()
        self._fill(f"{name} {self._schema[name]['sql']}")
        columns = [str(column["name"]) for column in self._columns(name)]
        rows = engine.fetch(f"SELECT * FROM {quoted(name)} LIMIT {limit}")  # noqa: S608 - the name is quoted
        return Result(columns, [[plain(cell) for cell in row] for row in rows], 0, cut=False)

    def _columns(self, name: str) -> list[Row]:
        return [
            {
                "name": column,
                "type": kind,
                "nullable": not needed and not key,
                "default": default,
                "primary_key": bool(key),
            }
            for _, column, kind, needed, default, key in self._engine().fetch(
                f"PRAGMA table_info({quoted(name)})"
            )
        ]

    # --- what it holds

    def _engine(self) -> Engine:
        if self._opened is None:
            kept = [row for row in self.world.rows("sql_tables") if "kind" in row]
            self._schema = {str(row["name"]): row for row in kept} or self._first_schema()
            tables = [row for row in self._schema.values() if row["kind"] == "table"]
            others = [row for row in self._schema.values() if row["kind"] != "table"]
            self._opened = Engine(tuple(str(row["sql"]) for row in tables))
            self._empty = {str(row["name"]) for row in tables}
            for row in sorted(others, key=lambda row: _ORDER.index(str(row["kind"]))):
                if row["kind"] == "trigger":  # it must not fire while tables are filled
                    self._fill(" ".join(self._empty))
                self._opened.fetch(str(row["sql"]))
        return self._opened

    def _first_schema(self) -> dict[str, Row]:
        """The company's tables, those that a scenario declares, and those its rows ask for."""
        schema = dict(SCHEMA)
        for row in self.world.rows("sql_tables"):
            schema[str(row["name"])] = str(row.get("sql") or "")
        for table, rows in brought_rows(self.world.rows("sql_rows")).items():
            name = next((name for name in schema if name.casefold() == table.casefold()), table)
            schema[name] = fitting_table(name, schema.get(name, ""), rows)
        return {
            name: {"name": name, "kind": "table", "sql": sql or fitting_table(name, "", [])}
            for name, sql in schema.items()
        }

    def _fill(self, sql: str) -> None:
        """Fill the tables that a statement names."""
        said = sql.casefold()
        for name in sorted(table for table in self._empty if table.casefold() in said):
            self._empty.discard(name)
            if self._schema[name].get("filled"):
                self._fill_again(name)
            else:
                self._fill_first(name)

    def _fill_first(self, name: str) -> None:
        engine = self._engine()
        if name in SCHEMA:
            engine.fill(name, columns_of(SCHEMA[name]), self._company.rows(name))
        brought = [
            row
            for table, rows in brought_rows(self.world.rows("sql_rows")).items()
            for row in rows
            if table.casefold() == name.casefold()
        ]
        if not brought:
            return
        about = self._columns(name)
        columns = {str(column["name"]).casefold(): str(column["name"]) for column in about}
        # A scenario's row need not have all that the table demands.
        needed = {
            str(c["name"]): ""
            for c in about
            if not c["nullable"] and not c["primary_key"] and c["default"] is None
        }
        for row in brought:
            values = {**needed, **{columns[key.casefold()]: row[key] for key in row}}
            engine.fill(name, list(values), [[cell_of(cell) for cell in values.values()]])

    def _fill_again(self, name: str) -> None:
        kept = [row for row in self.world.rows("sql_rows") if row.get("table") == name]
        self._kept[name] = {int(row["number"]) for row in kept}
        for row in kept:
            values = dict(row["values"])
            if not without_rowid(self._schema[name]):
                values = {"_rowid_": row["number"], **values}
            self._engine().fill(name, list(values), [list(values.values())])

    # --- what is written is kept in the world

    def _remember(self, sql: str) -> None:
        """Before a statement writes, put the tables that it may change into the world."""
        if any(row["kind"] == "trigger" for row in self._schema.values()):
            sql = " ".join(self._schema)
            self._fill(sql)
        world, said = self.world, sql.casefold()
        for name, row in self._schema.items():
            if world.get("sql_tables", name) is not row:
                self._schema[name] = world.place("sql_tables", row)
        for name, row in self._schema.items():
            if row["kind"] != "table" or row.get("filled") or name.casefold() not in said:
                continue
            row["filled"] = True
            for old in list(world.rows("sql_rows")):
                if str(old.get("table")).casefold() == name.casefold():
                    world._rows["sql_rows"].pop(old["id"])  # noqa: SLF001 - placed again under its number
            rows = self._numbered(name)
            self._kept[name] = set(rows)
            for number, values in rows.items():
                world.place("sql_rows", numbered_row(name, number, values))

    def _keep(self, changed: set[str]) -> None:
        """After a statement wrote, make the world say what the engine holds."""
        if any(name.startswith("sqlite_") for name in changed):
            changed = changed | self._keep_schema()
        for name in sorted(changed & set(self._kept)):
            self._keep_rows(name)

    def _keep_schema(self) -> set[str]:
        """Note what was made, dropped or altered; return the tables whose rows may differ."""
        world, now = self.world, self._now_there()
        altered = set()
        for name in [name for name in self._schema if name not in now]:
            world.delete("sql_tables", self._schema.pop(name))
            for number in sorted(self._kept.pop(name, ())):
                row = world.get("sql_rows", f"{name}/{number}")
                if row is not None:
                    world.delete("sql_rows", row)
        for name, (kind, sql) in now.items():
            row = self._schema.get(name)
            if row is None:
                fresh = {"name": name, "kind": kind, "sql": sql, "filled": True}
                self._schema[name] = world.insert("sql_tables", fresh)
                if kind == "table":
                    self._kept[name] = set()
            elif row["sql"] != sql:
                world.update("sql_tables", row, {"sql": sql})
            else:
                continue
            altered.add(name)
        return altered

    def _keep_rows(self, name: str) -> None:
        world, now, kept = self.world, self._numbered(name), self._kept[name]
        for number in sorted(kept - set(now)):
            gone = world.get("sql_rows", f"{name}/{number}")
            if gone is not None:
                world.delete("sql_rows", gone)
        for number, values in now.items():
            row = world.get("sql_rows", f"{name}/{number}")
            if row is None:
                world.insert("sql_rows", numbered_row(name, number, values))
            elif row["values"] != values:
                world.update("sql_rows", row, {"values": values})
        self._kept[name] = set(now)

    def _now_there(self) -> dict[str, tuple[str, str]]:
        found = self._engine().fetch(
            "SELECT name, type, sql FROM sqlite_master"
            " WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite!_%' ESCAPE '!'"
        )
        return {str(name): (str(kind), str(sql)) for name, kind, sql in found}

    def _numbered(self, name: str) -> dict[int, Row]:
        """A table's rows by SQLite's own number of them."""
        columns = [str(column["name"]) for column in self._columns(name)]
        names = ", ".join(map(quoted, columns))
        if without_rowid(self._schema[name]):
            found = self._engine().fetch(f"SELECT {names} FROM {quoted(name)}")  # noqa: S608 - quoted
            found = [(number, *row) for number, row in enumerate(found, 1)]
        else:
            found = self._engine().fetch(f"SELECT _rowid_, {names} FROM {quoted(name)}")  # noqa: S608 - quoted
        return {
            number: {column: plain(cell) for column, cell in zip(columns, row, strict=True)}
            for number, *row in found
        }
