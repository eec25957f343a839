"""`record` and `install`: all that an app needs to be recorded."""

import asyncio
import atexit
import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextvars import ContextVar, Token
from pathlib import Path
from types import TracebackType
from typing import Self

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.tracers.context import register_configure_hook

from agentalign_lc.errors import ConfigError
from agentalign_lc.traces.recorder.handler import TraceHandler
from agentalign_lc.traces.recorder.seen import SeenTrace
from agentalign_lc.traces.recorder.spans import spans, trace_of
from agentalign_lc.traces.recorder.threads import SCOPE, follow, unfollow
from agentalign_lc.traces.recorder.writer import Counts, Full, Sink, Writer
from agentalign_lc.traces.redaction import REDACTIONS, Redactor, TextRedaction
from agentalign_lc.traces.store import TraceStore
from agentalign_lc.traces.trace import Span, Trace

__all__ = ["Recorder", "install", "record"]

_EVERYWHERE = TraceHandler()
"""Hears all of the process while a recorder is installed; a hook cannot be taken back."""

_lock = threading.Lock()
_installed: "Recorder | None" = None
_is_hooked = False

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_EVERYWHERE.forget)

# What is set here is heard in this context and in those that are copied from it.
register_configure_hook(SCOPE, inheritable=True)


class Recorder:
    """Records apps into a store; made by ``record`` and ``install``.

    A trace is written soon after its root has ended, by a thread of its own; what
    has not ended when the recorder closes is written as it is, with status ``open``.
    """

    def __init__(
        self,
        store: Sink | str | Path,
        *,
        redact: Iterable[TextRedaction] = REDACTIONS,
        full: Full = "block",
        size: int = 1_000,
        threads: bool = True,
    ) -> None:
        self._owned = TraceStore.open(store) if isinstance(store, str | Path) else None
        self._redactor = Redactor(redact)
        self._writer = Writer(self._owned or _sink(store), self._build, size=size, full=full)
        self._handler = TraceHandler()
        self._threads = threads
        self._token: Token[BaseCallbackHandler | None] | None = None
        self._open = False

    @property
    def counts(self) -> Counts:
        """What became of the traces so far."""
        return self._writer.counts

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until every trace that has ended is written; False if that takes more than ``timeout`` seconds."""
        return self._writer.flush(timeout)

    def close(self) -> None:
        """Stop listening, write what there is, and close the store if it was given as a path."""
        global _installed  # noqa: PLW0603 - one of a process
        with _lock:
            if not self._open:
                return
            self._open = False
            if _installed is self:
                _installed = None
        if self._threads:
            unfollow()
        self._handler.close()
        self._writer.close()
        if self._owned is not None:
            self._owned.close()
        atexit.unregister(self.close)

    def __enter__(self) -> Self:
        if not self._open:
            self.listen(self._handler)
            self._token = SCOPE.set(self._handler)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._leave()
        self.close()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._leave()
        await asyncio.to_thread(self.close)

    def _leave(self) -> None:
        token, self._token = self._token, None
        if token is None:
            return
        try:
            SCOPE.reset(token)
        except ValueError:  # left in another context than it was entered in
            SCOPE.set(None)

    def listen(self, handler: TraceHandler) -> None:
        """Take over what a handler hears; ``record`` and ``install`` do so."""
        self._handler = handler
        handler.listen(self._writer.put)
        if self._threads:
            follow()
        self._open = True
        # Before the interpreter ends its daemon threads.
        atexit.register(self.close)

    def _build(self, seen: SeenTrace) -> Trace:
        return self._redactor(trace_of(seen, _unhurried(spans(seen))))


def record(
    store: Sink | str | Path,
    *,
    redact: Iterable[TextRedaction] = REDACTIONS,
    full: Full = "block",
    size: int = 1_000,
    threads: bool = True,
) -> Recorder:
    """Record what runs inside of ``with record(store):``, or ``async with``.

    It is a matter of the context, as the app's own callbacks are: what other tasks
    and threads do meanwhile is not recorded, and of two that are nested the inner
    one records. Nothing in the app has to change.

    Args:
        store: A ``TraceStore``, a file or URL of one, or anything with its ``append``.
        redact: Applied to every text before it is written.
        full: What happens when more than ``size`` traces wait to be written: ``block`` (the app
            waits, nothing is lost), ``drop_newest`` or ``drop_oldest`` (counted in ``counts``).
        size: How many traces may wait.
        threads: Also record what runs in threads that the app starts itself, as part of the
            run that started them. For this ``Thread.start`` and ``ThreadPoolExecutor.submit``
            are wrapped while a recorder is open; nothing else of the context is handed on.

    Raises:
        StoreError: the store cannot be opened.
        ConfigError: an option cannot be used.

    Example:
        >>> from langchain_core.runnables import RunnableLambda
        >>> class Kept(list):
        ...     def append(self, traces): self.extend(traces); return len(traces)
        >>> kept = Kept()
        >>> with record(kept):
        ...     RunnableLambda(len, name="count").invoke("four")
        4
        >>> [(trace.name, trace.spans[0].attributes) for trace in kept]
        [('count', {'input': 'four', 'output': 4})]
    """
    return Recorder(store, redact=redact, full=full, size=size, threads=threads)


def install(
    store: Sink | str | Path,
    *,
    redact: Iterable[TextRedaction] = REDACTIONS,
    full: Full = "block",
    size: int = 1_000,
    threads: bool = True,
) -> Recorder:
    """Record all that the process does from now on, until the recorder is closed or the process ends.

    The arguments are those of ``record``.

    Raises:
        ConfigError: one is installed already, or an option cannot be used.
        StoreError: the store cannot be opened.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from langchain_core.runnables import RunnableLambda
        >>> with TemporaryDirectory() as folder:
        ...     recorder = install(f"{folder}/traces.sqlite")
        ...     RunnableLambda(len).invoke("four")
        ...     recorder.close()
        ...     recorder.counts.written
        4
        1
    """
    global _installed, _is_hooked  # noqa: PLW0603 - one of a process
    recorder = Recorder(store, redact=redact, full=full, size=size, threads=threads)
    with _lock:
        if _installed is not None:
            raise ConfigError("a recorder is installed already: close it first")
        _installed = recorder
        if not _is_hooked:
            # The default is what threads see that were started with an empty context.
            register_configure_hook(ContextVar("agentalign_everywhere", default=_EVERYWHERE), inheritable=True)  # fmt: skip
            _is_hooked = True
    recorder.listen(_EVERYWHERE)
    return recorder


def _sink(store: object) -> Sink:
    if not callable(getattr(store, "append", None)):
        raise ConfigError(f"a {type(store).__name__} keeps no traces: give a TraceStore, or a file")
    return store  # type: ignore[return-value]


def _unhurried(made: Iterator[Span]) -> Iterator[Span]:
    """Let the app's threads go first after each span: they share one interpreter."""
    for span in made:
        yield span
        time.sleep(0)
