"""Words and n-grams, as the gates and the statistics count them."""

import re
from collections.abc import Sequence

__all__ = ["Words", "jaccard", "ngrams", "words"]

_WORD = re.compile(r"\w+")

Words = Sequence[str]
"""A text as its words."""


def words(text: str) -> list[str]:
    """The words of a text, in lower case, without punctuation.

    Example:
        >>> words("Mail Ana's plan!")
        ['mail', 'ana', 's', 'plan']
    """
    return _WORD.findall(text.lower())


def ngrams(tokens: Words, n: int) -> list[tuple[str, ...]]:
    """The n-grams of a text, in order.

    Example:
        >>> ngrams(["a", "b", "c"], 2)
        [('a', 'b'), ('b', 'c')]
    """
    return list(zip(*(tokens[i:] for i in range(n)), strict=False))


def jaccard(first: set[tuple[str, ...]], second: set[tuple[str, ...]]) -> float:
    """Share of what two sets have in common.

    Example:
        >>> jaccard({("a",), ("b",)}, {("b",)})
        0.5
    """
    union = len(first | second)
    return len(first & second) / union if union else 0.0
