"""The runner: many scenarios through the graph, so many at a time, journalled one by one."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentalign_lc.dataset.statistics import Statistics, measure
from agentalign_lc.dataset.store import RunStore
from agentalign_lc.environment.catalog import load_catalog
from agentalign_lc.quality import Contamination, Gate, contamination_gate
from agentalign_lc.records import Intent, Record, Result, Status
from agentalign_lc.roles import Roles, needs_phrasings
from agentalign_lc.synthesis.casting import cast_roles
from agentalign_lc.synthesis.config import RunConfig
from agentalign_lc.synthesis.graph import ScenarioInput, asked_for, build_graph
from agentalign_lc.synthesis.sources import resumed_with_sources, with_sources
from agentalign_lc.synthesis.stage import choose_chains
from agentalign_lc.synthesis.studio import Studio
from agentalign_lc.taxonomy import load_library

if TYPE_CHECKING:
    from agentalign_lc.roles.prompted import Speaker

__all__ = ["Summary", "Tally", "synthesize"]

_SCENARIO_TIMEOUT = 900.0
"""Seconds after which a scenario is given up, so that nothing hangs."""


@dataclass
class Tally:
    """How far a run is, for a display."""

    scenarios: int
    done: int
    resumed: int
    """Scenarios that were done before this process began."""
    counts: dict[Intent, dict[Status, int]]

    def add(self, results: list[Result]) -> None:
        """Count the results of one more scenario."""
        self.done += 1
        for result in results:
            self.counts[result.intent][result.status] += 1


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

    def count(self, intent: Intent, status: Status) -> int:
        """Number of instructions of an intent that ended so."""
        return sum(row[3] for row in self.rows if row[0] is intent and row[1] is status)


def synthesize(  # noqa: PLR0913 - each is something that a caller may bring along
    out: Path,
    options: Mapping[str, Any] | None = None,
    *,
    resume: bool = False,
    concurrency: int = 8,
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
        concurrency: How many scenarios are worked on at the same time.
        roles: Who writes; by default what the configuration says.
        gates: Gates of yours; the option ``gates`` may name them to put them in order.
        warn: Called with one line for each row of a benchmark file that cannot be read.
        report: Called after every scenario.

    Raises:
        ConfigError: an option cannot be used.
        StoreError: the folder cannot be used.
        AccessError: the provider refused the key; what was done is kept.

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
    if config.contamination and "contamination" in config.gates:
        benchmarks = Contamination(map(Path, config.contamination), warn)
        gates = (*gates, contamination_gate(benchmarks))
    studio = _studio(config, roles, gates)
    store = (
        RunStore.resume(out) if continued else RunStore.create(out, config.model_dump(mode="json"))
    )
    with store:
        asyncio.run(_work(store, config, studio, concurrency, report))
        store.close_run(config.gates)
        summary = _summary(store, config, studio)
    (out / "summary.json").write_text(
        json.dumps(summary.model_dump(mode="json"), indent=2) + "\n", encoding="utf-8"
    )
    return summary


def _studio(config: RunConfig, roles: Roles | None, gates: Sequence[Gate] = ()) -> Studio:
    catalog = load_catalog(own=map(Path, config.tools))
    library = load_library(catalog, own=map(Path, config.chains))
    roles = roles or cast_roles(config, library, catalog, _Loaded(config.base_url))
    choose_chains(config.categories, library, catalog, spoken=needs_phrasings(roles.author))
    return Studio.of(config, roles, catalog, library, gates)


class _Loaded:
    def __init__(self, base_url: str | None) -> None:
        self._base_url = base_url

    def mix(self, names: Sequence[str]) -> Sequence[tuple["Speaker", float]]:
        from agentalign_lc.roles.prompted import load_mix  # noqa: PLC0415 - heavy

        return load_mix(names, self._base_url)


async def _work(
    store: RunStore,
    config: RunConfig,
    studio: Studio,
    concurrency: int,
    report: Callable[[Tally], None],
) -> None:
    graph = build_graph(studio)
    finished = store.finished()
    tally = _tally(store, config, finished)
    report(tally)
    planned = config.scenarios + config.everyday
    waiting = iter([index for index in range(planned) if index not in finished])

    async def worker(indices: Iterator[int]) -> None:
        # Workers share one iterator: each takes the next number when it is free.
        for index in indices:
            results = await _one(index)
            store.save(results)
            tally.add(results)
            report(tally)

    async def _one(index: int) -> list[Result]:
        everyday = index - config.scenarios
        unit: ScenarioInput = {"index": index, "seed": config.seed}
        if everyday >= 0:
            unit["everyday"] = everyday
        try:
            async with asyncio.timeout(_SCENARIO_TIMEOUT):
                out = await graph.ainvoke(unit)
        except TimeoutError:
            reason = f"gave up after {_SCENARIO_TIMEOUT:.0f} seconds"
            return [Result.failed(index, intent, "scenario", reason) for intent in asked_for(unit)]
        results: list[Result] = out["results"]
        return results

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(worker(waiting))
    except BaseExceptionGroup as group_error:
        # One cause is enough for one clear line; the others are its echoes.
        raise group_error.exceptions[0] from None


def _tally(store: RunStore, config: RunConfig, finished: set[int]) -> Tally:
    counts = {intent: dict.fromkeys(Status, 0) for intent in Intent}
    for intent, status, _, count in store.table(finished_only=True):
        counts[intent][status] += count
    return Tally(
        scenarios=config.scenarios + config.everyday,
        done=len(finished),
        resumed=len(finished),
        counts=counts,
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
        statistics=measure(store, studio.library, capabilities, duplicates=False),
    )
