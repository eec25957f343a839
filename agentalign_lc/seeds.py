"""Content ids, derived random streams and the virtual clock.

Nothing random is global: every draw comes from a stream that is derived from
the run's seed and a path of names, so the same seed gives the same bytes in
any order, at any concurrency, in another process and on another day.
"""

import hashlib
import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

__all__ = ["VirtualClock", "canonical_json", "content_id", "derive_seed", "stream"]

_EPOCH = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
# Made once: `json.dumps` makes an encoder at every call that wants other separators than its own.
_encode = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode


def canonical_json(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Serialise a JSON value so that equal values give equal bytes.

    Example:
        >>> canonical_json({"b": 1, "a": "é"})
        '{"a":"é","b":1}'
    """
    return _encode(value)


def content_id(prefix: str, value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Name a value by its content: ``prefix-`` and 12 hex digits of its SHA-256.

    Example:
        >>> content_id("chain", {"steps": ["search.web_search"]})
        'chain-4152f476b6a9'
    """
    digest = hashlib.sha256(canonical_json(value).encode()).hexdigest()
    return f"{prefix}-{digest[:12]}"


def derive_seed(seed: int | str, *path: str | int) -> str:
    """Derive the seed of a part from the seed of the whole: 32 hex digits.

    Example:
        >>> derive_seed(7, "scenario", 3) == derive_seed(7, "scenario", 3)
        True
        >>> derive_seed(7, "scenario", 3) == derive_seed(7, "scenario", 4)
        False
    """
    # Part by part, since an encoder writes a text or a number at once and a list with much ado.
    parts = ",".join([repr(p) if type(p) is int else _encode(p) for p in (seed, *path)])
    return hashlib.sha256(f"[{parts}]".encode()).hexdigest()[:32]


def stream(seed: int | str, *path: str | int) -> random.Random:
    """Open the random stream of a part.

    Example:
        >>> stream(7, "author").random() == stream(7, "author").random()
        True
    """
    return random.Random(int(derive_seed(seed, *path), 16))


class VirtualClock:
    """The time inside a simulated world: starts and advances by its seed alone.

    Example:
        >>> clock = VirtualClock("a world")
        >>> before = clock.now()
        >>> clock.tick() > before
        True
    """

    def __init__(self, seed: int | str) -> None:
        self._random = stream(seed, "clock")
        days = self._random.randrange(0, 330)
        self._now = _EPOCH + timedelta(days=days, seconds=self._random.randrange(0, 36_000))

    def now(self) -> datetime:
        """Return the present moment of the world (UTC, whole seconds)."""
        return self._now

    def tick(self) -> datetime:
        """Let 2 to 40 seconds pass, as between two calls of an agent."""
        self._now += timedelta(seconds=self._random.randint(2, 40))
        return self._now
