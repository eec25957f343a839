"""The runner: many scenarios through the graph, so many at a time, journalled one by one."""

import dataclasses
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentalign_lc.dataset.result_rows import ResultRow
from agentalign_lc.dataset.statistics import Statistics, measure
from agentalign_lc.dataset.store import RunStore
from agentalign_lc.dataset.writer import RunWriter
from agentalign_lc.endpoints.budget import Budget
from agentalign_lc.endpoints.journal import Call, Spend
from agentalign_lc.endpoints.local_budget import LocalBudget
from agentalign_lc.endpoints.spending import Spending, total
from agentalign_lc.quality import Gate
from agentalign_lc.records import Intent, Record, Status
from agentalign_lc.roles import Roles
from agentalign_lc.synthesis.config import RunConfig
from agentalign_lc.synthesis.crew import SynthesisJob
from agentalign_lc.synthesis.resources import Resources
from agentalign_lc.synthesis.sources import resumed_with_sources, with_sources
from agentalign_lc.synthesis.studio import Studio
from agentalign_lc.workers.loop import run_loop
from agentalign_lc.workers.run import run_job
from agentalign_lc.workers.workforce import Workforce

__all__ = ["Summary", "Tally", "synthesize"]

_PIECE = 1000
"""Scenarios of which is asked at once whether they are done."""


@dataclass
class Tally:
    """How far a run is, for a display."""

    scenarios: int
    done: int
    resumed: int
    """Scenarios that were done before this process began."""
    counts: dict[Intent, dict[Status, int]]

    cost: float = 0.0
    """US dollars that the run has cost so far, by the price table."""

    def add(self, rows: Iterable[ResultRow]) -> None:
        """Count the results of one more scenario."""
        self.done += 1
        for _, intent, status, *_ in rows:
            self.counts[Intent(intent)][Status(status)] += 1


class Summary(Record):
    """How a run ended; stored beside it as ``summary.json``."""

    planned: int
    kept: int
    rejected: int
    failed: int
    rows: tuple[tuple[Intent, Status, str, int], ...]
    """Number of instructions by intent, status and gate (or stage)."""
    statistics: Statistics
    """Diversity and coverage; near-duplicates are left to ``agentalign stats``."""
    spending: tuple[Spending, ...] = ()
    """What each endpoint was asked and what it cost, resumed runs included."""

    def count(self, intent: Intent, status: Status) -> int:
        """Number of instructions of an intent that ended so."""
        return sum(row[3] for row in self.rows if row[0] is intent and row[1] is status)


def synthesize(  # noqa: PLR0913 - each is something that a caller may bring along
    out: Path,
    options: Mapping[str, Any] | None = None,
    *,
    resume: bool = False,
    resources: Resources | None = None,
    concurrency: int | None = None,
    roles: Roles | None = None,
    gates: Sequence[Gate] = (),
    warn: Callable[[str], None] = lambda _: None,
    report: Callable[[Tally], None] = lambda _: None,
) -> Summary:
    """Run the synthesis graph over many scenarios and leave a data set in a folder.

    Args:
        out: The run's folder.
        options: Fields of ``RunConfig`` that differ from its defaults.
        resume: Continue the run in the folder, if there is one; failed
            scenarios are tried again.
        resources: What it may use: endpoints, money, workers. None of it changes what the embedded
            writers write, and all of it may differ on resuming.
        concurrency: How many scenarios are worked on at the same time; short for that of ``resources``.
        roles: Who writes; by default what the configuration says. With more than one worker they must
            be picklable, as must gates.
        gates: Gates of yours; the option ``gates`` may name them to put them in order.
        warn: Called with one line for each row of a benchmark file that cannot be read, and for each
            worker that dies.
        report: Called after every scenario.

    Raises:
        ConfigError: an option cannot be used.
        StoreError: the folder cannot be used.
        StopError: no later call can succeed: a refused key, a spent budget, a dead endpoint; what was
            done is kept, and the run can be resumed.
        WorkerError: workers die, and nothing gets done.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     summary = synthesize(Path(folder, "run"), {"scenarios": 2})
        >>> summary.planned == summary.kept + summary.rejected + summary.failed == 6
        True
    """
    given = with_sources(options or {})
    continued = resume and RunStore.exists(out)
    if continued:
        with RunStore.read(out) as store:
            config = resumed_with_sources(store.config, given)
    else:
        config = RunConfig.of(given)
    resources = resources or Resources()
    if concurrency is not None:
        resources = dataclasses.replace(resources, concurrency=concurrency)
    job = SynthesisJob(config, resources, roles, tuple(gates))
    studio = job.build_studio(warn=warn)
    job = dataclasses.replace(job, studio=studio)
    store = (
        RunStore.resume(out) if continued else RunStore.create(out, config.model_dump(mode="json"))
    )
    with store:
        run_loop(_work(store, job, report, warn))
        store.close_run(config.gates)
        summary = _summary(store, config, studio)
    (out / "summary.json").write_text(
        json.dumps(summary.model_dump(mode="json"), indent=2) + "\n", encoding="utf-8"
    )
    return summary


