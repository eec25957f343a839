"""What may be asked of an endpoint: requests and tokens a minute, calls at once, and for how long."""

from pydantic import Field

from agentalign_lc.records import Record

__all__ = ["Limits"]


class Limits(Record):
    """Limits of one endpoint; None for none.

    Example:
        >>> Limits(requests_per_minute=500).among(2).requests_per_minute
        250.0
    """

    requests_per_minute: float | None = Field(None, gt=0)
    tokens_per_minute: float | None = Field(None, gt=0)
    concurrency: int = Field(64, ge=1)
    """Calls in flight at most; fewer while the endpoint says 429."""
    timeout: float = Field(120.0, gt=0)
    """Seconds after which a call is given up and tried again."""

    def among(self, workers: int) -> "Limits":
        """The share of one of so many workers."""
        return self.model_copy(
            update={
                "requests_per_minute": self.requests_per_minute
                and self.requests_per_minute / workers,
                "tokens_per_minute": self.tokens_per_minute and self.tokens_per_minute / workers,
                "concurrency": max(1, -(-self.concurrency // workers)),
            }
        )
