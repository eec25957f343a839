"""The journal of calls: every answer is kept when it arrives, so that none is paid twice."""

from collections.abc import Sequence
from typing import Protocol

from pydantic import Field

from agentalign_lc.records import Record

__all__ = ["Call", "Journal", "Spend"]


class Spend(Record):
    """What a call used, or will use at most."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    """US dollars, by the price table; 0 without a price."""


class Call(Record):
    """A call of an endpoint that ended, well or not."""

    unit: int
    """Number of the scenario, or whatever else is worked on as one."""
    key: str
    """Digest of what was asked of which endpoint."""
    nth: int = 0
    """How many calls with this key the unit had made before: the same may be asked twice."""
    endpoint: str
    answer: str | None
    """The message as JSON; None if the call failed for good."""
    spend: Spend = Field(default_factory=Spend)
    retries: tuple[str, ...] = ()
    """Why it was tried again, each time: ``429``, ``500``, ``timeout``, ``connection``, ..."""
    estimated: bool = False
    """That the endpoint did not say how many tokens it used, and they were estimated."""


class Journal(Protocol):
    """Where calls are kept. The one of a run is in its database; workers reach it from afar."""

    def recall(self, unit: int, key: str, nth: int) -> str | None:
        """The answer to a call that an earlier process got, if it did."""
        ...

    async def keep(self, call: Call) -> None:
        """Keep a call; when this returns, a killed process no longer loses it."""
        ...

    async def forget(self, unit: int, calls: Sequence[tuple[str, int]]) -> None:
        """Let go of answers that were of no use, so that a resumed run asks again."""
        ...