async def _work(
    store: RunStore,
    job: SynthesisJob,
    report: Callable[[Tally], None],
    warn: Callable[[str], None],
) -> None:
    resources = job.resources
    tally = _tally(store, job.config)
    report(tally)
    used = total(store.spending())
    at_once = resources.scenarios_at_once(prompted=job.config.prompted)
    force = Workforce(resources.workers, resources.engine, resources.address, at_once)
    with RunWriter(store) as writer:
        sink = _CountingWriter(writer, tally, report)
        units = _unfinished(writer, job.config.scenarios + job.config.everyday)
        await run_job(job, units, sink, force, _budget(resources, used), warn)


def _budget(resources: Resources, used: Spend) -> Budget | None:
    if resources.max_cost is None and resources.max_tokens is None:
        return None
    return LocalBudget(resources.max_cost, resources.max_tokens, used)


async def _unfinished(writer: RunWriter, planned: int) -> AsyncIterator[int]:
    """The scenarios that need work, in their order; asked for in pieces, so that none is held long."""
    for start in range(0, planned, _PIECE):
        piece = range(start, min(start + _PIECE, planned))
        for number in await writer.unfinished(piece):
            yield number


class _CountingWriter:
    """Writes, and then says how far the run is."""

    def __init__(self, writer: RunWriter, tally: Tally, report: Callable[[Tally], None]) -> None:
        self._writer = writer
        self._tally = tally
        self._report = report
        self.answers = writer.answers
        self.forget = writer.forget

    async def save(self, unit: int, outcome: Sequence[ResultRow]) -> None:
        await self._writer.save(unit, outcome)
        self._tally.add(outcome)
        self._report(self._tally)

    async def keep(self, call: Call) -> None:
        await self._writer.keep(call)
        self._tally.cost += call.spend.cost


def _tally(store: RunStore, config: RunConfig) -> Tally:
    done = store.count_finished()
    counts = {intent: dict.fromkeys(Status, 0) for intent in Intent}
    for intent, status, _, count in store.table(finished_only=True):
        counts[intent][status] += count
    return Tally(
        scenarios=config.scenarios + config.everyday,
        done=done,
        resumed=done,
        counts=counts,
        cost=total(store.spending()).cost,
    )


def _summary(store: RunStore, config: RunConfig, studio: Studio) -> Summary:
    counts = store.counts()
    capabilities = list(studio.catalog.capabilities)
    return Summary(
        planned=config.planned,
        kept=counts[Status.KEPT],
        rejected=counts[Status.REJECTED],
        failed=counts[Status.FAILED],
        rows=tuple(store.table()),
        spending=store.spending(),
        statistics=measure(store, studio.library, capabilities, duplicates=False),
    )
