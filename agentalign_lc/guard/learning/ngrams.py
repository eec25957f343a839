"""The classifier of the base install: hashed word and character n-grams, a weight for each.

No dependency, no table of words: an n-gram's CRC-32 is the number of its weight
(feature hashing, Weinberger et al., 2009).
"""

import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log, sqrt

__all__ = ["BUCKETS", "NgramScorer", "ngram_features"]

BUCKETS = 2**16
"""Numbers that n-grams are hashed to."""

_LONGEST = 20_000
"""Characters that are looked at: a pasted book must not stop an app."""

_WORD = re.compile(r"[^\W_]+|[$€£¥]")
_DIGIT = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class NgramScorer:
    """Scores a text by its n-grams."""

    weights: Sequence[float]
    bias: float = 0.0

    def scores(self, texts: Sequence[str]) -> list[float]:
        """How harmful each text looks, on a scale of its own (log-odds before calibration).

        Example:
            >>> NgramScorer([0.0] * BUCKETS, bias=-1.5).scores(["Book a table for two."])
            [-1.5]
        """
        return [self._score(text) for text in texts]

    def _score(self, text: str) -> float:
        features = ngram_features(text, len(self.weights))
        return self.bias + sum(self.weights[at] * value for at, value in features.items())


def ngram_features(text: str, buckets: int = BUCKETS) -> Mapping[int, float]:
    """The n-grams of a text: words, pairs of words, three to five characters inside a word.

    Each counts by the logarithm of its number, and the whole has length 1, so
    that a long text weighs no more than a short one.

    Example:
        >>> features = ngram_features("Pay 120 to Ana")
        >>> features == ngram_features("pay 999  to ana!"), round(sum(v * v for v in features.values()), 6)
        (True, 1.0)
    """
    counts = Counter(zlib.crc32(gram.encode()) % buckets for gram in _grams(text[:_LONGEST]))
    values = {at: 1.0 + log(count) for at, count in counts.items()}
    length = sqrt(sum(value * value for value in values.values())) or 1.0
    return {at: value / length for at, value in values.items()}


def _grams(text: str) -> Iterator[str]:
    # A surrogate without its partner has no bytes; what it spells is lost anyway.
    plain = unicodedata.normalize("NFKC", text).casefold().encode(errors="ignore").decode()
    # Which number it is says nothing about the intent, and would be learnt by heart.
    words = _WORD.findall(_DIGIT.sub("0", plain))
    for word in words:
        yield f"w {word}"
        padded = f" {word} "
        for size in (3, 4, 5):
            for start in range(len(padded) - size + 1):
                yield f"c {padded[start : start + size]}"
    for first, second in pairwise(words):
        yield f"p {first} {second}"
