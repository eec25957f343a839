"""The collector: takes pieces of runs, keeps whole traces."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from agentalign_lc.errors import StoreError
from agentalign_lc.traces.collector.gathering import Gathered, Gathering
from agentalign_lc.traces.collector.journal import Journal
from agentalign_lc.traces.collector.pieces import Piece, redacted
from agentalign_lc.traces.importers.langsmith_runs import read_trace
from agentalign_lc.traces.trace import Trace

__all__ = ["Collector", "FullError", "Keeps"]

_AGAIN = 2.0
"""Seconds until a store that failed is tried again."""


class Keeps(Protocol):
    """A store of traces, as far as the collector uses it."""

    def append(self, traces: Sequence[Trace], /) -> int:
        """Add traces, all or none; return how many were new, once they are on the disk."""
        ...


class FullError(RuntimeError):
    """Too much waits for a store that cannot be written."""


class Collector:
    """Gathers runs into traces and hands them to a store; safe to use from many threads.

    When ``take`` returns, the pieces are in the journal, redacted, and on the disk:
    kill -9 loses at most what was not acknowledged. A trace goes to the store when
    its root has ended (``Gathering`` says how long late children are waited for),
    or is given up; what comes after that makes a further trace, a part, which
    ``attributes["part_of"]`` ties to the first.

    Args:
        store: Where traces go.
        journal: Where pieces wait; what another collector left there is taken up.
        redact: Takes a trace and returns it without what must not be written. It gets
            everything twice: as ``attributes`` of a trace without spans before it goes
            to the journal, and as the spans of the trace.
        gathering: How long is waited for what, and how much is held.
        clock: Seconds, on a clock that does not go back.
    """

    def __init__(
        self,
        store: Keeps,
        journal: Journal,
        *,
        redact: Callable[[Trace], Trace] = lambda trace: trace,
        gathering: Gathering | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.kept = 0
        """Traces that are in the store and were new there."""
        self.error = ""
        """Why the store failed the last time; empty if it did not."""
        self.gathering = Gathering() if gathering is None else gathering
        self._store, self._journal = store, journal
        self._redact, self._clock = redact, clock
        self._keeping = threading.Lock()
        self._backlog: list[Gathered] = []
        self._again = 0.0
        now = clock()
        for number, size, piece in journal:
            self.gathering.add(piece, number, size, now)

    @property
    def waiting(self) -> int:
        """Traces that are in the journal only."""
        return len(self.gathering) + len(self._backlog)

    def take(self, pieces: Sequence[Piece]) -> None:
        """Take pieces; when this returns, they are on the disk.

        Raises:
            FullError: too much waits already.
            StoreError: the journal cannot be written.
        """
        held = self.gathering.size + sum(one.size for one in self._backlog)
        if held > 2 * self.gathering.most:
            raise FullError(f"too much waits for the store: {self.error or 'it is slow'}")
        safe = [redacted(piece, self._redact) for piece in pieces]
        now = self._clock()
        for piece, (number, size) in zip(safe, self._journal.add(safe), strict=True):
            self.gathering.add(piece, number, size, now)

    def keep(self, *, everything: bool = False) -> int:
        """Hand over the traces that have ended, or all; return how many were new to the store.

        A store that fails is tried again later; the traces wait, here and in the journal.
        """
        with self._keeping:
            now = self._clock()
            found = self._backlog + self.gathering.ready(now, everything=everything)
            self._backlog = found
            if not found or (now < self._again and not everything):
                return 0
            new = self._append(found)
            self._again = now + _AGAIN if self._backlog else 0.0
            self.kept += new
            return new

    def _append(self, found: list[Gathered]) -> int:
        """Append all at once, or one by one if one of them will not go."""
        new = self._tried(found)
        if new is not None:
            return new
        if len(found) == 1:
            return 0
        return sum(self._tried([one]) or 0 for one in found)

    def _tried(self, found: list[Gathered]) -> int | None:
        try:
            new = self._store.append([self._trace(one) for one in found])
            self._journal.forget([number for one in found for number in one.numbers])
        except StoreError as error:
            self.error = str(error)
            return None
        self.error = ""
        done = {id(one) for one in found}
        self._backlog = [one for one in self._backlog if id(one) not in done]
        return new

    def _trace(self, gathered: Gathered) -> Trace:
        runs = list(gathered.runs.values())
        if gathered.trace not in gathered.runs:
            # Old clients' patches name no trace.
            runs = [{**run, "trace_id": gathered.trace} for run in runs]
        return self._redact(read_trace(runs, source="collector"))
