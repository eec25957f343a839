"""Adaptive concurrency: how many calls an endpoint bears, learnt from how often it says 429."""

import math
from collections import deque

__all__ = ["Concurrency"]

_WINDOW = 100
"""Answers that are looked back on."""
_SHARE = 0.12
"""Share of busy answers that is borne: chance refusals are no overload. Where one in 25 is refused by
chance, one run in a hundred of 1,800 calls has more in some window; with a tenth, one in seven."""
_FACTOR, _GROWTH = 0.7, 0.1
_ROUND = 25
"""Answers without overload after which it grows, at least: a small limit must not rush upwards."""


class Concurrency:
    """A limit on calls in flight that falls when an endpoint is busy and grows back.

    Pure: it is told what came back and when, and waits for nothing. More than
    an eighth of the last hundred answers busy (429 or 529) takes the limit down
    by 0.7, and nobody is to start before the endpoint said to come back.
    Answers to calls that had started before are echoes of the same overload
    and count no more. A round of answers without overload (as many as there
    may be calls in flight, and no fewer than 25) lets it grow by a tenth.

    Args:
        most: Calls in flight at most, and to begin with.

    Example:
        >>> limit = Concurrency(64)
        >>> for _ in range(13):
        ...     limit.answered(busy=True, started=0.0, now=1.0, after=2.0)
        >>> limit.limit, limit.rest_until
        (44, 3.0)
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.rest_until = -math.inf
        """Time before which no call is to start."""
        self._limit = float(most)
        self._recent: deque[bool] = deque(maxlen=_WINDOW)
        self._round: list[bool] = []
        self._shrunk = -math.inf

    @property
    def limit(self) -> int:
        """Calls that may be in flight now."""
        return max(1, int(self._limit))

    def answered(self, *, busy: bool, started: float, now: float, after: float = 0.0) -> None:
        """Count an answer.

        Args:
            busy: Whether it said that the endpoint has too much to do.
            started: When the call had been sent.
            now: When the answer came.
            after: Seconds after which the endpoint wants to be asked again.
        """
        if started < self._shrunk:
            if busy:
                self.rest_until = max(self.rest_until, now + after)
            return
        self._recent.append(busy)
        self._round.append(busy)
        if sum(self._recent) > _SHARE * _WINDOW:
            self._shrink(now, after)
        elif len(self._round) >= max(self.limit, _ROUND):
            self._grow()

    def _shrink(self, now: float, after: float) -> None:
        self._limit = max(1.0, self._limit * _FACTOR)
        self._shrunk = now
        self.rest_until = max(self.rest_until, now + after)
        self._recent.clear()
        self._round.clear()

    def _grow(self) -> None:
        if sum(self._round) <= _SHARE * len(self._round):
            self._limit = min(float(self.most), self._limit + max(1.0, self._limit * _GROWTH))
        self._round.clear()
