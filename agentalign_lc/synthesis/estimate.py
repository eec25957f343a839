"""What a run will ask of models: calls, tokens and money, before anything is paid.

A sample of the run's own scenarios goes through the run's own graph. Embedded
writers do the work, and where a model would have been asked, what it would
have been sent and what it would have answered is counted: the same prompts,
the same tool schemas, conversations that grow turn by turn.
"""

import asyncio
import math
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentalign_lc.dataset.store import RunStore
from agentalign_lc.endpoints.price import Price
from agentalign_lc.environment.catalog import Catalog, load_catalog
from agentalign_lc.errors import ConfigError
from agentalign_lc.records import Record
from agentalign_lc.roles.embedded import embedded_roles
from agentalign_lc.seeds import stream
from agentalign_lc.synthesis.casting import cast_roles
from agentalign_lc.synthesis.config import RunConfig
from agentalign_lc.synthesis.counting import Absent, Ledger, Usage, counted
from agentalign_lc.synthesis.graph import ScenarioInput, build_graph
from agentalign_lc.synthesis.resources import Resources
from agentalign_lc.synthesis.sources import resumed_with_sources, with_sources
from agentalign_lc.synthesis.stage import choose_chains
from agentalign_lc.synthesis.studio import Studio
from agentalign_lc.taxonomy import Library, load_library

__all__ = ["Asked", "Estimate", "Total", "estimate", "estimate_run"]

_SAMPLE = 40
"""Scenarios, and everyday requests, that are counted; all of a smaller run."""
_SPREAD = 2.0
"""Standard errors on either side of what a sample says: about nineteen of twenty runs lie between."""

_Parts = Mapping[tuple[str, str], Usage]
Quote = Callable[[str], Price | None]


class Asked(Record):
    """What one model will be asked in one role."""

    role: str
    endpoint: str
    calls: float
    input_tokens: float
    output_tokens: float
    cost: float | None
    """US dollars; None without a price."""


class Total(Record):
    """What all models will be asked."""

    calls: float
    input_tokens: float
    output_tokens: float
    cost: float
    """US dollars, of the models with a price."""


class Estimate(Record):
    """What a run will ask of models, if they answer as they should.

    Not in it: calls that fail and are tried again, answers that do not fit
    their schema and are asked for again, what a model thinks before it answers,
    and what a provider takes less for input that it has in its cache.
    """

    scenarios: int
    """Scenarios and everyday requests that are to be done."""
    sampled: int
    """How many of them were counted."""
    asked: tuple[Asked, ...]
    """By role, then by weight."""
    total: Total
    low: Total
    high: Total
    """Between these two it lies, as far as a sample can tell."""
    most: Total
    """At the upper end, if every request has to be written as often as it may be."""
    unpriced: tuple[str, ...]
    """Models without a price."""
    shipped: bool = False
    """Whether shipped chains were counted, since the run's own have no phrasings."""

    @property
    def unpaid(self) -> bool:
        """Whether no model has a price."""
        return all(part.cost is None for part in self.asked)


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
    finished: Collection[int] = ()
    if resume and RunStore.exists(out):
        with RunStore.read(out) as store:
            config, finished = resumed_with_sources(store.config, given), store.finished()
    else:
        config = RunConfig.of(given)
    return estimate_run(config, resources.endpoints(config.base_url).price, finished)


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
        >>> found = estimate_run(RunConfig(scenarios=1, authors=("a",), pressure=0),
        ...                      quote=lambda model: Price(input=1, output=2))
        >>> [(part.role, part.endpoint, part.calls) for part in found.asked]
        [('author', 'a', 3.0)]
        >>> 0 < found.total.cost < found.most.cost < 0.1
        True
    """
    catalog = load_catalog(own=map(Path, config.tools))
    library, shipped = _speakable(config, catalog)
    roles = cast_roles(config, library, catalog, Absent())
    ledger = Ledger(tries=config.max_tries)
    studio = Studio.of(
        config, counted(roles, embedded_roles(library, catalog), ledger), catalog, library
    )
    shares = {
        role: {model.model: share for model, share in getattr(roles, role).mix.shares()}
        for role, names in config.cast.items()
        if names
    }
    waiting = _waiting(config, finished) if shares else {}
    strata = asyncio.run(_counted(config, studio, ledger, waiting))
    strata = [stratum.levelled(shares) for stratum in strata]
    return _estimate(strata, shares, quote, shipped=shipped)


@dataclass(frozen=True)
class _Stratum:
    """Units of one kind: how many there are, and what those in the sample ask, and may ask besides."""

    size: int
    asked: Sequence[_Parts]
    again: Sequence[_Parts]

    @property
    def factor(self) -> float:
        return self.size / len(self.asked)

    def levelled(self, shares: Mapping[str, Mapping[str, float]]) -> "_Stratum":
        """Give every model its share by weight; a small sample would give it by luck."""
        if self.size == len(self.asked):
            return self
        return _Stratum(
            self.size,
            [_shared(p, shares) for p in self.asked],
            [_shared(p, shares) for p in self.again],
        )


def _shared(parts: _Parts, shares: Mapping[str, Mapping[str, float]]) -> _Parts:
    by_role: dict[str, Usage] = defaultdict(Usage)
    for (role, _), usage in parts.items():
        by_role[role] += usage
    return {
        (role, model): usage * share
        for role, usage in by_role.items()
        for model, share in shares[role].items()
    }


def _speakable(config: RunConfig, catalog: Catalog) -> tuple[Library, bool]:
    """The run's library, or the shipped one if embedded writers cannot say any of its chains."""
    library = load_library(catalog, own=map(Path, config.chains))
    choose_chains(config.categories, library, catalog, spoken=not config.cast["author"])
    try:
        choose_chains(config.categories, library, catalog, spoken=True)
    except ConfigError:
        return load_library(catalog), True
    return library, False


