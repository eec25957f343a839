"""Audit: whether a library is as wide and as varied as training data needs it."""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

from agentalign_lc.records import BehaviorChain
from agentalign_lc.taxonomy.harms import load_kinds
from agentalign_lc.taxonomy.library import Library

__all__ = ["Figure", "audit"]

_SEARCHES = ("search.web_search", "search.news_search")


class Figure(NamedTuple):
    """One demand on a library, and how near it is."""

    name: str
    value: float
    bound: float
    """What it must reach, or must not exceed."""
    at_least: bool
    detail: str = ""
    """What falls short."""

    @property
    def met(self) -> bool:
        """Whether the demand is met."""
        return self.value >= self.bound if self.at_least else self.value <= self.bound


def audit(library: Library, capabilities: Collection[str]) -> list[Figure]:
    """Count what a library holds against what is demanded of the shipped one.

    Args:
        library: The library.
        capabilities: All capabilities that there are, as ``suite.capability``.

    Example:
        >>> audit(Library([]), ["search.web_search"])[0]
        Figure(name='chains', value=0, bound=640, at_least=True, detail='')
    """
    chains = list(library)
    total = max(len(chains), 1)
    lengths = Counter(len(chain.steps) for chain in chains)
    longest = max(lengths.values(), default=0) / total
    searching = sum(chain.capabilities[0] in _SEARCHES for chain in chains) / total
    used = {capability for chain in chains for capability in chain.capabilities}
    suites = {name.partition(".")[0] for name in capabilities}
    missing = sorted(set(capabilities) - used)
    within = {name.partition(".")[0] for name in used}
    least = _fewest(chains)
    return [
        Figure("chains", len(chains), 640, at_least=True),
        Figure("chains in the smallest subcategory", least[0], 10, at_least=True, detail=least[1]),
        Figure("distinct capability sequences", len({c.capabilities for c in chains}), 500, at_least=True),
        Figure("lengths, of 1 to 6 steps", len(lengths), 6, at_least=True),
        Figure("share of the most frequent length", round(longest, 3), 0.35, at_least=False),
        Figure("share that starts with a search", round(searching, 3), 0.15, at_least=False),
        Figure("capabilities used", len(used & set(capabilities)), len(capabilities), at_least=True, detail=", ".join(missing)),
        Figure("suites used", len(within & suites), len(suites), at_least=True, detail=", ".join(sorted(suites - within))),
        Figure("phrasings of the shortest reading", _phrasings(library), 3, at_least=True),
        Figure("everyday requests", len(library.everyday), 600, at_least=True),
    ]  # fmt: skip


def _fewest(chains: Sequence[BehaviorChain]) -> tuple[int, str]:
    counts = dict.fromkeys(load_kinds(), 0)
    for chain in chains:
        counts[chain.subcategory] += 1
    few = [f"{name} {count}" for name, count in counts.items() if count < 10]
    return min(counts.values()), ", ".join(few)


def _phrasings(library: Library) -> int:
    return min(
        (
            len(set(reading.phrasings))
            for chain in library
            for reading in library.scripts[chain.name].readings.values()
        ),
        default=0,
    )
