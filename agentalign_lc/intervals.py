"""Bootstrap intervals: what a figure would be, had other cases been drawn, in plain Python."""

import random
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

__all__ = ["Interval", "interval", "percentile", "resamples"]


class Interval(NamedTuple):
    """A 95 % bootstrap interval."""

    low: float
    high: float


def resamples(
    strata: Sequence[Sequence[int]], *, draws: int = 1000, seed: int = 7
) -> Iterator[list[int]]:
    """Draw indices anew with replacement, as many of each stratum as it has.

    Args:
        strata: Indices of rows, or of groups of rows that are alike; strata stay as large as they are.
        draws: Number of samples.
        seed: Same seed, same samples.

    Example:
        >>> [sorted({at < 2 for at in drawn}) for drawn in resamples([[0, 1], [2]], draws=2)]
        [[False, True], [False, True]]
    """
    chance = random.Random(seed)
    for _ in range(draws):
        yield [
            at for stratum in strata if stratum for at in chance.choices(stratum, k=len(stratum))
        ]


def interval(values: Iterable[float]) -> Interval:
    """The middle 95 % of what samples gave.

    Example:
        >>> interval([1.0] * 100)
        Interval(low=1.0, high=1.0)
    """
    ranked = sorted(values)
    return Interval(percentile(ranked, 2.5), percentile(ranked, 97.5))


def percentile(values: Iterable[float], percent: float) -> float:
    """A percentile, between neighbours in proportion; 0 of nothing.

    Example:
        >>> percentile([3.0, 1.0, 2.0], 50), percentile([1.0, 2.0], 95)
        (2.0, 1.95)
    """
    ranked = sorted(values)
    if not ranked:
        return 0.0
    place = (len(ranked) - 1) * percent / 100
    low = int(place)
    high = min(low + 1, len(ranked) - 1)
    return ranked[low] + (ranked[high] - ranked[low]) * (place - low)
