"""Diversity of texts: distinct-n, self-BLEU, near-duplicates.

Distinct-n after Li et al. (arXiv 1510.03055): n-grams that differ, of all.
Self-BLEU after Zhu et al. (Texygen, arXiv 1802.01886): the mean BLEU of each
text with all others as its references. Near-duplicates: Jaccard similarity of
the sets of word 3-grams, found with MinHash.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain

from agentalign_lc.quality import NearDuplicates
from agentalign_lc.quality.words import Words, ngrams

__all__ = ["distinct", "near_duplicates", "self_bleu"]

_EPSILON = 0.1
"""What a precision counts when no n-gram matches (method 1 of Chen and Cherry, 2014)."""


def distinct(texts: Iterable[Words], n: int) -> float:
    """Share of n-grams that differ from all others; 1 when none comes twice.

    Example:
        >>> distinct([["a", "b"], ["a", "c"]], 1)
        0.75
    """
    counts = Counter(chain.from_iterable(ngrams(text, n) for text in texts))
    total = sum(counts.values())
    return len(counts) / total if total else 0.0


def self_bleu(texts: Sequence[Words], n: int = 4) -> float:
    """Mean BLEU-n of each text against all others; lower is more diverse.

    The clipped count of an n-gram is its largest in any *other* text. Two such
    counts an n-gram, the largest and the runner-up, serve all texts, so the time
    grows with the number of words and not with its square.

    Args:
        texts: At least two texts, as words.
        n: Longest n-gram; all lengths weigh the same.

    Example:
        >>> self_bleu([["a", "b", "c", "d"]] * 2)
        1.0
    """
    if len(texts) < 2:
        return 0.0
    lengths = Counter(map(len, texts))
    tables = [_Clipping(texts, size) for size in range(1, n + 1)]
    scores = []
    for number, text in enumerate(texts):
        if not text:
            scores.append(0.0)
            continue
        logs = 0.0
        for table in tables:
            matched, total = table.precision(number)
            logs += math.log((matched or _EPSILON) / max(total, 1)) / n
        if not tables[0].precision(number)[0]:
            scores.append(0.0)  # no word in common
            continue
        closest = _closest(len(text), lengths)
        penalty = 1.0 if len(text) > closest else math.exp(1 - closest / len(text))
        scores.append(penalty * math.exp(logs))
    return sum(scores) / len(scores)


class _Clipping:
    """For each n-gram the largest count in one text, whose it is, and the next largest."""

    def __init__(self, texts: Sequence[Words], size: int) -> None:
        self._counts = [Counter(ngrams(text, size)) for text in texts]
        self._best: dict[tuple[str, ...], tuple[int, int, int]] = {}
        for number, counts in enumerate(self._counts):
            for gram, count in counts.items():
                most, whose, second = self._best.get(gram, (0, -1, 0))
                if count > most:
                    self._best[gram] = (count, number, most)
                elif count > second:
                    self._best[gram] = (most, whose, count)

    def precision(self, number: int) -> tuple[int, int]:
        """Matched and all n-grams of a text."""
        matched = 0
        for gram, count in self._counts[number].items():
            most, whose, second = self._best[gram]
            matched += min(count, second if whose == number else most)
        return matched, sum(self._counts[number].values())


def _closest(length: int, lengths: Counter[int]) -> int:
    """The length of the other text that is closest; the shorter of two."""
    others = (other for other, count in lengths.items() if count > (1 if other == length else 0))
    return min(others, key=lambda other: (abs(other - length), other))


def near_duplicates(texts: Iterable[Words]) -> float:
    """Share of texts of which another text is nearly a copy (``quality.NearDuplicates``)."""
    seen = NearDuplicates()
    alike: set[int] = set()
    number = -1
    for number, text in enumerate(texts):
        others = seen.alike(text, str(number))
        if others:
            alike |= {number, *(int(name) for name, _ in others)}
    return len(alike) / (number + 1) if alike else 0.0
