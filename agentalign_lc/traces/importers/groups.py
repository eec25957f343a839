"""Pieces of traces, kept until the file has been read: one trace's need not stand together."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any, Self

from agentalign_lc.traces.importers.form import Piece

__all__ = ["Groups"]


class Groups:
    """Pieces by trace, on disk once there are many; a context that ends with its file removed.

    Example:
        >>> with Groups() as groups:
        ...     groups.add(Piece({"n": 1}, id="1", trace="t"), "otel", "3")
        ...     groups.add(Piece({"n": 2}, id="2", parent="1"), "otel", "4")
        ...     [(trace, place, [piece["n"] for piece in pieces])
        ...      for _, trace, place, pieces in groups.traces()]
        [('t', '3', [1, 2])]
    """

    def __init__(self) -> None:
        # A database without a name is SQLite's own temporary one: in memory while it is small.
        self._rows = sqlite3.connect("")
        self._rows.execute(
            "CREATE TABLE pieces (number INTEGER PRIMARY KEY, form TEXT, trace TEXT, place TEXT, value TEXT)"
        )
        self._rows.execute("CREATE INDEX by_trace ON pieces (form, trace)")
        self._homes: dict[tuple[str, str], str] = {}
        self._lost: list[tuple[int, str, str, str | None]] = []

    def add(self, piece: Piece, form: str, place: str) -> None:
        """Keep a piece; ``place`` says where it stands, for the reader of a report."""
        value = json.dumps(piece.value, ensure_ascii=False)
        row = self._rows.execute(
            "INSERT INTO pieces (form, trace, place, value) VALUES (?, ?, ?, ?)",
            (form, piece.trace or "", place, value),
        )
        if piece.trace:
            self._homes.setdefault((form, piece.id), piece.trace)
        else:
            self._lost.append((row.lastrowid or 0, form, piece.id, piece.parent))

    def traces(self) -> Iterator[tuple[str, str, str, list[Mapping[str, Any]]]]:
        """The traces in the order they began: form, id, where the first piece stands, pieces."""
        self._find_homes()
        firsts = self._rows.execute(
            "SELECT form, trace, MIN(number) AS first FROM pieces GROUP BY form, trace ORDER BY first"
        ).fetchall()
        for form, trace, _ in firsts:
            rows = self._rows.execute(
                "SELECT place, value FROM pieces WHERE form = ? AND trace = ? ORDER BY number",
                (form, trace),
            ).fetchall()
            yield form, trace, rows[0][0], [json.loads(value) for _, value in rows]

    def _find_homes(self) -> None:
        """Pieces that name no trace belong to their parent's, or to one that their root names."""
        parents = {(form, id): parent for _, form, id, parent in self._lost}
        for number, form, id, _ in self._lost:
            at, passed = id, {id}
            while (form, at) not in self._homes:
                parent = parents.get((form, at))
                if parent is None or parent in passed:
                    break
                at = parent
                passed.add(at)
            home = self._homes.get((form, at)) or min(passed if parents.get((form, at)) else {at})
            self._rows.execute("UPDATE pieces SET trace = ? WHERE number = ?", (home, number))

    def close(self) -> None:
        """Forget everything."""
        self._rows.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
