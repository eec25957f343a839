"""Threads that an app starts itself: which run started them.

A new thread begins with an empty context, so LangChain takes what runs in it
for something of its own. While a recorder listens, ``Thread.start`` and
``ThreadPoolExecutor.submit`` hand two values over to the new thread: the
recorder, and the id of the run that started it. Nothing else of the context
goes along: callbacks and streams of the app see what they saw before.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler, BaseCallbackManager
from langchain_core.runnables.config import var_child_runnable_config

__all__ = ["SCOPE", "caller", "follow", "unfollow"]

SCOPE: ContextVar[BaseCallbackHandler | None] = ContextVar("agentalign_recorder", default=None)
"""The handler that records in this context."""

_CALLER: ContextVar[UUID | None] = ContextVar("agentalign_caller", default=None)
_POOLED: ContextVar[bool] = ContextVar("agentalign_pooled", default=False)
"""Whether a pool is starting a worker, which will serve others, too."""

_Link = tuple[BaseCallbackHandler | None, UUID | None]

_lock = threading.Lock()
_followers = 0
_start = threading.Thread.start
_submit = ThreadPoolExecutor.submit


def caller() -> UUID | None:
    """The run that started the current thread, or the current task of a pool, if it is known."""
    return _CALLER.get()


def follow() -> None:
    """Hand recorder and run over to new threads, until ``unfollow`` is called as often."""
    global _followers  # noqa: PLW0603 - there is one `Thread.start`
    with _lock:
        _followers += 1
        if _followers == 1:
            threading.Thread.start = _linked_start  # type: ignore[method-assign, assignment]
            ThreadPoolExecutor.submit = _linked_submit  # type: ignore[method-assign, assignment]


def unfollow() -> None:
    """Undo one ``follow``."""
    global _followers  # noqa: PLW0603
    with _lock:
        _followers -= 1
        # Somebody else may have put something in their place meanwhile, which calls ours.
        if _followers == 0 and threading.Thread.start is _linked_start:
            threading.Thread.start = _start  # type: ignore[method-assign]
        if _followers == 0 and ThreadPoolExecutor.submit is _linked_submit:
            ThreadPoolExecutor.submit = _submit  # type: ignore[method-assign]


def _link() -> _Link:
    config = var_child_runnable_config.get()
    callbacks = config.get("callbacks") if config else None
    run = callbacks.parent_run_id if isinstance(callbacks, BaseCallbackManager) else None
    return SCOPE.get(), run or _CALLER.get()


@contextmanager
def _linked(link: _Link) -> Iterator[None]:
    scope, run = SCOPE.set(link[0]), _CALLER.set(link[1])
    try:
        yield
    finally:
        SCOPE.reset(scope)
        _CALLER.reset(run)


def _linked_start(thread: threading.Thread) -> None:
    link = _link()
    if link != (None, None) and not _POOLED.get():
        run = thread.run

        def linked_run() -> None:
            del thread.run  # or the thread would hold itself
            with _linked(link):
                run()

        thread.run = linked_run  # type: ignore[method-assign]
    _start(thread)


def _linked_submit(
    pool: ThreadPoolExecutor,
    function: Callable[..., Any],
    /,
    *args: Any,  # noqa: ANN401 - the function's
    **kwargs: Any,  # noqa: ANN401
) -> Future[Any]:
    link = _link()
    token = _POOLED.set(True)
    try:
        return _submit(pool, _call_linked, link, function, args, kwargs)
    finally:
        _POOLED.reset(token)


def _call_linked(
    link: _Link, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:  # noqa: ANN401 - what the function returns
    with _linked(link):
        return function(*args, **kwargs)
