"""Sites: where workers of a job are hired; a process here, an actor on a cluster."""

from typing import Protocol

from agentalign_lc.workers.line import Line

__all__ = ["Site", "Worker"]


class Worker(Protocol):
    """A worker that was started, as the driver sees it."""

    @property
    def line(self) -> Line:
        """The driver's end of the line to it."""
        ...

    async def end(self, *, patience: float) -> str:
        """Wait so many seconds for its end, then kill it.

        Returns:
            How it ended, as ``was killed by signal 9``.
        """
        ...


class Site(Protocol):
    """Where workers are."""

    async def hire(self) -> Worker:
        """Start one more worker."""
        ...

    def close(self) -> None:
        """Let go of what was started for the workers."""
        ...
