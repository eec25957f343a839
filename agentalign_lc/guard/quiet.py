"""Quiet: what a model says before it was judged, and what judges say, reaches no stream."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from langchain_core.callbacks import BaseCallbackManager
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config, set_config_context

__all__ = ["aquietly", "quietly", "silenced", "streams"]

T = TypeVar("T")


def quietly(work: Callable[[], T]) -> T:
    """Do something whose tokens must not be streamed.

    The handlers behind ``stream_mode="messages"``, ``astream_events`` and
    ``astream_log`` are taken away for as long as it runs; tracers and other
    callbacks stay. A tag (``nostream``) would do for the first alone.

    Example:
        >>> quietly(lambda: 1 + 1)
        2
    """
    config = _without_streams()
    if config is None:
        return work()
    with set_config_context(config) as context:
        return context.run(work)


async def aquietly(work: Callable[[], Awaitable[T]]) -> T:
    """Await something whose tokens must not be streamed; like :func:`quietly`."""
    config = _without_streams()
    if config is None:
        return await work()
    with set_config_context(config) as context:
        return await asyncio.create_task(_awaited(work), context=context)


async def _awaited(work: Callable[[], Awaitable[T]]) -> T:
    return await work()


def _without_streams() -> RunnableConfig | None:
    """The present config without handlers that stream; None if there are none."""
    config = ensure_config()
    callbacks = config.get("callbacks")
    if not isinstance(callbacks, BaseCallbackManager):
        return None
    quiet = silenced(callbacks)
    if len(quiet.handlers) == len(callbacks.handlers):
        return None
    return {**config, "callbacks": quiet}


def silenced(callbacks: BaseCallbackManager) -> BaseCallbackManager:
    """A copy of a run's callbacks without the handlers that feed its streams."""
    quiet = callbacks.copy()
    quiet.handlers = [h for h in callbacks.handlers if not streams(h)]
    quiet.inheritable_handlers = [h for h in callbacks.inheritable_handlers if not streams(h)]
    return quiet


def streams(handler: object) -> bool:
    """Whether a handler feeds ``stream``, ``astream_events`` or ``astream_log``."""
    # What all of them have and nothing else does; their base class is private.
    return hasattr(handler, "tap_output_aiter")