def _waiting(config: RunConfig, finished: Collection[int]) -> dict[str, list[int]]:
    """Numbers of the units that are to be done, by kind: they cost very differently."""
    whole = range(config.scenarios + config.everyday)
    kinds = {"scenarios": whole[: config.scenarios], "everyday": whole[config.scenarios :]}
    waiting = {kind: [n for n in units if n not in finished] for kind, units in kinds.items()}
    return {kind: units for kind, units in waiting.items() if units}


async def _counted(
    config: RunConfig, studio: Studio, ledger: Ledger, waiting: Mapping[str, Sequence[int]]
) -> list[_Stratum]:
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
        strata.append(_Stratum(len(units), asked, again))
    return strata


def _estimate(
    strata: Sequence[_Stratum],
    shares: Mapping[str, Mapping[str, float]],
    quote: Quote,
    *,
    shipped: bool,
) -> Estimate:
    prices = {model: quote(model) for models in shares.values() for model in models}
    whole: dict[tuple[str, str], Usage] = defaultdict(Usage)
    further: dict[tuple[str, str], Usage] = defaultdict(Usage)
    for stratum in strata:
        for part, usage in _summed(stratum.asked).items():
            whole[part] += usage * stratum.factor
        for part, usage in _summed(stratum.again).items():
            further[part] += usage * stratum.factor
    total = _total(whole, prices)
    spread = _spread(strata, prices)
    high = _moved(total, spread, +1)
    return Estimate(
        scenarios=sum(stratum.size for stratum in strata),
        sampled=sum(len(stratum.asked) for stratum in strata),
        asked=tuple(
            _asked(role, model, whole[role, model], prices[model])
            for role, models in shares.items()
            for model in models
        ),
        total=total,
        low=_moved(total, spread, -1),
        high=high,
        most=_moved(high, _total(further, prices), +1),
        unpriced=tuple(sorted(model for model, price in prices.items() if price is None)),
        shipped=shipped,
    )


def _asked(role: str, model: str, usage: Usage, price: Price | None) -> Asked:
    return Asked(
        role=role,
        endpoint=model,
        calls=usage.calls,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cost=None if price is None else _cost(usage, price),
    )


def _cost(usage: Usage, price: Price | None) -> float:
    if price is None:
        return 0.0
    return price.cost(round(usage.input_tokens), round(usage.output_tokens))


def _summed(units: Sequence[_Parts]) -> dict[tuple[str, str], Usage]:
    summed: dict[tuple[str, str], Usage] = defaultdict(Usage)
    for parts in units:
        for part, usage in parts.items():
            summed[part] += usage
    return summed


def _total(parts: _Parts, prices: Mapping[str, Price | None]) -> Total:
    usage = sum(parts.values(), Usage())
    return Total(
        calls=usage.calls,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cost=sum(_cost(used, prices[model]) for (_, model), used in parts.items()),
    )


def _spread(strata: Sequence[_Stratum], prices: Mapping[str, Price | None]) -> Total:
    """Two standard errors of the totals, of a sample without replacement."""
    variance = dict.fromkeys(Total.model_fields, 0.0)
    for stratum in strata:
        drawn, size = len(stratum.asked), stratum.size
        if drawn in {1, size}:
            continue
        units = [_total(parts, prices) for parts in stratum.asked]
        for name in variance:
            values = [getattr(unit, name) for unit in units]
            mean = sum(values) / drawn
            within = sum((value - mean) ** 2 for value in values) / (drawn - 1)
            variance[name] += size**2 * (1 - drawn / size) * within / drawn
    return Total(**{name: _SPREAD * math.sqrt(value) for name, value in variance.items()})


def _moved(total: Total, by: Total, sign: int) -> Total:
    moved = {
        name: max(0.0, getattr(total, name) + sign * getattr(by, name))
        for name in Total.model_fields
    }
    return Total(**moved)
