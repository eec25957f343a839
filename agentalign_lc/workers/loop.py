"""The event loop of a job: the fastest that is installed."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["run_loop"]

ResultT = TypeVar("ResultT")


def run_loop(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Run a coroutine in an event loop of its own, as ``asyncio.run``.

    Where uvloop is installed (extra ``fast``) it is uvloop's, which takes less
    processor time for a call over the network.

    Args:
        work: What to run; no event loop may be running in this thread.

    Raises:
        RuntimeError: an event loop is running already.

    Example:
        >>> async def answer() -> int:
        ...     await asyncio.sleep(0)
        ...     return 42
        >>> run_loop(answer())
        42
    """
    try:
        from uvloop import run  # noqa: PLC0415 - an extra
    except ImportError:
        return asyncio.run(work)
    result: ResultT = run(work)
    return result
