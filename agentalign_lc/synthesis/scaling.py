"""Scaling: from what a sample of units asks to what the whole run will, and how sure that is."""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from agentalign_lc.endpoints.price import Price
from agentalign_lc.records import Record

__all__ = ["Asked", "Estimate", "Parts", "Quote", "Shares", "Stratum", "Total", "Usage", "scale"]

_SPREAD = 2.0
"""Standard errors on either side of what a sample says: about nineteen of twenty runs lie between."""


@dataclass(frozen=True)
class Usage:
    """Calls and their tokens."""

    calls: float = 0
    input_tokens: float = 0
    output_tokens: float = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.calls + other.calls,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
        )

    def __mul__(self, factor: float) -> "Usage":
        return Usage(self.calls * factor, self.input_tokens * factor, self.output_tokens * factor)


Parts = Mapping[tuple[str, str], Usage]
"""What was asked, by role and model."""
Shares = Mapping[str, Mapping[str, float]]
"""The share of each model in a role."""
Quote = Callable[[str], Price | None]
"""Says what a model costs."""


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
    spent: float = 0.0
    """US dollars that the run has cost so far, where it is continued."""
    unsaid: int = 0
    """Chains without phrasings, which no embedded writer can say: they are not in the sample."""
    shipped: bool = False
    """Whether shipped chains were counted instead, since no chain of the run has any."""

    @property
    def unpaid(self) -> bool:
        """Whether no model has a price."""
        return all(part.cost is None for part in self.asked)


@dataclass(frozen=True)
class Stratum:
    """Units of one kind: how many there are, and what those in the sample ask, and may ask besides."""

    size: int
    asked: Sequence[Parts]
    again: Sequence[Parts]

    @property
    def factor(self) -> float:
        """Units for each one in the sample."""
        return self.size / len(self.asked)

    def levelled(self, shares: Shares) -> "Stratum":
        """Give every model its share by weight; a small sample would give it by luck."""
        if self.size == len(self.asked):
            return self
        return Stratum(
            self.size,
            [_shared(p, shares) for p in self.asked],
            [_shared(p, shares) for p in self.again],
        )


def scale(strata: Sequence[Stratum], shares: Shares, quote: Quote) -> Estimate:
    """Scale samples to the whole.

    Where a sample is not the whole, every model gets its share of a role by
    weight: by the models that happen to be drawn, a dear one would count for
    too much or too little.

    Args:
        strata: Samples, each of units of one kind.
        shares: The share of each model in each role.
        quote: Says what a model costs.

    Example:
        >>> sample = [{("author", "m"): Usage(3, 300, 30)}] * 2
        >>> stratum = Stratum(size=10, asked=sample, again=[{}, {}])
        >>> found = scale([stratum], {"author": {"m": 1.0}}, lambda _: Price(input=1, output=2))
        >>> found.total.calls, found.low == found.high, round(found.total.cost, 6)
        (30.0, True, 0.0036)
    """
    strata = [stratum.levelled(shares) for stratum in strata]
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


def _summed(units: Sequence[Parts]) -> dict[tuple[str, str], Usage]:
    summed: dict[tuple[str, str], Usage] = defaultdict(Usage)
    for parts in units:
        for part, usage in parts.items():
            summed[part] += usage
    return summed


def _total(parts: Parts, prices: Mapping[str, Price | None]) -> Total:
    usage = sum(parts.values(), Usage())
    return Total(
        calls=usage.calls,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cost=sum(_cost(used, prices[model]) for (_, model), used in parts.items()),
    )


def _spread(strata: Sequence[Stratum], prices: Mapping[str, Price | None]) -> Total:
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


def _shared(parts: Parts, shares: Shares) -> Parts:
    by_role: dict[str, Usage] = defaultdict(Usage)
    for (role, _), usage in parts.items():
        by_role[role] += usage
    return {
        (role, model): usage * share
        for role, usage in by_role.items()
        for model, share in shares[role].items()
    }
