"""Word n-grams of many texts, twelve bytes each."""

import hashlib
import re
import unicodedata
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence

__all__ = ["GramIndex", "hash_words", "split_words"]

_WORD = re.compile(r"[^\W_]+")
_BUCKETS = 256


def split_words(text: str) -> list[str]:
    """Split a text into runs of letters and digits, without case.

    Example:
        >>> split_words("Send it_all, please!")
        ['send', 'it', 'all', 'please']
    """
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def hash_words(words: Sequence[str]) -> int:
    """Hash a sequence of words to 64 bits, the same in every process."""
    text = " ".join(words).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest())


class GramIndex:
    """Remembers at which places hashes stood.

    Arrays in buckets and no dictionary: ten million n-grams take 120 MB and not
    a gigabyte. Add all, sort, and then look up.

    Example:
        >>> index = GramIndex()
        >>> for place, value in enumerate([30, 10, 30]):
        ...     index.add(value, place)
        >>> index.sort()
        >>> list(index.find(30)), list(index.find(20))
        ([0, 2], [])
    """

    def __init__(self) -> None:
        self._hashes = [array("Q") for _ in range(_BUCKETS)]
        self._places = [array("I") for _ in range(_BUCKETS)]

    def __len__(self) -> int:
        """Number of places."""
        return sum(map(len, self._hashes))

    def add(self, value: int, place: int) -> None:
        """Remember a hash (64 bits) and its place (32 bits)."""
        bucket = value % _BUCKETS
        self._hashes[bucket].append(value)
        self._places[bucket].append(place)

    def find(self, value: int) -> Iterator[int]:
        """Places of a hash, in the order in which they were added."""
        bucket = value % _BUCKETS
        hashes, places = self._hashes[bucket], self._places[bucket]
        at = bisect_left(hashes, value)
        while at < len(hashes) and hashes[at] == value:
            yield places[at]
            at += 1

    def sort(self) -> None:
        """Make ready for look-ups; to be called after the last ``add``."""
        for bucket, (hashes, places) in enumerate(zip(self._hashes, self._places, strict=True)):
            order = sorted(range(len(hashes)), key=hashes.__getitem__)
            self._hashes[bucket] = array("Q", map(hashes.__getitem__, order))
            self._places[bucket] = array("I", map(places.__getitem__, order))
