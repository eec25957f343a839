"""Gathering: pieces of runs become the runs of one trace, until the trace has ended."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agentalign_lc.traces.collector.pieces import Piece
from agentalign_lc.traces.importers.langsmith_runs import joined

__all__ = ["Gathered", "Gathering"]

_SIZE = 300
"""What a run takes besides."""


@dataclass
class Gathered:
    """What is there of a trace so far."""

    trace: str
    touched: float
    """When the last piece came, on the clock of the one who brings them."""
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    numbers: list[int] = field(default_factory=list)
    """Of its pieces in the journal."""
    size: int = 0
    patched: set[str] = field(default_factory=set)

    @property
    def ended(self) -> bool:
        """Whether its root has ended."""
        return self.trace in self.runs and bool(self.runs[self.trace].get("end_time"))

    @property
    def whole(self) -> bool:
        """Whether every run that began in it has ended."""
        return self.ended and all(run.get("end_time") for run in self.runs.values())

    def add(self, piece: Piece, number: int, size: int, now: float) -> None:
        """Add a piece; a patch outweighs a post, whichever came first."""
        known: Mapping[str, Any] = self.runs.get(piece.id, {})
        if not piece.patch and piece.id in self.patched:
            self.runs[piece.id] = joined(piece.run, known)
        else:
            self.runs[piece.id] = joined(known, piece.run)
        if piece.patch:
            self.patched.add(piece.id)
        self.numbers.append(number)
        self.size += size + _SIZE
        self.touched = now

    def take_over(self, other: "Gathered") -> None:
        """Add what came before anybody knew that it belongs here."""
        for id, run in other.runs.items():
            self.runs[id] = joined(self.runs.get(id, {}), run)
        self.patched |= other.patched
        self.numbers += other.numbers
        self.size += other.size


class Gathering:
    """The traces that have not ended, in memory; safe to use from many threads.

    Args:
        grace: Seconds to wait for late children after the last piece, once the root has ended.
        patience: The same while children are still running.
        idle: Seconds after which a trace whose root has not ended is given up as open.
        most: Characters of JSON to hold; beyond, the traces that were quiet the longest are given up.

    Example:
        >>> gathering = Gathering(grace=1)
        >>> gathering.add(Piece("1", "1", False, {"id": "1", "name": "app"}), 1, 20, now=0)
        >>> gathering.add(Piece("1", "1", True, {"id": "1", "end_time": "..."}), 2, 20, now=5)
        >>> [found.runs for found in gathering.ready(now=5)], len(gathering.ready(now=6))
        ([], 1)
    """

    def __init__(
        self,
        *,
        grace: float = 2.0,
        patience: float = 30.0,
        idle: float = 3600.0,
        most: int = 2**27,
    ) -> None:
        self.grace, self.patience, self.idle, self.most = grace, patience, idle, most
        self._lock = threading.Lock()
        self._traces: dict[str, Gathered] = {}
        self._of_run: dict[str, str] = {}
        self._size = 0

    def __len__(self) -> int:
        return len(self._traces)

    @property
    def size(self) -> int:
        """Characters of JSON that are held."""
        return self._size

    def add(self, piece: Piece, number: int, size: int, now: float) -> None:
        """Add a piece.

        Args:
            piece: What was posted or patched.
            number: Of the piece in the journal.
            size: Of the piece as JSON, in characters.
            now: Seconds, on any clock that does not go back.
        """
        with self._lock:
            trace = piece.trace or self._of_run.get(piece.id) or piece.id
            before = self._of_run.get(piece.id)
            gathered = self._traces.setdefault(trace, Gathered(trace, now))
            if before is not None and before != trace and before in self._traces:
                gathered.take_over(self._traces.pop(before))
                self._of_run.update(dict.fromkeys(gathered.runs, trace))
            held = gathered.size
            gathered.add(piece, number, size, now)
            self._of_run[piece.id] = trace
            self._size += gathered.size - held

    def ready(self, now: float, *, everything: bool = False) -> list[Gathered]:
        """Take out the traces that are to be kept now, ended or given up."""
        with self._lock:
            found = [one for one in self._traces.values() if everything or self._due(one, now)]
            left = self._size - sum(one.size for one in found)
            if left > self.most:
                taken = {one.trace for one in found}
                for one in sorted(self._traces.values(), key=lambda one: one.touched):
                    if left <= self.most:
                        break
                    if one.trace not in taken:
                        found.append(one)
                        left -= one.size
            for one in found:
                del self._traces[one.trace]
                for id in one.runs:
                    self._of_run.pop(id, None)
            self._size = left
        return found

    def _due(self, one: Gathered, now: float) -> bool:
        quiet = now - one.touched
        if one.ended:
            return quiet >= (self.grace if one.whole else self.patience)
        return quiet >= self.idle
