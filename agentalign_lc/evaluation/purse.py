"""The purse of a case: what it spends of the evaluation's budget."""

from collections.abc import Iterable, Mapping
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage

from agentalign_lc.endpoints.budget import Budget
from agentalign_lc.endpoints.journal import Spend
from agentalign_lc.endpoints.price import Price, PriceTable
from agentalign_lc.endpoints.spending import total

__all__ = ["Purse", "used_by"]


class Purse:
    """Passes calls on to a budget, and remembers what they used.

    Example:
        >>> import asyncio
        >>> from agentalign_lc.endpoints.local_budget import LocalBudget
        >>> purse = Purse(LocalBudget())
        >>> asyncio.run(purse.settle(Spend(), Spend(input_tokens=3, cost=0.5)))
        >>> purse.spent.cost
        0.5
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.spent = Spend()

    async def reserve(self, most: Spend) -> None:
        """Set aside what a call may use at most.

        Raises:
            BudgetError: there is no room for it.
        """
        await self._budget.reserve(most)

    async def settle(self, most: Spend, real: Spend) -> None:
        """Give back what was set aside, and book what was used."""
        self.spent = total([self.spent, real])
        await self._budget.settle(most, real)


def used_by(
    heard: Mapping[str, Mapping[str, Any]], messages: Iterable[BaseMessage], prices: PriceTable
) -> Spend:
    """What models used that are not endpoints of ours, by their own account.

    Args:
        heard: LangChain's usage metadata by model name, of all models in an app.
        messages: What was said; counts where no model has told its name.
        prices: What models cost; one without a price costs nothing.

    Example:
        >>> used_by({"m": {"input_tokens": 7, "output_tokens": 1}}, [], PriceTable({})).input_tokens
        7
    """
    if heard:
        return total(_spend(used, prices.find(name)) for name, used in heard.items())
    said = [m.usage_metadata for m in messages if isinstance(m, AIMessage)]
    return total(_spend(used, None) for used in said if used)


def _spend(used: Mapping[str, Any], price: Price | None) -> Spend:
    cached = (used.get("input_token_details") or {}).get("cache_read")
    asked, said = int(used["input_tokens"]), int(used["output_tokens"])
    cost = price.cost(asked, said, int(cached or 0)) if price is not None else 0.0
    return Spend(input_tokens=asked, output_tokens=said, cost=cost)
