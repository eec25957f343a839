"""Shares: how many rows of each part, met exactly, and in an order that keeps them all along."""

import math
import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from random import Random

from agentalign_lc.errors import ConfigError

__all__ = ["PARTS", "PRESETS", "fill", "read_shares", "split_total", "spread"]

PARTS = ("harmful", "benign", "third_party")
"""What a mix is made of; borderline requests count as benign, as in AgentAlign."""

PRESETS: dict[str, dict[str, Fraction]] = {
    "agentalign": {
        "harmful": Fraction(4956),
        "benign": Fraction(9783),
        "third_party": Fraction(4010),
    }
}
"""Shares by name: ``agentalign`` has the counts of AgentAlign (arXiv 2505.23020), section 3."""

_NUMBER = re.compile(r"\d{1,9}(\.\d{1,9})?")


def read_shares(texts: Iterable[str]) -> dict[str, Fraction]:
    """Read shares as a person writes them; they need not add up to anything.

    Raises:
        ConfigError: a part is unknown or named twice, or its share is no number.

    Example:
        >>> read_shares(["harmful=1", "benign=2.5"])
        {'harmful': Fraction(1, 1), 'benign': Fraction(5, 2)}
    """
    shares: dict[str, Fraction] = {}
    for text in texts:
        part, _, number = text.partition("=")
        if part not in PARTS:
            raise ConfigError(f"unknown part {part!r} in --share; the parts are {', '.join(PARTS)}")
        if part in shares:
            raise ConfigError(f"--share names {part} twice")
        if not _NUMBER.fullmatch(number):
            raise ConfigError(f"--share {text!r} is no share: write {part}=1 or {part}=0.25")
        shares[part] = Fraction(number)
    if shares and not any(shares.values()):
        raise ConfigError("every --share is 0: give one part more")
    return shares


def split_total(total: int, shares: Mapping[str, Fraction]) -> dict[str, int]:
    """Split a total by shares: whole rows, largest remainders first, ties in the order given.

    Example:
        >>> split_total(10, {"harmful": Fraction(1), "benign": Fraction(2)})
        {'harmful': 3, 'benign': 7}
    """
    whole = sum(shares.values())
    quotas = {part: total * share / whole for part, share in shares.items()}
    counts = {part: int(quota) for part, quota in quotas.items()}
    rest = total - sum(counts.values())
    for part in sorted(quotas, key=lambda part: counts[part] - quotas[part])[:rest]:
        counts[part] += 1
    return counts


def fill(available: Mapping[str, int], shares: Mapping[str, Fraction]) -> dict[str, int]:
    """Take as many rows as shares allow: all of the scarcest part, and of the others in proportion.

    Args:
        available: Number of rows, by part.
        shares: By part; at least one is above 0.

    Returns:
        Number of rows by part, each at most half a row from its exact share.

    Example:
        >>> fill({"harmful": 10, "benign": 100}, {"harmful": Fraction(1), "benign": Fraction(5, 2)})
        {'harmful': 10, 'benign': 25}
    """
    scale = min(available[part] / share for part, share in shares.items() if share)
    return {part: math.ceil(scale * share - Fraction(1, 2)) for part, share in shares.items()}


def spread(counts: Mapping[str, int], random: Random) -> list[str]:
    """Order parts at random, yet evenly: every prefix has nearly the shares of the whole.

    Each part lies in equal stretches along the way, one row at a random place of each.

    Example:
        >>> order = spread({"harmful": 100, "benign": 200}, Random(7))
        >>> order[:30].count("harmful")
        10
    """
    places = [
        ((number + random.random()) / count, part)
        for part, count in counts.items()
        for number in range(count)
    ]
    return [part for _, part in sorted(places)]
