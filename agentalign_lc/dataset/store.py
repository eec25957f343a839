"""A run's folder: one SQLite file that is journal and data set at once.

Each scenario is written in one transaction, so that a run that was killed has
whole scenarios or nothing of them. One process writes; any number may read.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError

from agentalign_lc.dataset.calls import (
    create_calls,
    drop_answers,
    forget_answers,
    keep_call,
    read_answers,
    read_spending,
)
from agentalign_lc.dataset.closing import find_repeats
from agentalign_lc.dataset.database import (
    RUN_FILE,
    FolderStore,
    acquire,
    checked,
    connect,
    demand,
    prepare,
    reported,
    unreadable,
)
from agentalign_lc.dataset.result_rows import ResultRow, read_example, result_rows
from agentalign_lc.endpoints.journal import Call
from agentalign_lc.endpoints.spending import Spending
from agentalign_lc.errors import StoreError
from agentalign_lc.records import Intent, Result, Status
from agentalign_lc.seeds import canonical_json

__all__ = ["RunStore"]

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE results (
    scenario INTEGER NOT NULL,
    intent TEXT NOT NULL,
    status TEXT NOT NULL,
    gate TEXT NOT NULL,
    reason TEXT NOT NULL,
    id TEXT,
    example TEXT,
    PRIMARY KEY (scenario, intent)
) WITHOUT ROWID;
"""
_FINISHED = "SELECT scenario FROM results GROUP BY scenario HAVING sum(status = 'failed') = 0"
_ENDLESS = 2**62
_ORDER = "CASE intent WHEN 'harmful' THEN 0 WHEN 'borderline' THEN 1 ELSE 2 END"


