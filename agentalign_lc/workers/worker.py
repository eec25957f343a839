"""A worker: takes units from its desk while it has room, and hands in what comes of them."""

import asyncio
import pickle
import traceback
from dataclasses import dataclass
from typing import Any

from agentalign_lc.endpoints.work import Work, working
from agentalign_lc.errors import AgentAlignError, ConfigError, StopError
from agentalign_lc.garbage import collected_rarely
from agentalign_lc.workers.desk import Desk, RemoteDesk, UnitJournal
from agentalign_lc.workers.job import Crew, Job
from agentalign_lc.workers.line import Line

__all__ = ["Orders", "first_of", "serve", "work"]


@dataclass(frozen=True)
class Orders:
    """What a worker in another process is told when it starts."""

    job: bytes
    """The job, pickled."""
    workers: int
    room: int
    """Units that it works on at the same time."""
    budgeted: bool
    path: tuple[str, ...] = ()
    """Where modules are found, so that a job of the user's own is."""


async def work(crew: Crew[Any], desk: Desk, room: int) -> None:
    """Do units until there are none left, so many at the same time.

    Raises:
        StopError: no later call can succeed.
    """
    budget = desk if desk.budgeted else None

    async def lane() -> None:
        while (task := await desk.take()) is not None:
            with working(Work(task.unit, UnitJournal(task.answers, desk), budget)):
                outcome = await crew.do(task.unit)
            await desk.hand_in(task.unit, outcome)

    try:
        with collected_rarely():
            async with asyncio.TaskGroup() as lanes:
                for _ in range(room):
                    lanes.create_task(lane())
    except BaseExceptionGroup as errors:
        # One cause is enough for one clear line; the others are its echoes.
        raise _cause(errors) from None
    finally:
        await crew.close()


async def serve(line: Line, orders: Orders) -> bool:
    """Work at the other end of a line.

    Returns:
        Whether all was done; False if the office is gone.
    """
    desk = RemoteDesk(line, budgeted=orders.budgeted)
    listening = asyncio.create_task(desk.listen())
    doing = asyncio.create_task(_do(desk, orders))
    await asyncio.wait((listening, doing), return_when=asyncio.FIRST_COMPLETED)
    done = doing.done()
    for task in (listening, doing):
        task.cancel()
    await asyncio.gather(listening, doing, return_exceptions=True)
    return done


async def _do(desk: RemoteDesk, orders: Orders) -> None:
    try:
        await work(_job(orders).start(orders.workers), desk, orders.room)
    except Exception as error:  # noqa: BLE001 - it is raised in the driver
        await desk.stop(_portable(error))


def _job(orders: Orders) -> Job[Any]:
    try:
        job: Job[Any] = pickle.loads(orders.job)  # noqa: S301 - from the driver that started us
    except Exception as error:
        raise ConfigError(
            f"a worker cannot load the job ({type(error).__name__}: {error}): roles and gates of yours "
            "must be defined in a module that workers can import too"
        ) from error
    return job


def _portable(error: Exception) -> Exception:
    """An error that arrives: as it is, if it can be pickled, and with where it came from."""
    if not isinstance(error, AgentAlignError):
        error.add_note("In a worker:\n" + "".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    except Exception:  # noqa: BLE001 - whatever an exception's own pickling raises
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _cause(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    return first_of(errors.subgroup(StopError) or errors)


def first_of(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error of a group, however deep it is in groups of its own."""
    found: BaseException = errors
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found
