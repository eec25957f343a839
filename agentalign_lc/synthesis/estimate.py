"""What a run will ask of models: calls, tokens and money, before anything is paid.

A sample of the run's own scenarios goes through the run's own graph. Embedded
writers do the work, and where a model would have been asked, what it would
have been sent and what it would have answered is counted: the same prompts,
the same tool schemas, conversations that grow turn by turn.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from agentalign_lc.dataset.store import RunStore
from agentalign_lc.environment.catalog import load_catalog
from agentalign_lc.roles.embedded import embedded_roles
from agentalign_lc.roles.prompted import Mix, Speaker, model_name
from agentalign_lc.seeds import stream
from agentalign_lc.synthesis.casting import cast_roles
from agentalign_lc.synthesis.config import RunConfig
from agentalign_lc.synthesis.counting import Absent, Ledger, counted
from agentalign_lc.synthesis.graph import ScenarioInput, build_graph
from agentalign_lc.synthesis.resources import Resources
from agentalign_lc.synthesis.scaling import Estimate, Quote, Stratum, scale
from agentalign_lc.synthesis.sources import resumed_with_sources, with_sources
from agentalign_lc.synthesis.stage import choose_chains
from agentalign_lc.synthesis.studio import Studio
from agentalign_lc.taxonomy import load_library

__all__ = ["estimate", "estimate_run"]

_SAMPLE = 40
"""Scenarios, and everyday requests, that are counted; all of a smaller run."""


def estimate(
    out: Path,
    options: Mapping[str, Any] | None = None,
    *,
    resume: bool = False,
    resources: Resources = Resources(),  # noqa: B008 - frozen
) -> Estimate:
    """Say what ``synthesize`` will ask of models with these arguments; needs no key, writes nothing.

    Args:
        out: The run's folder; only with ``resume`` it is looked into.
        options: Fields of ``RunConfig`` that differ from its defaults.
        resume: Only what is left of the run in the folder, if there is one.
        resources: Where prices are.

    Raises:
        ConfigError: an option cannot be used.
        StoreError: the folder cannot be used.
    """
    given = with_sources(options or {})
    if not (resume and RunStore.exists(out)):
        config = RunConfig.of(given)
        return estimate_run(config, resources.endpoints(config.base_url).price)
    with RunStore.read(out) as store:
        config, finished = resumed_with_sources(store.config, given), store.finished()
        spent = sum(one.cost for one in store.spending())
    left = estimate_run(config, resources.endpoints(config.base_url).price, finished)
    return left.model_copy(update={"spent": spent})


def estimate_run(
    config: RunConfig, quote: Quote = lambda _: None, finished: Collection[int] = ()
) -> Estimate:
    """Count a sample of a run's scenarios, and scale it to the run.

    Args:
        config: The run's configuration.
        quote: Says what a model costs.
        finished: Numbers of the units that are done already and ask nothing more.

    Raises:
        ConfigError: an option cannot be used.

    Example:
        >>> from agentalign_lc.endpoints.price import Price
        >>> found = estimate_run(RunConfig(scenarios=1, authors=("a",), pressure=0),
        ...                      quote=lambda model: Price(input=1, output=2))
        >>> [(part.role, part.endpoint, part.calls) for part in found.asked]
        [('author', 'a', 3.0)]
        >>> 0 < found.total.cost < found.most.cost < 0.1
        True
    """
    catalog = load_catalog(own=map(Path, config.tools))
    library = load_library(catalog, own=map(Path, config.chains))
    spoken = not config.cast["author"]
    chains = choose_chains(config.categories, library, catalog, spoken=spoken)
    unsaid = sum(not library.scripts[chain.name].spoken for chain in chains)
    if unsaid == len(chains):
        shipped = estimate_run(_shipped(config), quote, finished)
        return shipped.model_copy(update={"unsaid": unsaid, "shipped": True})
    roles = cast_roles(config, library, catalog, Absent())
    ledger = Ledger(tries=config.max_tries)
    studio = Studio.of(
        config, counted(roles, embedded_roles(library, catalog), ledger), catalog, library
    )
    shares = {
        role: _shares(getattr(roles, role).mix) for role, names in config.cast.items() if names
    }
    waiting = _waiting(config, finished) if shares else {}
    strata = asyncio.run(_counted(config, studio, ledger, waiting))
    return scale(strata, shares, quote).model_copy(update={"unsaid": unsaid})


def _shares(mix: Mix[Speaker]) -> dict[str, float]:
    shares: dict[str, float] = defaultdict(float)
    for model, share in mix.shares():
        shares[model_name(model)] += share  # the same may be named twice
    return shares


def _shipped(config: RunConfig) -> RunConfig:
    """The same run over shipped chains and tools."""
    own = {"categories": (), "tools": (), "tools_id": None, "chains": (), "chains_id": None}
    return config.model_copy(update=own)


def _waiting(config: RunConfig, finished: Collection[int]) -> dict[str, list[int]]:
    """Numbers of the units that are to be done, by kind: they cost very differently."""
    whole = range(config.scenarios + config.everyday)
    kinds = {"scenarios": whole[: config.scenarios], "everyday": whole[config.scenarios :]}
    waiting = {kind: [n for n in units if n not in finished] for kind, units in kinds.items()}
    return {kind: units for kind, units in waiting.items() if units}


async def _counted(
    config: RunConfig, studio: Studio, ledger: Ledger, waiting: Mapping[str, Sequence[int]]
) -> list[Stratum]:
    graph = build_graph(studio)
    strata = []
    for kind, units in waiting.items():
        drawn = stream(config.seed, "estimate", kind).sample(units, min(_SAMPLE, len(units)))
        asked, again = [], []
        for index in sorted(drawn):
            ledger.clear()
            unit: ScenarioInput = {"index": index, "seed": config.seed}
            if kind == "everyday":
                unit["everyday"] = index - config.scenarios
            await graph.ainvoke(unit)
            asked.append(dict(ledger.asked))
            again.append(dict(ledger.again))
        strata.append(Stratum(len(units), asked, again))
    return strata
