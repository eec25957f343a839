"""Spending: what one endpoint was asked in a run, what it cost, and what all of them cost together."""

from collections.abc import Iterable, Mapping

from pydantic import Field

from agentalign_lc.endpoints.journal import Call, Spend
from agentalign_lc.records import Record

__all__ = ["Spending", "total"]


class Spending(Record):
    """All calls of one endpoint, added up."""

    endpoint: str
    calls: int = 0
    """Calls that ended, well or not."""
    failed: int = 0
    """Calls that failed for good."""
    retries: Mapping[str, int] = Field(default_factory=dict)
    """How often a call was tried again, by reason."""
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    """US dollars."""
    estimated: int = 0
    """Calls whose tokens were estimated, because the endpoint did not say."""

    def plus(self, call: Call) -> "Spending":
        """With one more call.

        Example:
            >>> first = Call(unit=0, key="k", endpoint="m", answer="{}", retries=("429", "429"))
            >>> spending = Spending(endpoint="m").plus(first)
            >>> spending.calls, dict(spending.retries)
            (1, {'429': 2})
        """
        retries = dict(self.retries)
        for reason in call.retries:
            retries[reason] = retries.get(reason, 0) + 1
        return Spending(
            endpoint=self.endpoint,
            calls=self.calls + 1,
            failed=self.failed + (call.answer is None),
            retries=retries,
            input_tokens=self.input_tokens + call.spend.input_tokens,
            output_tokens=self.output_tokens + call.spend.output_tokens,
            cost=self.cost + call.spend.cost,
            estimated=self.estimated + call.estimated,
        )


def total(parts: Iterable[Spend | Spending]) -> Spend:
    """What calls, or endpoints, used and cost together.

    Example:
        >>> total([Spending(endpoint="a", cost=0.5), Spend(cost=1.0)]).cost
        1.5
    """
    kept = list(parts)
    return Spend(
        input_tokens=sum(part.input_tokens for part in kept),
        output_tokens=sum(part.output_tokens for part in kept),
        cost=sum(part.cost for part in kept),
    )
