"""What a shopper asks for: the thing itself, without the errand, the place and the price."""

import re
from functools import lru_cache
from pathlib import Path

from agentalign_lc.documents import load_document
from agentalign_lc.records import Record

__all__ = ["Wanted", "stem", "stems"]

_AMOUNT = r"[$€£¥]?\s*(\d[\d,]*(?:\.\d+)?)\s*(?:dollars?|usd|euros?|eur|pounds?|bucks|[$€£])?(?!\w)"
_BETWEEN = re.compile(rf"\b(?:between|from)\s+{_AMOUNT}\s*(?:and|to|-)\s*{_AMOUNT}", re.IGNORECASE)
_BELOW = re.compile(
    rf"\b(?:under|below|less than|up to|at most|max(?:imum)?|cheaper than|no more than)\s+{_AMOUNT}",
    re.IGNORECASE,
)
_ABOVE = re.compile(rf"\b(?:over|above|more than|at least|min(?:imum)?)\s+{_AMOUNT}", re.IGNORECASE)
_PLACE = re.compile(
    r"\s\b(?:nearby\b.*|(?:near|around|close to|next to|in|at|from) "
    r"(?:(?P<place>[A-Z][\w'’-]*(?: [A-Z][\w'’-]*)*)|(?:me|here|the|my|our|this|town)\b.*))[?.!]*$"
)
_WORD = re.compile(r"[^\W_](?:[\w'’+.-]*[^\W_]|\+*)")


class _Words(Record):
    """The words of `wanted.yaml`."""

    errand: frozenset[str]
    places: frozenset[str]
    pairs: frozenset[str]
    small: frozenset[str]
    heads: frozenset[str]
    """The head of a name stands before these: a coat for dogs is a coat."""


@lru_cache(maxsize=1)
def _words() -> _Words:
    return load_document(Path(__file__).with_name("wanted.yaml"), _Words)


class Wanted:
    """A query or a name, understood as far as a shop needs.

    Example:
        >>> wanted = Wanted("find me some cheap desk lamps under $40")
        >>> wanted.name, wanted.high, sorted(wanted.stems)
        ('Desk Lamp', 40.0, ['desk', 'lamp'])
    """

    def __init__(self, text: str) -> None:
        self.low: float | None = None
        self.high: float | None = None
        plain = self._prices(" ".join(text.split()))
        found = _PLACE.search(plain)
        self.place = found["place"] if found else None
        """The town that it names."""
        plain = _PLACE.sub("", plain)
        every = [str(word) for word in _WORD.findall(plain)] or [
            str(word) for word in _WORD.findall(text)
        ]
        kept = _trimmed(every)[:7]
        self.named = any(_proper(word) for word in kept[1:]) or (
            bool(kept) and kept[0][1:] != kept[0][1:].lower()
        )
        """Whether it is a name already: a brand or a model, and not a kind of thing."""
        self.name = _titled(kept)[:80].strip()
        self.stems = frozenset(stem(word) for word in kept if word.casefold() not in _words().small)
        """Its words, the plural made singular."""

    def _prices(self, text: str) -> str:
        if found := _BETWEEN.search(text):
            self.low, self.high = sorted((_amount(found[1]), _amount(found[2])))
            text = _BETWEEN.sub(" ", text)
        if found := _BELOW.search(text):
            self.high, text = _amount(found[1]), _BELOW.sub(" ", text)
        if found := _ABOVE.search(text):
            self.low, text = _amount(found[1]), _ABOVE.sub(" ", text)
        return text


@lru_cache(maxsize=4096)
def stem(word: str) -> str:
    """Make a plural singular, as far as comparing words needs.

    Example:
        >>> [stem(word) for word in ("Lamps", "brushes", "batteries", "headphones", "glass")]
        ['lamp', 'brush', 'battery', 'headphones', 'glass']
    """
    word = word.casefold().replace("’", "'").removesuffix("'s")
    if (
        word in _words().pairs
        or len(word) < 4
        or not word.endswith("s")
        or word.endswith(("ss", "us"))
    ):
        return word
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    return word[:-2] if word.endswith(("sses", "shes", "ches", "xes")) else word[:-1]


def stems(text: object) -> frozenset[str]:
    """The words of a text, the plural made singular."""
    return _stems(str(text))


@lru_cache(maxsize=4096)
def _stems(text: str) -> frozenset[str]:
    return frozenset(stem(word) for word in _WORD.findall(text))


def _amount(text: str) -> float:
    return float(text.replace(",", ""))


def _trimmed(words: list[str]) -> list[str]:
    """Leave out the errand at both ends; what stands inside belongs to the thing."""
    common = _words()
    for left_out in (common.errand | common.places, common.errand):
        kept = [n for n, word in enumerate(words) if word.casefold() not in left_out]
        if kept:
            return words[kept[0] : kept[-1] + 1]
    return words


def _proper(word: str) -> bool:
    return word[:1].isupper() or word[1:] != word[1:].lower() or any(c.isdigit() for c in word)


def _titled(words: list[str]) -> str:
    head = (
        next((n for n, word in enumerate(words) if word.casefold() in _words().heads), len(words))
        - 1
    )
    shown = []
    for place, word in enumerate(words):
        if place == head and word.islower():
            word = stem(word)  # noqa: PLW2901
        small = place > 0 and word.casefold() in _words().small
        shown.append(word if small or not word.islower() else word[:1].upper() + word[1:])
    return " ".join(shown)
