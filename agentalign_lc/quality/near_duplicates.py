"""Gate over a whole run: no request is nearly one of another scenario."""

from array import array

from rensa import RMinHash, RMinHashLSH

from agentalign_lc.quality.words import Words, ngrams, words
from agentalign_lc.records import Outcome, Verdict

__all__ = ["NearDuplicates"]

_THRESHOLD = 0.8
_HASHES, _BANDS = 128, 32
"""Bands of four: a pair at the threshold is missed once in twenty million times."""


class NearDuplicates:
    """Remembers what was said; feed it in the run's order so that it finds the same in every run.

    Two texts are nearly the same if their sets of word 3-grams have a Jaccard
    similarity of at least 0.8. MinHash finds candidates, and their similarity
    is then computed exactly. Of a text are kept its sketch and eight bytes for
    each 3-gram, about four kilobytes in all.

    Example:
        >>> seen = NearDuplicates()
        >>> seen.check("Please mail Ana the plan for the party on Friday evening", "a", 1).passed
        True
        >>> seen.check("Please mail Ana the plan for the party on Friday evening!", "b", 2).reason
        'nearly the same as a'
    """

    def __init__(self) -> None:
        self._index = RMinHashLSH(threshold=_THRESHOLD, num_perm=_HASHES, num_bands=_BANDS)
        self._known: list[tuple[str, int, array[int]]] = []

    def check(self, text: str, name: str, scenario: int) -> Verdict:
        """Compare a request with all before it, but for its own triplet's, which are to be alike."""
        others = [n for n in self.alike(words(text), name, scenario) if n[1] != scenario]
        if others:
            reason = f"nearly the same as {others[0][0]}"
            return Verdict(gate="near_duplicates", outcome=Outcome.FAIL, reason=reason)
        return Verdict(gate="near_duplicates", outcome=Outcome.PASS)

    def alike(self, text: Words, name: str, scenario: int = -1) -> list[tuple[str, int]]:
        """Name the texts before this one that are nearly the same, and remember it.

        Args:
            text: Its words; with fewer than three of them it is like no other.
            name: What it is called.
            scenario: The scenario that it belongs to.
        """
        grams = set(ngrams(text, 3))
        if not grams:
            return []
        sketch = RMinHash(num_perm=_HASHES, seed=7)
        sketch.update([" ".join(gram) for gram in sorted(grams)])
        candidates = sorted(self._index.query(sketch))
        self._index.insert(len(self._known), sketch)
        hashes = {hash(gram) for gram in grams}
        found = [
            self._known[number][:2]
            for number in candidates
            if _similarity(hashes, self._known[number][2]) >= _THRESHOLD
        ]
        self._known.append((name, scenario, array("q", hashes)))
        return found


def _similarity(first: set[int], second: "array[int]") -> float:
    common = len(first.intersection(second))
    return common / (len(first) + len(second) - common)
