"""The file of a batch: answers and calls, a line each, written when they come."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from langchain_core.messages import BaseMessage

from agentalign_lc.endpoints.journal import Call, Spend
from agentalign_lc.endpoints.spending import Spending, total
from agentalign_lc.errors import StoreError

__all__ = ["BatchFile", "BatchSink"]

_HEAD = b'{"row":"'
"""How each line begins."""


class BatchFile:
    """Knows each row by its digest, so that rows may be added or moved between two runs.

    A killed process loses nothing that it has written; half a last line is
    left out. The same row may come several times.

    Args:
        path: The file; None to keep nothing.
        about: What is asked of all rows.
        rows: The conversations.

    Raises:
        StoreError: the file cannot be read or written, or is another kind of file.
    """

    def __init__(
        self, path: Path | None, about: str, rows: Sequence[Sequence[BaseMessage]]
    ) -> None:
        self.outcomes: dict[int, str] = {}
        self.answers: dict[int, dict[tuple[str, int], str]] = defaultdict(dict)
        self.calls: list[Call] = []
        self._path = path
        self._names = _names(about, rows) if path else []
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        if self._path is None:
            return self
        units = {name: unit for unit, name in enumerate(self._names)}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            lines = _lines(self._path.read_bytes() if self._path.exists() else b"")
            for line in lines:
                self._read(json.loads(line), units)
            self._file = self._path.open("ab")
            self._file.truncate(sum(len(line) + 1 for line in lines))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreError(f"{self._path} is no journal of a batch: {error}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        if self._file is not None:
            self._file.close()

    def outcome(self, unit: int, outcome: str) -> None:
        """Keep the outcome of a row."""
        self._write(unit, "outcome", outcome)

    def call(self, call: Call) -> None:
        """Keep a call of a row."""
        self._write(call.unit, "call", call.model_dump_json())

    def forget(self, unit: int, calls: Sequence[tuple[str, int]]) -> None:
        """Let go of answers of a row."""
        self._write(unit, "forget", json.dumps(calls))

    def _write(self, unit: int, what: str, text: str) -> None:
        if self._file is not None:
            line = f'{_HEAD.decode()}{self._names[unit]}","{what}":{text}}}\n'
            self._file.write(line.encode())
            self._file.flush()

    def _read(self, line: dict[str, Any], units: dict[str, int]) -> None:
        unit = units.get(line["row"], -1)
        if "call" in line:
            call = Call.model_validate({**line["call"], "unit": unit})
            self.calls.append(call)
            if call.answer is not None:
                self.answers[unit][call.key, call.nth] = call.answer
        elif "forget" in line:
            for key, nth in line["forget"]:
                self.answers[unit].pop((key, nth), None)
        elif "error" not in line["outcome"] and unit >= 0:
            self.outcomes[unit] = json.dumps(line["outcome"])


def _lines(data: bytes) -> list[bytes]:
    """The whole lines; the last may have been cut by the end of its process."""
    *lines, half = data.split(b"\n")
    if half[: len(_HEAD)] != _HEAD[: len(half)]:
        raise ValueError("its last line is none of a journal")
    return lines


def _names(about: str, rows: Sequence[Sequence[BaseMessage]]) -> list[str]:
    seen: Counter[str] = Counter()
    names = []
    for row in rows:
        said = [about, *(part for m in row for part in (m.type, m.content))]
        digest = blake2b(json.dumps(said).encode(), digest_size=12).hexdigest()
        names.append(f"{digest}-{seen[digest]}")
        seen[digest] += 1
    return names


class BatchSink:
    """Takes outcomes and calls from the workers, in the driver."""

    def __init__(self, file: BatchFile, report: Callable[[int], None]) -> None:
        self.outcomes = file.outcomes
        self.spending: dict[str, Spending] = {}
        self._file = file
        self._report = report
        for call in file.calls:
            self._book(call)

    @property
    def spent(self) -> Spend:
        """What all calls used, those of earlier processes too."""
        return total(self.spending.values())

    async def save(self, unit: int, outcome: str) -> None:
        """Keep the outcome of a row."""
        self.outcomes[unit] = outcome
        self._file.outcome(unit, outcome)
        self._file.answers.pop(unit, None)
        self._report(len(self.outcomes))

    async def answers(self, unit: int) -> dict[tuple[str, int], str]:
        """The answers that were kept for a row before."""
        return self._file.answers.get(unit, {})

    async def keep(self, call: Call) -> None:
        """Keep a call."""
        self._book(call)
        self._file.call(call)

    async def forget(self, unit: int, calls: Sequence[tuple[str, int]]) -> None:
        """Let go of answers that were of no use."""
        self._file.forget(unit, calls)

    def _book(self, call: Call) -> None:
        known = self.spending.get(call.endpoint, Spending(endpoint=call.endpoint))
        self.spending[call.endpoint] = known.plus(call)
