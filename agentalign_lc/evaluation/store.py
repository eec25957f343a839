"""The folder of an evaluation: outcomes as they come in, and the table made of them.

```
DIR/eval.sqlite   journal: one row for each agent and case, written when it is done
DIR/table.json    the table over all that is in the journal (``Table.to_json``); no timings
DIR/inspect/      Inspect's own logs of ``agentalign eval agentharm`` and ``eval toolsword``
DIR/guard.json    figures of ``agentalign eval guard --json DIR/guard.json``, if it was run
```

Several commands may write to one folder, one after the other: more agents, other suites. The journal
has four tables:

- ``meta(key, value)``: ``version`` of the package;
- ``suites(name, config)``: what the cases of a suite are from, as JSON; another run with other cases
  under the same name is refused;
- ``agents(label, about)``: agents in the order in which they came, and what is known about each
  (prompts with their versions, guard, judge), as JSON;
- ``outcomes(agent, suite, case_id, outcome, trajectory)``: an ``Outcome`` as JSON, its trajectory
  apart (JSON, or null), so that a table is made without reading them.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError

from agentalign_lc.dataset.database import FolderStore, acquire, connect, prepare
from agentalign_lc.errors import StoreError
from agentalign_lc.evaluation.outcome import Outcome
from agentalign_lc.evaluation.table import Table, tabulate
from agentalign_lc.records import Trajectory
from agentalign_lc.seeds import canonical_json
from agentalign_lc.synthesis.config import VERSION

__all__ = ["EVAL_FILE", "TABLE_FILE", "EvalStore"]

EVAL_FILE = "eval.sqlite"
TABLE_FILE = "table.json"

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE suites (place INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, config TEXT NOT NULL);
CREATE TABLE agents (place INTEGER PRIMARY KEY, label TEXT UNIQUE NOT NULL, about TEXT NOT NULL);
CREATE TABLE outcomes (
    agent TEXT NOT NULL,
    suite TEXT NOT NULL,
    case_id TEXT NOT NULL,
    outcome TEXT NOT NULL,
    trajectory TEXT,
    PRIMARY KEY (agent, suite, case_id)
);
"""
_SELECT = """
SELECT o.outcome, {trajectory} FROM outcomes o
JOIN agents a ON a.label = o.agent JOIN suites s ON s.name = o.suite
WHERE (?1 IS NULL OR o.agent = ?1) AND (?2 IS NULL OR o.suite = ?2)
ORDER BY s.place, a.place, o.case_id
"""


