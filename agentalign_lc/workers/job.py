"""A job: units of work by number, done by crews in workers, saved by a sink in the driver."""

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from agentalign_lc.endpoints.journal import Call

__all__ = ["Answers", "Crew", "Job", "Sink"]

Answers = Mapping[tuple[str, int], str]
"""Answers that a unit got in an earlier process, by the key of the call and which of its kind it was."""

MadeT_co = TypeVar("MadeT_co", covariant=True)
SavedT_contra = TypeVar("SavedT_contra", contravariant=True)


class Crew(Protocol[MadeT_co]):
    """Does units in one worker; what it needs was built once, when the worker started."""

    async def do(self, unit: int) -> MadeT_co:
        """Do one unit, inside ``working(...)`` of it.

        The outcome must be picklable, and is best serialised already: the
        driver then only writes it. A unit that fails has an outcome that says
        so; what is raised stops the whole job.
        """
        ...

    async def close(self) -> None:
        """Let go of connections; called when the worker has done its last unit."""
        ...


class Job(Protocol[MadeT_co]):
    """Says how a crew is built; picklable, if it is to run in other processes."""

    def start(self, workers: int) -> Crew[MadeT_co]:
        """Build a crew in one of so many workers, which share the limits of every endpoint."""
        ...

    def lost(self, unit: int, reason: str) -> MadeT_co:
        """The outcome of a unit whose worker died each time that it was tried."""
        ...


class Sink(Protocol[SavedT_contra]):
    """Where outcomes and answered calls go; only the driver touches it."""

    async def save(self, unit: int, outcome: SavedT_contra) -> None:
        """Keep the outcome of a unit, and let go of its answers."""
        ...

    async def answers(self, unit: int) -> Answers:
        """The answers that were kept for a unit before."""
        ...

    async def keep(self, call: Call) -> None:
        """Keep an answered call; when this returns, a killed process no longer loses it."""
        ...

    async def forget(self, unit: int, calls: Sequence[tuple[str, int]]) -> None:
        """Let go of answers that were of no use."""
        ...
