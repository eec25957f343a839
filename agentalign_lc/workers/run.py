"""Running a job: the one way for one process, for several, and for a Ray cluster."""

import asyncio
import pickle
import sys
from collections.abc import AsyncIterable, Callable, Iterable
from typing import Any, TypeVar

from agentalign_lc.endpoints.budget import Budget
from agentalign_lc.errors import BudgetError, ConfigError, WorkerError
from agentalign_lc.workers.desk import Desk
from agentalign_lc.workers.job import Job, Sink
from agentalign_lc.workers.line import Line
from agentalign_lc.workers.office import Office, OfficeDesk
from agentalign_lc.workers.site import Site
from agentalign_lc.workers.worker import Orders, first_of, work
from agentalign_lc.workers.workforce import Workforce

__all__ = ["run_job"]

OutcomeT = TypeVar("OutcomeT")

_PATIENCE = 3.0
"""Seconds that a worker gets to end by itself."""
_WAITING = frozenset(("take", "reserve"))
"""Requests whose answer a dead worker needs no more; the others are carried out."""


async def run_job(
    job: Job[OutcomeT],
    units: Iterable[int] | AsyncIterable[int],
    sink: Sink[OutcomeT],
    force: Workforce = Workforce(),  # noqa: B008 - frozen
    budget: Budget | None = None,
    warn: Callable[[str], None] = lambda _: None,
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
        warn: Called with one line for each worker that dies.

    Raises:
        ConfigError: the job cannot be sent to workers, or the extra is missing.
        WorkerError: workers die and nothing gets done, or the cluster cannot be reached.
        StopError: no later call can succeed; what was done is saved.
    """
    office = Office(units, sink, job.lost, budget, warn)
    if force.engine == "local" and force.workers == 1:
        await work(job.start(1), office.desk(), force.room)
        return
    site = _site(job, force, budgeted=budget is not None)
    try:
        async with asyncio.TaskGroup() as workers:
            for _ in range(force.workers):
                workers.create_task(_employ(site, office))
    except BaseExceptionGroup as errors:
        # One cause is enough for one clear line; the others are its echoes.
        raise first_of(errors) from None
    finally:
        site.close()


def _site(job: Job[Any], force: Workforce, *, budgeted: bool) -> Site:
    try:
        pickled = pickle.dumps(job)
    except Exception as error:
        raise ConfigError(
            f"this job cannot be sent to other processes ({error}): define roles and gates of yours at "
            "the top of a module, or use one local worker"
        ) from error
    orders = Orders(pickled, force.workers, force.room, budgeted, tuple(sys.path))
    if force.engine == "ray":
        from agentalign_lc.workers.cluster import ClusterSite  # noqa: PLC0415 - an extra

        return ClusterSite(orders, force.address)
    from agentalign_lc.workers.process import ProcessSite  # noqa: PLC0415 - one of the branches

    return ProcessSite(orders)


async def _employ(site: Site, office: Office[Any]) -> None:
    """Keep one worker at work until everything is done; when it dies, hire another."""
    while not office.done.is_set():
        worker = await site.hire()
        desk = office.desk()
        patience = 0.0
        try:
            if await _until_done(worker.line, desk, office):
                patience = _PATIENCE
        finally:
            reason = await worker.end(patience=patience)
        await desk.leave(reason)
        if not desk.used and not office.done.is_set() and "exit code" in reason:
            raise WorkerError(
                f"a worker process {reason} before it could begin: a script that starts workers needs "
                'its `if __name__ == "__main__":`'
            )


async def _until_done(line: Line, desk: OfficeDesk[Any], office: Office[Any]) -> bool:
    """Serve a worker until it hangs up; one that has not begun when all is done is not waited for.

    Returns:
        Whether it hung up.
    """
    serving = asyncio.ensure_future(_serve(line, desk))
    done = asyncio.ensure_future(office.done.wait())
    try:
        await asyncio.wait((serving, done), return_when=asyncio.FIRST_COMPLETED)
        if desk.used and not serving.done():
            await asyncio.wait((serving,), timeout=_PATIENCE)
        if not serving.done():
            return False
        await serving
        return True
    finally:
        for task in (serving, done):
            task.cancel()
        await asyncio.gather(serving, done, return_exceptions=True)


async def _serve(line: Line, desk: OfficeDesk[Any]) -> None:
    waiting: set[asyncio.Task[None]] = set()
    async with asyncio.TaskGroup() as requests:
        while (request := await line.receive()) is not None:
            number, what, details = request
            task = requests.create_task(_answer(line, desk, number, what, details))
            if what in _WAITING:
                waiting.add(task)
                task.add_done_callback(waiting.discard)
        for task in waiting:
            task.cancel()


async def _answer(line: Line, desk: Desk, number: int, what: str, details: tuple[Any, ...]) -> None:
    if what == "stop":
        raise details[0]
    try:
        value, error = await getattr(desk, what)(*details), None
    except BudgetError as refused:
        value, error = None, refused
    await line.send((number, value, error))
