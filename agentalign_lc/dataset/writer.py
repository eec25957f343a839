"""The writer of a run: one thread that has the database, so that the event loop never waits for it."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, Self, TypeVar

from agentalign_lc.dataset.result_rows import ResultRow
from agentalign_lc.dataset.store import RunStore
from agentalign_lc.endpoints.journal import Call

__all__ = ["RunWriter"]

ValueT = TypeVar("ValueT")

_Job = tuple[Callable[[], Any], asyncio.AbstractEventLoop, "asyncio.Future[Any]"]

_MOST = 256
"""Operations in one transaction at most."""


class RunWriter:
    """Carries out what is asked, in its order; what piles up meanwhile shares one transaction.

    What was asked is done, even if who asked was cancelled. While a writer
    is open, nothing else may use its store.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from agentalign_lc.dataset.result_rows import result_rows
        >>> from agentalign_lc.records import Intent, Result
        >>> async def write(store: RunStore) -> None:
        ...     with RunWriter(store) as writer:
        ...         await writer.save(0, result_rows([Result.failed(0, Intent.BENIGN, "stage", "no")]))
        >>> with TemporaryDirectory() as folder, RunStore.create(Path(folder, "run"), {}) as store:
        ...     asyncio.run(write(store))
        ...     store.counts().total()
        1
    """

    def __init__(self, store: RunStore) -> None:
        self._store = store
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="run-writer", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._jobs.put(None)
        self._thread.join()

    async def save(self, unit: int, outcome: Sequence[ResultRow]) -> None:
        """Write the results of a scenario, and let go of its answers."""
        await self.ask(lambda: self._store.save_rows(unit, outcome))

    async def answers(self, unit: int) -> dict[tuple[str, int], str]:
        """The answers that were kept for a scenario before."""
        return await self.ask(lambda: self._store.answers(unit))

    async def keep(self, call: Call) -> None:
        """Keep an answered call; when this returns, a killed process no longer loses it."""
        await self.ask(lambda: self._store.keep(call))

    async def forget(self, unit: int, calls: Sequence[tuple[str, int]]) -> None:
        """Let go of answers that were of no use."""
        await self.ask(lambda: self._store.forget(unit, calls))

    async def unfinished(self, numbers: range) -> list[int]:
        """Scenarios among these that need work."""
        return await self.ask(lambda: self._store.unfinished(numbers))

    async def ask(self, question: Callable[[], ValueT]) -> ValueT:
        """Have something done with the store, in the writer's thread and inside a transaction.

        Raises:
            StoreError: the store cannot be read or written.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[ValueT] = loop.create_future()
        self._jobs.put((question, loop, future))
        return await future

    def _write(self) -> None:
        while (jobs := self._waiting()) is not None:
            try:
                with self._store.transaction():
                    answers = [question() for question, _, _ in jobs]
            except Exception as error:  # noqa: BLE001 - who asked gets it
                # Nothing of it was written. A run goes no further from here.
                _tell(jobs, [error] * len(jobs), failed=True)
            else:
                _tell(jobs, answers, failed=False)

    def _waiting(self) -> list[_Job] | None:
        """All that was asked by now; waits for something. None at the end."""
        first = self._jobs.get()
        if first is None:
            return None
        jobs = [first]
        while len(jobs) < _MOST:
            try:
                following = self._jobs.get_nowait()
            except Empty:
                break
            if following is None:
                self._jobs.put(None)  # the end comes after these
                break
            jobs.append(following)
        return jobs


def _tell(jobs: Sequence[_Job], answers: Sequence[Any], *, failed: bool) -> None:
    """Wake each event loop once, with all answers for it."""
    loops: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
    for (_, loop, future), answer in zip(jobs, answers, strict=True):
        loops.setdefault(loop, []).append((future, answer))
    for loop, pairs in loops.items():
        try:
            loop.call_soon_threadsafe(_settle, pairs, failed)
        except RuntimeError:  # the loop was closed; it was done, and nobody wants to know
            continue


def _settle(pairs: Sequence[tuple["asyncio.Future[Any]", Any]], failed: bool) -> None:
    for future, answer in pairs:
        if future.done():
            continue
        if failed:
            future.set_exception(answer)
        else:
            future.set_result(answer)
