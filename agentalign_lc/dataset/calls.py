"""The calls of a run, in its database: answers of the units in work, and what each endpoint cost.

An answer is here from the moment it arrives until the results of its unit are
saved. So the table holds what is in work and no more, however long the run.
"""

import json
import sqlite3
from collections.abc import Sequence

from agentalign_lc.endpoints.journal import Call
from agentalign_lc.endpoints.spending import Spending

__all__ = [
    "create_calls", "drop_answers", "forget_answers", "keep_call", "read_answers", "read_spending",
]  # fmt: skip

_SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (
    unit INTEGER NOT NULL,
    key TEXT NOT NULL,
    nth INTEGER NOT NULL,
    answer TEXT NOT NULL,
    PRIMARY KEY (unit, key, nth)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS spending (
    endpoint TEXT PRIMARY KEY,
    calls INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cost REAL NOT NULL,
    estimated INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS retries (
    endpoint TEXT NOT NULL,
    reason TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (endpoint, reason)
) WITHOUT ROWID;
"""


def create_calls(connection: sqlite3.Connection) -> None:
    """Make the tables, if they are not there."""
    connection.executescript(_SCHEMA)


def keep_call(connection: sqlite3.Connection, call: Call) -> None:
    """Keep an answer, and add up what the call cost.

    Example:
        >>> connection = sqlite3.connect(":memory:")
        >>> create_calls(connection)
        >>> keep_call(connection, Call(unit=3, key="k", endpoint="m", answer="{}", retries=("429",)))
        >>> read_answers(connection, 3)
        {('k', 0): '{}'}
        >>> drop_answers(connection, 3)
        >>> read_answers(connection, 3), dict(read_spending(connection)[0].retries)
        ({}, {'429': 1})
    """
    if call.answer is not None:
        connection.execute(
            "INSERT OR REPLACE INTO calls VALUES (?, ?, ?, ?)",
            (call.unit, call.key, call.nth, call.answer),
        )
    spend = call.spend
    connection.execute(
        "INSERT INTO spending VALUES (?, 1, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
        "calls = calls + 1, failed = failed + excluded.failed, "
        "input_tokens = input_tokens + excluded.input_tokens, "
        "output_tokens = output_tokens + excluded.output_tokens, cost = cost + excluded.cost, "
        "estimated = estimated + excluded.estimated",
        (
            call.endpoint,
            call.answer is None,
            spend.input_tokens,
            spend.output_tokens,
            spend.cost,
            call.estimated,
        ),
    )
    for reason in call.retries:
        connection.execute(
            "INSERT INTO retries VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET count = count + 1",
            (call.endpoint, reason),
        )


def read_answers(connection: sqlite3.Connection, unit: int) -> dict[tuple[str, int], str]:
    """The answers of a unit, by key and number."""
    rows = connection.execute("SELECT key, nth, answer FROM calls WHERE unit = ?", (unit,))
    return {(key, nth): answer for key, nth, answer in rows}


def drop_answers(connection: sqlite3.Connection, unit: int) -> None:
    """Let go of all answers of a unit."""
    connection.execute("DELETE FROM calls WHERE unit = ?", (unit,))


def forget_answers(
    connection: sqlite3.Connection, unit: int, calls: Sequence[tuple[str, int]]
) -> None:
    """Let go of some answers of a unit; what they cost stays."""
    connection.executemany(
        "DELETE FROM calls WHERE unit = ? AND key = ? AND nth = ?",
        [(unit, key, nth) for key, nth in calls],
    )


def read_spending(connection: sqlite3.Connection) -> tuple[Spending, ...]:
    """What each endpoint cost, in the order of their names; nothing for a run without calls."""
    there = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'spending'").fetchone()
    if there is None:
        return ()
    rows = connection.execute(
        "SELECT endpoint, calls, failed, input_tokens, output_tokens, cost, estimated, "
        "(SELECT json_group_object(reason, count) FROM retries WHERE endpoint = spending.endpoint) "
        "FROM spending ORDER BY endpoint"
    )
    return tuple(
        Spending(
            endpoint=endpoint,
            calls=calls,
            failed=failed,
            retries=dict(sorted(json.loads(retries).items())),
            input_tokens=into,
            output_tokens=out,
            cost=cost,
            estimated=estimated,
        )
        for endpoint, calls, failed, into, out, cost, estimated, retries in rows
    )
