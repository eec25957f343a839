"""Synthesis as a job: a crew is a studio and its graph, and a unit is the number of a scenario."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from agentalign_lc.dataset.result_rows import ResultRow, result_rows
from agentalign_lc.endpoints.work import current_work
from agentalign_lc.environment.catalog import load_catalog
from agentalign_lc.quality import Contamination, Gate, contamination_gate
from agentalign_lc.records import Result
from agentalign_lc.roles import Roles, needs_phrasings
from agentalign_lc.synthesis.casting import cast_roles
from agentalign_lc.synthesis.config import RunConfig
from agentalign_lc.synthesis.graph import ScenarioInput, asked_for, build_graph
from agentalign_lc.synthesis.resources import Resources
from agentalign_lc.synthesis.stage import choose_chains
from agentalign_lc.synthesis.studio import Studio
from agentalign_lc.taxonomy import load_library

__all__ = ["Patience", "SynthesisCrew", "SynthesisJob"]

ValueT = TypeVar("ValueT")

_SCENARIO_TIMEOUT = 900.0
"""Seconds without any sign of life after which a scenario is given up, so that nothing hangs."""


@dataclass(frozen=True)
class SynthesisJob:
    """All that a worker needs to know of a run; a worker elsewhere builds the studio anew."""

    config: RunConfig
    resources: Resources = field(default_factory=Resources)
    roles: Roles | None = None
    """Roles of the caller's own; None for those of the configuration."""
    gates: tuple[Gate, ...] = ()
    """Gates of the caller's own."""
    studio: Studio | None = None
    """The studio of this process, if it was built already; it does not travel."""

    def __reduce__(self) -> tuple[type["SynthesisJob"], tuple[Any, ...]]:
        """Leave the studio at home: it is quicker built than sent."""
        return SynthesisJob, (self.config, self.resources, self.roles, self.gates)

    def build_studio(
        self, workers: int = 1, warn: Callable[[str], None] = lambda _: None
    ) -> Studio:
        """Build all that the graph works with.

        Args:
            workers: Number of workers that share the limits of the endpoints.
            warn: Called with one line for each row of a benchmark file that cannot be read.

        Raises:
            ConfigError: an option cannot be used.
        """
        config, gates = self.config, self.gates
        if config.contamination and "contamination" in config.gates:
            benchmarks = Contamination(map(Path, config.contamination), warn)
            gates = (*gates, contamination_gate(benchmarks))
        catalog = load_catalog(own=map(Path, config.tools))
        library = load_library(catalog, own=map(Path, config.chains))
        endpoints = self.resources.endpoints(config.base_url, workers)
        roles = self.roles or cast_roles(config, library, catalog, endpoints)
        choose_chains(config.categories, library, catalog, spoken=needs_phrasings(roles.author))
        return Studio.of(config, roles, catalog, library, gates)

    def start(self, workers: int) -> "SynthesisCrew":
        """Build the studio, unless it is there, and compile the graph."""
        abreast = self.resources.most_calls
        return SynthesisCrew(self.config, self.studio or self.build_studio(workers), abreast)

    def lost(self, unit: int, reason: str) -> list[ResultRow]:
        """Failed results for a scenario whose workers died."""
        return _failed(self.config, unit, reason)


class SynthesisCrew:
    """Turns the number of a scenario into the rows of its results.

    Args:
        config: The run's configuration.
        studio: What the graph works with.
        abreast: So many scenarios at the end of the run go abreast and not one after the other, those
            with most calls ahead first: else the last ones would take their turns alone, at an endpoint
            that has room for all.
    """

    def __init__(self, config: RunConfig, studio: Studio, abreast: int = 0) -> None:
        self._config = config
        self._last = max(0, config.scenarios + config.everyday - abreast)
        self._graph = build_graph(studio)
        self._patience = Patience(_SCENARIO_TIMEOUT)

    async def do(self, unit: int) -> Sequence[ResultRow]:
        """Run the graph for one scenario. What hangs is given up, and is a failed result."""
        work = current_work()
        if work is not None:
            work.progress = self._patience.renew
            work.place = min(unit, self._last)
        try:
            out = await self._patience.wait(self._graph.ainvoke(_input(self._config, unit)))
        except TimeoutError:
            return _failed(self._config, unit, f"gave up after {_SCENARIO_TIMEOUT:.0f} seconds")
        return result_rows(out["results"])

    async def close(self) -> None:
        """Nothing is left open."""


class Patience:
    """Gives up what shows no sign of life for so long.

    A scenario that waits for its turn at an endpoint shows none itself. But as
    long as any call of the same worker gets on, it is the endpoint that is
    waited for, and that is no hanging.

    Example:
        >>> async def hang() -> None:
        ...     await asyncio.Event().wait()
        >>> async def give_up() -> str:
        ...     try:
        ...         await Patience(0.01).wait(hang())
        ...     except TimeoutError:
        ...         return "given up"
        ...     return "done"
        >>> asyncio.run(give_up())
        'given up'
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._seen = float("-inf")

    def renew(self) -> None:
        """Take note of a sign of life."""
        self._seen = asyncio.get_running_loop().time()

    async def wait(self, work: Coroutine[Any, Any, ValueT]) -> ValueT:
        """Wait for something to be done.

        Raises:
            TimeoutError: it was given up.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        task = asyncio.ensure_future(work)
        try:
            while not task.done():
                left = max(began, self._seen) + self._seconds - loop.time()
                if left <= 0:
                    raise TimeoutError
                await asyncio.wait((task,), timeout=left)
            return task.result()
        finally:
            task.cancel()
            if not task.done():
                await asyncio.wait((task,))


def _input(config: RunConfig, unit: int) -> ScenarioInput:
    everyday = unit - config.scenarios
    asked: ScenarioInput = {"index": unit, "seed": config.seed}
    if everyday >= 0:
        asked["everyday"] = everyday
    return asked


def _failed(config: RunConfig, unit: int, reason: str) -> list[ResultRow]:
    intents = asked_for(_input(config, unit))
    return result_rows([Result.failed(unit, intent, "scenario", reason) for intent in intents])