class EvalStore(FolderStore):
    """The outcomes in a folder; one process writes, any number may read.

    Use ``open`` or ``read``; each is a context manager.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     with EvalStore.open(Path(folder, "eval")) as store:
        ...         store.begin("test_chains", {"seed": 7}, {"a": {}})
        ...         store.save(Outcome(agent="a", suite="test_chains", case="1", intent="benign"))
        ...         store.cases("a", "test_chains")
        {'1'}
    """

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open a folder for writing; a new or empty one becomes an evaluation's.

        Raises:
            StoreError: it holds something else, cannot be written, or another process writes it.
        """
        prepare(folder, EVAL_FILE, beside={"guard.json"})
        lock = acquire(folder)
        try:
            store = cls(folder, _connected(folder, writing=True), lock)
        except StoreError:
            lock.release()
            raise
        return store

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Open a folder for reading.

        Raises:
            StoreError: it holds no evaluation, or a damaged one.
        """
        if not (folder / EVAL_FILE).is_file():
            raise StoreError(
                f"{folder} holds no evaluation: make one with `agentalign eval agent AGENT --out {folder}`"
            )
        return cls(folder, _connected(folder, writing=False))

    def begin(
        self,
        suite: str,
        config: Mapping[str, Any],
        agents: Mapping[str, Mapping[str, Any]],
        *,
        resume: bool = False,
    ) -> None:
        """Say what is going to be run: cases of a suite, by these agents.

        Args:
            suite: Name of the suite.
            config: Where its cases are from; JSON.
            agents: What is known about each agent, by label; JSON.
            resume: Whether outcomes of these agents may be there already.

        Raises:
            StoreError: the folder has other cases under this name, or outcomes and no ``resume``.
        """
        stored = self.suites.get(suite)
        if stored is not None and canonical_json(stored) != canonical_json(dict(config)):
            was = ", ".join(f"{k} {stored.get(k)!r}" for k in stored if stored[k] != config.get(k))
            raise StoreError(
                f"{self.folder} has other cases of {suite} ({was or 'other options'}): "
                "use the same options, or choose another --out"
            )
        known = self.agents
        for label, about in agents.items():
            if known.get(label) and canonical_json(known[label]) != canonical_json(dict(about)):
                raise StoreError(
                    f"{self.folder} has outcomes of another {label!r}: choose another --out"
                )
            if not resume and self.cases(label, suite):
                raise StoreError(
                    f"{self.folder} has outcomes of {label!r} already: continue with --resume, "
                    "or choose another --out"
                )
        with _reported(self.folder), self._connection:
            self._connection.execute(
                "INSERT OR IGNORE INTO suites (name, config) VALUES (?, ?)",
                (suite, canonical_json(dict(config))),
            )
            self._connection.executemany(
                # Suites that bring their own prompts say nothing about an agent.
                "INSERT INTO agents (label, about) VALUES (?, ?) "
                "ON CONFLICT (label) DO UPDATE SET about = excluded.about WHERE about = '{}'",
                [(label, canonical_json(dict(about))) for label, about in agents.items()],
            )

    def save(self, outcome: Outcome) -> None:
        """Keep an outcome; one of the same agent and case is replaced."""
        run = outcome.trajectory
        row = (
            outcome.agent,
            outcome.suite,
            outcome.case,
            canonical_json(outcome.model_dump(mode="json", exclude={"trajectory"})),
            canonical_json(run.model_dump(mode="json")) if run is not None else None,
        )
        with _reported(self.folder), self._connection:
            self._connection.execute("INSERT OR REPLACE INTO outcomes VALUES (?, ?, ?, ?, ?)", row)

    @property
    def suites(self) -> dict[str, Any]:
        """Where the cases of each suite are from, in the order in which the suites came."""
        return self._named("SELECT name, config FROM suites ORDER BY place")

    @property
    def agents(self) -> dict[str, Any]:
        """What is known about each agent, in the order in which they came."""
        return self._named("SELECT label, about FROM agents ORDER BY place")

    def cases(self, agent: str, suite: str) -> set[str]:
        """Ids of the cases of which there is an outcome."""
        query = "SELECT case_id FROM outcomes WHERE agent = ? AND suite = ?"
        with _reported(self.folder):
            return {row[0] for row in self._connection.execute(query, (agent, suite))}

    def outcomes(
        self, *, agent: str | None = None, suite: str | None = None, trajectories: bool = True
    ) -> Iterator[Outcome]:
        """Outcomes by suite, agent and case; without their trajectories they take little room.

        Raises:
            StoreError: a row cannot be read.
        """
        query = _SELECT.format(trajectory="o.trajectory" if trajectories else "NULL")
        with _reported(self.folder):
            for text, run in self._connection.execute(query, (agent, suite)):
                try:
                    outcome = Outcome.model_validate_json(text)
                    trajectory = Trajectory.model_validate_json(run) if run else None
                except ValidationError as error:
                    raise StoreError(
                        f"{self.folder}: an outcome cannot be read; made by another version, or damaged"
                    ) from error
                yield outcome.model_copy(update={"trajectory": trajectory})

    def table(self) -> Table:
        """The table over all outcomes."""
        return tabulate(self.outcomes(trajectories=False))

    def write_table(self) -> Table:
        """Make the table, and leave it beside the journal as ``table.json``."""
        table = self.table()
        (self.folder / TABLE_FILE).write_text(table.to_json(), encoding="utf-8")
        return table

    def _named(self, query: str) -> dict[str, Any]:
        with _reported(self.folder):
            return {name: json.loads(value) for name, value in self._connection.execute(query)}


def _connected(folder: Path, *, writing: bool) -> sqlite3.Connection:
    with _reported(folder):
        connection = connect(folder / EVAL_FILE, writing=writing)
        tables = _tables(connection)
        if writing and not tables:
            # In one transaction: a process that is killed here leaves nothing half made.
            connection.executescript(f"BEGIN; {_SCHEMA} COMMIT;")
            with connection:
                connection.execute("INSERT INTO meta VALUES ('version', ?)", (VERSION,))
            tables = _tables(connection)
    if not {"meta", "suites", "agents", "outcomes"} <= tables:
        connection.close()
        raise StoreError(
            f"{folder / EVAL_FILE} is no evaluation of agentalign: choose another --out"
        )
    return connection


def _tables(connection: sqlite3.Connection) -> set[str]:
    query = "SELECT name FROM sqlite_master WHERE type = 'table'"
    return {row[0] for row in connection.execute(query)}


@contextmanager
def _reported(folder: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        line = " ".join(str(error).split())
        raise StoreError(
            f"{folder / EVAL_FILE} cannot be used ({line}): put a copy of it back, or choose another folder"
        ) from error
