"""Asking one judge, sync or async, within a time limit; a judge that fails is an answer too."""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from langgraph.errors import GraphBubbleUp

from agentalign_lc.guard.opinion import Judge, Opinion
from agentalign_lc.guard.quiet import aquietly, quietly
from agentalign_lc.guard.view import Checkpoint, View

__all__ = ["Failed", "aask", "ask"]


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Failed:
    """A judge gave no opinion; why, in one line."""

    why: str


def ask(
    judge: Judge, view: View, checkpoint: Checkpoint, seconds: float | None
) -> Opinion | Failed:
    """Ask a judge and wait for it, ``seconds`` at most.

    With a limit it runs in a daemon thread of its own, since Python cannot stop a
    function: one that hangs keeps its thread and nothing else. A judge that waits for
    nothing says so with ``waits = False`` and is spared the thread. What its models say is
    kept out of the app's streams.

    Raises:
        GraphBubbleUp: what the judge let through, an interrupt for one.
    """
    try:
        if not getattr(judge, "waits", True):
            return _checked(judge.judge(view, checkpoint))
        return _checked(quietly(lambda: _within(seconds, lambda: _judge(judge, view, checkpoint))))
    except GraphBubbleUp:
        raise
    except TimeoutError as error:
        return _too_slow(seconds, error)
    except Exception as error:  # noqa: BLE001 - whatever a judge does, the policy says what follows
        return _failed(error)


async def aask(
    judge: Judge, view: View, checkpoint: Checkpoint, seconds: float | None
) -> Opinion | Failed:
    """Ask a judge without blocking; like :func:`ask`.

    Raises:
        GraphBubbleUp: what the judge let through, an interrupt for one.
    """
    try:
        if not getattr(judge, "waits", True):
            return _checked(await judge.ajudge(view, checkpoint))
        async with asyncio.timeout(seconds):
            return _checked(await aquietly(lambda: _ajudge(judge, view, checkpoint)))
    except GraphBubbleUp:
        raise
    except TimeoutError as error:
        return _too_slow(seconds, error)
    except Exception as error:  # noqa: BLE001 - whatever a judge does, the policy says what follows
        return _failed(error)


def _judge(judge: Judge, view: View, checkpoint: Checkpoint) -> Opinion:
    """Ask in the sync way; a judge that has only the other gets a loop, in the thread it has."""
    if callable(getattr(judge, "judge", None)):
        return judge.judge(view, checkpoint)
    return asyncio.run(_ajudge(judge, view, checkpoint))


async def _ajudge(judge: Judge, view: View, checkpoint: Checkpoint) -> Opinion:
    """Ask in the async way; a judge that has only the other does not block the loop."""
    if callable(getattr(judge, "ajudge", None)):
        return await judge.ajudge(view, checkpoint)
    return await asyncio.to_thread(judge.judge, view, checkpoint)


def _within(seconds: float | None, work: Callable[[], T]) -> T:
    """Run ``work`` in a thread that does not keep the process alive."""
    if seconds is None:
        return work()
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            errors.append(error)

    # Callbacks and tracing of LangChain travel in context variables.
    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(run,), daemon=True, name="guard-judge")
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError
    return results[0]


def _checked(answer: object) -> Opinion | Failed:
    if isinstance(answer, Opinion):
        return answer
    return Failed(f"it answered with {type(answer).__name__} instead of an opinion")


def _too_slow(seconds: float | None, error: TimeoutError) -> Failed:
    # A judge's own time-out, of its provider for one, says more than ours does.
    return _failed(error) if str(error) else Failed(f"it took longer than {seconds} s")


def _failed(error: Exception) -> Failed:
    # The kind alone: the text of an error may hold what the judge was shown.
    return Failed(f"it raised {type(error).__name__}")