class RunStore(FolderStore):
    """The results of one run.

    Use ``create``, ``resume`` or ``read``; each is a context manager's job to
    close.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     with RunStore.create(Path(folder, "run"), {"seed": 7}) as store:
        ...         failed = [Result.failed(0, intent, "stage", "no chain") for intent in Intent]
        ...         store.save(failed)
        ...         store.counts()[Status.FAILED]
        3
    """

    @classmethod
    def create(cls, folder: Path, config: Mapping[str, Any]) -> Self:
        """Start a run in a folder that is not there yet, or empty.

        Raises:
            StoreError: the folder holds something, or cannot be written.
        """
        prepare(
            folder,
            RUN_FILE,
            taken="holds a run already: continue it with --resume, or choose another --out",
        )
        lock = acquire(folder)
        try:
            connection = connect(folder / RUN_FILE, writing=True)
            connection.executescript(_SCHEMA)
            create_calls(connection)
            store = cls(folder, connection, lock)
            store._set("config", dict(config))
        except sqlite3.Error as error:
            lock.release()
            raise StoreError(
                f"{folder} cannot be written ({error}): choose another --out"
            ) from error
        return store

    @classmethod
    def resume(cls, folder: Path) -> Self:
        """Open an existing run for writing.

        Raises:
            StoreError: there is none, it is damaged, or another process writes it.
        """
        demand(folder)
        lock = acquire(folder)
        try:
            store = cls(folder, checked(folder, writing=True), lock)
            with reported(folder):
                create_calls(store._connection)  # a run of an earlier version has none
        except StoreError:
            lock.release()
            raise
        return store

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Open an existing run for reading.

        Raises:
            StoreError: there is none, or it is damaged.
        """
        demand(folder)
        return cls(folder, checked(folder, writing=False))

    @staticmethod
    def exists(folder: Path) -> bool:
        """Whether a folder holds a run."""
        return (folder / RUN_FILE).is_file()

    @property
    def config(self) -> dict[str, Any]:
        """The configuration that the run was started with."""
        return dict(self._get("config") or {})

    @property
    def complete(self) -> bool:
        """Whether every planned scenario was done and the run was closed."""
        return bool(self._get("complete"))

    def save(self, results: Sequence[Result]) -> None:
        """Write the results of one scenario, all or none."""
        if results:
            with self.transaction():
                self.save_rows(results[0].index, result_rows(results))

    def save_rows(self, scenario: int, rows: Sequence[ResultRow]) -> None:
        """Write results that are rows already, and let go of the scenario's answers; in a transaction."""
        self._connection.execute("DELETE FROM meta WHERE key = 'complete'")
        self._connection.executemany(
            "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?, ?, ?)", rows
        )
        drop_answers(self._connection, scenario)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write all that happens inside, or nothing of it."""
        with reported(self.folder), self._connection:
            yield

    def keep(self, call: Call) -> None:
        """Keep the answer of a call until its scenario is saved, and what it cost; in a transaction."""
        keep_call(self._connection, call)

    def forget(self, scenario: int, calls: Sequence[tuple[str, int]]) -> None:
        """Let go of answers that were of no use; in a transaction."""
        forget_answers(self._connection, scenario, calls)

    def answers(self, scenario: int) -> dict[tuple[str, int], str]:
        """The answers that were kept for a scenario which is not done."""
        with reported(self.folder):
            return read_answers(self._connection, scenario)

    def spending(self) -> tuple[Spending, ...]:
        """What each endpoint was asked, and what it cost."""
        with reported(self.folder):
            return read_spending(self._connection)

    def finished(self) -> set[int]:
        """Scenarios that need no more work: done, with no failure among their results."""
        with reported(self.folder):
            return {row[0] for row in self._connection.execute(_FINISHED)}

    def count_finished(self) -> int:
        """Number of scenarios that need no more work."""
        with reported(self.folder):
            query = f"SELECT count(*) FROM ({_FINISHED})"  # noqa: S608
            return int(self._connection.execute(query).fetchone()[0])

    def unfinished(self, numbers: range) -> list[int]:
        """Scenarios among these that need work, in their order."""
        with reported(self.folder):
            done = {
                row[0]
                for row in self._connection.execute(
                    "SELECT scenario FROM results WHERE scenario >= ? AND scenario < ? "
                    "GROUP BY scenario HAVING sum(status = 'failed') = 0",
                    (numbers.start, numbers.stop),
                )
            }
        return [number for number in numbers if number not in done]

    def close_run(self, gates: Collection[str] = ("duplicates", "near_duplicates")) -> None:
        """Reject duplicates, in the run's order, and mark the run complete.

        It happens once all scenarios are done and in their order, so that what
        is kept does not depend on which scenario was done first.

        Args:
            gates: Which of the gates over a whole run ask, in this order.
        """
        with reported(self.folder), self._connection:
            kept = self._connection.execute(
                "SELECT scenario, intent, id, json_extract(example, '$.instruction.note.text'), "  # noqa: S608
                "json_extract(example, '$.instruction.text') FROM results "
                f"WHERE status = 'kept' ORDER BY scenario, {_ORDER}"
            )
            # Written afterwards: a table that is being read must not be changed.
            repeats = [
                (verdict.gate, verdict.reason, scenario, intent)
                for scenario, intent, verdict in find_repeats(kept, gates)
            ]
            self._connection.executemany(
                "UPDATE results SET status = 'rejected', gate = ?, reason = ? "
                "WHERE scenario = ? AND intent = ?",
                repeats,
            )
            self._put("complete", value=True)

    def counts(self) -> Counter[Status]:
        """Number of results by status."""
        with reported(self.folder):
            rows = self._connection.execute("SELECT status, count(*) FROM results GROUP BY status")
            return Counter({Status(status): count for status, count in rows})

    def table(self, *, finished_only: bool = False) -> list[tuple[Intent, Status, str, int]]:
        """Number of results by intent, status and gate, of all or of the finished scenarios."""
        finished = f"WHERE scenario IN ({_FINISHED})" if finished_only else ""
        with reported(self.folder):
            rows = self._connection.execute(
                f"SELECT intent, status, gate, count(*) FROM results {finished} "  # noqa: S608
                f"GROUP BY intent, status, gate ORDER BY {_ORDER}, status, gate"
            )
            return [
                (Intent(intent), Status(status), gate, count)
                for intent, status, gate, count in rows
            ]

    def losses(self) -> Iterator[tuple[int, Intent, Status, str, str]]:
        """Scenario, intent, status, gate and reason of every result that was not kept, in the run's order."""
        with reported(self.folder):
            for scenario, intent, status, gate, reason in self._connection.execute(
                "SELECT scenario, intent, status, gate, reason FROM results "  # noqa: S608
                f"WHERE status != 'kept' ORDER BY scenario, {_ORDER}"
            ):
                yield scenario, Intent(intent), Status(status), gate, reason

    def results(
        self,
        *,
        status: Status | None = None,
        intent: Intent | None = None,
        example_id: str | None = None,
        scenario: int | None = None,
    ) -> Iterator[Result]:
        """All results in the run's order, one at a time; or those of a status, an intent, a scenario.

        Raises:
            StoreError: a row cannot be read.
        """
        query = (
            "SELECT scenario, intent, status, gate, reason, example FROM results "  # noqa: S608
            "WHERE (?1 IS NULL OR status = ?1) AND (?2 IS NULL OR intent = ?2) AND (?3 IS NULL OR id = ?3) "
            # Two bounds and not an equation, so that one scenario is found by the key and not by a scan.
            f"AND scenario BETWEEN ?4 AND ?5 ORDER BY scenario, {_ORDER}"
        )
        bounds = (0, _ENDLESS) if scenario is None else (scenario, scenario)
        values = (status and status.value, intent and intent.value, example_id, *bounds)
        with reported(self.folder):
            for index, name, state, gate, reason, example in self._connection.execute(
                query, values
            ):
                try:
                    yield Result(
                        index=index,
                        intent=Intent(name),
                        status=Status(state),
                        gate=gate,
                        reason=reason,
                        example=read_example(example) if example else None,
                    )
                except (ValidationError, ValueError) as error:
                    raise unreadable(self.folder, name, index) from error

    def kept(self) -> Iterator[dict[str, Any]]:
        """Every kept example in the run's order as plain JSON, which is many times faster than records.

        Raises:
            StoreError: a row cannot be read.
        """
        query = f"SELECT scenario, intent, example FROM results WHERE status = 'kept' ORDER BY scenario, {_ORDER}"  # noqa: S608
        with reported(self.folder):
            for index, name, text in self._connection.execute(query):
                try:
                    yield json.loads(text)
                except (TypeError, ValueError) as error:
                    raise unreadable(self.folder, name, index) from error

    def parts(self, places: Iterable[str]) -> Iterator[tuple[int, Intent, list[Any]]]:
        """Chosen parts of every kept example, in the run's order, without reading the rest.

        Args:
            places: Where they are in the example, as ``instruction.text``.

        Returns:
            Scenario, intent, and the parts; None for one that is not there.
        """
        wanted = [f"$.{place}" for place in places]
        columns = ", ".join("json_extract(example, ?)" for _ in wanted)
        kinds = ", ".join("json_type(example, ?)" for _ in wanted)
        query = (
            f"SELECT scenario, intent, {columns}, {kinds} FROM results "  # noqa: S608 - question marks
            f"WHERE status = 'kept' ORDER BY scenario, {_ORDER}"
        )
        with reported(self.folder):
            for index, intent, *found in self._connection.execute(query, [*wanted, *wanted]):
                values, types = found[: len(wanted)], found[len(wanted) :]
                yield (
                    index,
                    Intent(intent),
                    [
                        json.loads(value) if kind in ("array", "object") else value
                        for value, kind in zip(values, types, strict=True)
                    ],
                )

    def _get(self, key: str) -> Any:  # noqa: ANN401 - any JSON value
        with reported(self.folder):
            row = self._connection.execute(
                "SELECT value FROM meta WHERE key = ?", (key,)
            ).fetchone()
        return json.loads(row[0]) if row else None

    def _set(self, key: str, value: object) -> None:
        with self._connection:
            self._put(key, value=value)

    def _put(self, key: str, *, value: object) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, canonical_json(value))
        )
