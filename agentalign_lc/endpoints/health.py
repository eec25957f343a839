"""Health: whether an endpoint that only fails is to be called dead."""

import math

__all__ = ["Health"]


class Health:
    """Counts failures since the last success.

    Pure: it is told what happened and when. An endpoint is dead when nothing
    succeeded for so long and so many calls failed meanwhile; the time runs from
    the start of the first call that failed, so that an endpoint which hangs is
    found dead when its first timeouts come, and one that nobody asked is not.

    Args:
        patience: Seconds.
        failures: How many calls must have failed.

    Example:
        >>> health = Health(patience=30, failures=2)
        >>> health.failed(started=0, now=1), health.failed(started=20, now=31)
        (False, True)
    """

    def __init__(self, patience: float, failures: int = 5) -> None:
        self.patience = patience
        self.failures = failures
        self._failed = 0
        self._since = math.inf
        self._succeeded = -math.inf

    def succeeded(self, now: float) -> None:
        """Count a success."""
        self._failed, self._since, self._succeeded = 0, math.inf, now

    def failed(self, *, started: float, now: float) -> bool:
        """Count a failure, and say whether the endpoint is dead."""
        self._failed += 1
        self._since = max(min(self._since, started), self._succeeded)
        return self._failed >= self.failures and now - self._since >= self.patience
