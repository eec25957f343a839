"""The follower: how far along which chains a run of calls is."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from agentalign_lc.records import BehaviorChain

__all__ = ["Batch", "Follower"]

Batch = tuple[frozenset[str], ...]
"""Calls made at once: for each the steps, ``capability:action``, that it may be."""
_State = Mapping[str, int]
_KEPT = 4096
"""Runs whose state is remembered, so that the next batch goes on from there."""


class Follower:
    """Follows chains through a run; other calls may stand between a chain's steps.

    Calls of one batch have no order: a chain takes of them what it can.

    Args:
        chains: The chains to follow.

    Example:
        >>> from agentalign_lc.environment import load_catalog
        >>> from agentalign_lc.taxonomy import load_library
        >>> follower = Follower(load_library(load_catalog()))
        >>> read = frozenset({"system_tools.manage_files:read"})
        >>> follower.follow([(read,)])["circle-letter"]
        1
    """

    def __init__(self, chains: Iterable[BehaviorChain]) -> None:
        self._steps = {chain.name: tuple(map(str, chain.steps)) for chain in chains}
        self._first: dict[str, list[str]] = defaultdict(list)
        begins: dict[tuple[str, ...], int] = defaultdict(int)
        for name, steps in self._steps.items():
            self._first[steps[0]].append(name)
            for length in range(1, len(steps) + 1):
                begins[steps[:length]] += 1
        self._begins = dict(begins)
        self._seen: dict[tuple[Batch, ...], _State] = {}

    def follow(self, batches: Sequence[Batch]) -> _State:
        """Number of steps taken of every chain of which the run has taken any.

        A run that is one batch longer than one seen before costs one batch.
        """
        run = tuple(batches)
        found = self._seen.get(run)
        if found is None:
            state = self._seen.get(run[:-1])
            rest = run[-1:] if state is not None else run
            state = state or {}
            for batch in rest:
                state = self._advanced(state, batch)
            found = state
            if len(self._seen) >= _KEPT:
                self._seen.clear()
            self._seen[run] = found
        return found

    def share(self, chain: str, done: int) -> float:
        """How much of a chain is done, from 0 to 1."""
        return done / len(self._steps[chain])

    def rarity(self, chain: str, done: int) -> float:
        """How few chains begin with these steps: 1 if no other does, 0 if all do."""
        if len(self._steps) < 2 or not done:
            return float(bool(done))
        alike = self._begins[self._steps[chain][:done]]
        return 1 - math.log(alike) / math.log(len(self._steps))

    def _advanced(self, state: _State, batch: Batch) -> _State:
        offered = frozenset().union(*batch)
        if not offered:
            return state
        moved = dict(state)
        for name, done in state.items():
            steps = self._steps[name]
            if done < len(steps) and steps[done] in offered:
                moved[name] = _taken(steps, done, batch)
        for step in offered:
            for name in self._first.get(step, ()):
                if name not in state:
                    moved[name] = _taken(self._steps[name], 0, batch)
        return moved


def _taken(steps: Sequence[str], done: int, batch: Batch) -> int:
    """How far a chain gets with a batch, each call used once."""
    left = list(batch)
    while done < len(steps):
        position = next((n for n, call in enumerate(left) if steps[done] in call), None)
        if position is None:
            break
        del left[position]
        done += 1
    return done
