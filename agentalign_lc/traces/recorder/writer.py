"""The writer: a bounded queue of what was seen, and a thread that makes traces of it and keeps them."""

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from agentalign_lc.errors import ConfigError
from agentalign_lc.traces.recorder.seen import SeenTrace
from agentalign_lc.traces.trace import Trace

__all__ = ["Counts", "Full", "Sink", "Writer"]

Full = Literal["block", "drop_newest", "drop_oldest"]
"""What happens to a trace that finds the queue full: the app waits for room; the trace is dropped;
or the one that has waited longest is."""

_BATCH = 100
"""Traces in one transaction."""
_TRIES = (0.0, 0.1, 1.0)
"""Seconds to wait before each try to write."""

_logger = logging.getLogger(__name__)


class Sink(Protocol):
    """Where traces go: a ``TraceStore``, or anything with its ``append``."""

    def append(self, traces: Sequence[Trace], /) -> int:
        """Keep traces, and return how many were new."""
        ...


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the traces: ``seen`` = ``written`` + ``dropped`` + ``failed`` + ``waiting``."""

    seen: int
    """Traces that have ended."""
    written: int
    """Traces that the store has, those among them that it had already."""
    dropped: int
    """Traces for which the queue had no room."""
    failed: int
    """Traces that the store did not take; the log says why."""
    waiting: int
    """Traces that are still to be written."""


class Writer:
    """Makes traces of what was seen, and writes them, in a thread of its own.

    The thread starts with the first trace, and anew in a process that was forked.
    A store that fails is tried three times; then what it refuses is counted and
    left, so that an app that waits for room never waits for ever.

    Args:
        sink: Takes the traces.
        build: Makes a trace.
        size: How many traces may wait.
        full: What happens when so many do.
    """

    def __init__(
        self, sink: Sink, build: Callable[[SeenTrace], Trace], *, size: int, full: Full
    ) -> None:
        if full not in get_args(Full) or size < 1:
            raise ConfigError(f"full is one of {', '.join(get_args(Full))}, and size at least 1: not {full!r}, {size}")  # fmt: skip
        self._sink = sink
        self._build = build
        self._size = size
        self._full = full
        self._reset()

    def _reset(self) -> None:
        self._process = os.getpid()
        self._changed = threading.Condition()
        self._queue: deque[SeenTrace] = deque()
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._seen = self._written = self._dropped = self._failed = self._busy = 0

    @property
    def counts(self) -> Counts:
        """What became of the traces so far."""
        with self._changed:
            waiting = len(self._queue) + self._busy
            return Counts(self._seen, self._written, self._dropped, self._failed, waiting)

    def put(self, seen: SeenTrace) -> None:
        """Hand over a trace that has ended."""
        if self._process != os.getpid():
            self._reset()  # what the parent process had waiting is the parent's to write
        with self._changed:
            self._seen += 1
            if len(self._queue) >= self._size and not self._made_room():
                self._dropped += 1
                return
            self._queue.append(seen)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="agentalign-traces", daemon=True)  # fmt: skip
                self._thread.start()
            self._changed.notify_all()

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until all that was handed over is written, dropped or given up; False if it takes too long."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._queue and not self._busy, timeout)

    def close(self) -> None:
        """Write what waits, and end the thread."""
        if self._process != os.getpid():
            return
        with self._changed:
            self._stopping = True
            thread, self._thread = self._thread, None
            self._changed.notify_all()
        if thread is not None:
            thread.join()
        self._stopping = False

    def _made_room(self) -> bool:
        """Whether there is room now; called with the lock held."""
        if self._full == "drop_newest":
            return False
        if self._full == "drop_oldest":
            self._queue.popleft()
            self._dropped += 1
            return True
        return self._changed.wait_for(lambda: len(self._queue) < self._size)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._stopping)
                if not self._queue:
                    return
                batch = [self._queue.popleft() for _ in range(min(_BATCH, len(self._queue)))]
                self._busy = len(batch)
                self._changed.notify_all()
            written = self._written_of(batch)
            with self._changed:
                self._written += written
                self._failed += len(batch) - written
                self._busy = 0
                self._changed.notify_all()

    def _written_of(self, batch: list[SeenTrace]) -> int:
        traces = []
        for seen in batch:
            try:
                traces.append(self._build(seen))
            except Exception:  # one trace must not cost the others
                _logger.exception("trace %s could not be made", seen.root.id)
        if self._appended(traces, _TRIES):
            return len(traces)
        return sum(self._appended([trace], (0.0,)) for trace in traces)

    def _appended(self, traces: list[Trace], waits: Sequence[float]) -> bool:
        for wait in waits:
            time.sleep(wait)
            try:
                self._sink.append(traces)
            except Exception as error:  # noqa: BLE001 - of any sink; the app must not notice
                reason = error
            else:
                return True
        _logger.warning("%d traces could not be written: %s", len(traces), reason)
        return False
