"""Running a job: the one way for one process, for several, and for a Ray cluster."""

from collections.abc import AsyncIterable, Iterable
from typing import TypeVar

from agentalign_lc.endpoints.budget import Budget
from agentalign_lc.workers.job import Job, Sink
from agentalign_lc.workers.workforce import Workforce

__all__ = ["run_job"]

OutcomeT = TypeVar("OutcomeT")


async def run_job(
    job: Job[OutcomeT],
    units: Iterable[int] | AsyncIterable[int],
    sink: Sink[OutcomeT],
    force: Workforce = Workforce(),  # noqa: B008 - frozen
    budget: Budget | None = None,
) -> None:
    """Do all units of a job, and save each outcome as it comes.

    Units are handed out in their order, a worker takes the next one when it
    has room, and outcomes come in any order. A worker that dies costs only the
    units that it had in hand: they are done again by another.

    Args:
        job: What is to be done; with more than one worker, or with Ray, it must be picklable.
        units: Numbers of the units; taken as they are needed.
        sink: Where outcomes and answered calls go.
        force: Who does it.
        budget: What calls may use in all workers together; None for no limit.

    Raises:
        ConfigError: the job cannot be sent to workers, or the cluster cannot be reached.
        WorkerError: workers die, and nothing gets done.
        StopError: no later call can succeed; what was done is saved.
    """
    raise NotImplementedError
