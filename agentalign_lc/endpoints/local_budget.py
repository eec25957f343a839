"""The budget of a run, kept in the process that owns it."""

import asyncio
from collections import deque

from agentalign_lc.endpoints.journal import Spend
from agentalign_lc.errors import BudgetError

__all__ = ["LocalBudget"]


class LocalBudget:
    """Money and tokens that a run may use.

    A call is admitted if what was used, what calls in flight may still use and
    what it may use itself all fit. As long as no call uses more than was
    reserved for it, the maximum is never passed; and the run stops no earlier
    than the price of one call before it.

    Args:
        max_cost: US dollars; None for no maximum.
        max_tokens: Input and output tokens together; None for no maximum.
        spent: What the run has used so far.

    Example:
        >>> async def main():
        ...     budget = LocalBudget(max_cost=1.0)
        ...     most = Spend(cost=0.6)
        ...     await budget.reserve(most)
        ...     await budget.settle(most, Spend(cost=0.5))
        ...     try:
        ...         await budget.reserve(most)
        ...     except BudgetError as error:
        ...         return str(error)
        >>> print(asyncio.run(main()))
        the budget is used up: $0.50 of $1.00, and the next call may need $0.60;
        raise --max-cost and continue with --resume
    """

    def __init__(
        self,
        max_cost: float | None = None,
        max_tokens: int | None = None,
        spent: Spend | None = None,
    ) -> None:
        self.max_cost = max_cost
        self.max_tokens = max_tokens
        spent = spent or Spend()
        self._cost, self._tokens = spent.cost, _tokens(spent)
        self._reserved_cost, self._reserved_tokens = 0.0, 0
        self._reserved = 0
        self._waiting: deque[tuple[Spend, asyncio.Future[None]]] = deque()
        self._refusal: str | None = None

    @property
    def cost(self) -> float:
        """US dollars used so far."""
        return self._cost

    @property
    def tokens(self) -> int:
        """Tokens used so far."""
        return self._tokens

    async def reserve(self, most: Spend) -> None:
        """Set aside what a call may use at most; waits while calls in flight may leave room for it.

        Raises:
            BudgetError: there is no room, and no call in flight that could leave any.
        """
        room: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((most, room))
        self._admit()
        try:
            await room
        except asyncio.CancelledError:
            if room.done() and not room.cancelled() and room.exception() is None:
                self._give_back(most)
            raise

    async def settle(self, most: Spend, real: Spend) -> None:
        """Give back what was set aside, and book what was used."""
        self._cost += real.cost
        self._tokens += _tokens(real)
        self._give_back(most)

    def _admit(self) -> None:
        """Let those go on for whom there is room, in their order; turn away who never gets any."""
        while self._waiting:
            most, room = self._waiting[0]
            if room.done():
                self._waiting.popleft()
            elif self._refusal is not None:
                # A smaller call may fit, but the run stops: it would be paid for and lost.
                self._waiting.popleft()
                room.set_exception(BudgetError(self._refusal))
            elif self._fits(most):
                self._waiting.popleft()
                self._reserved += 1
                self._reserved_cost += most.cost
                self._reserved_tokens += _tokens(most)
                room.set_result(None)
            elif not self._reserved:
                self._refusal = self._used_up(most)
            else:
                return

    def _give_back(self, most: Spend) -> None:
        self._reserved -= 1
        # Sums of floats leave crumbs, which must not stop the last call.
        self._reserved_cost = self._reserved_cost - most.cost if self._reserved else 0.0
        self._reserved_tokens -= _tokens(most)
        self._admit()

    def _fits(self, most: Spend) -> bool:
        cost = self._cost + self._reserved_cost + most.cost
        tokens = self._tokens + self._reserved_tokens + _tokens(most)
        return (self.max_cost is None or cost <= self.max_cost) and (
            self.max_tokens is None or tokens <= self.max_tokens
        )

    def _used_up(self, most: Spend) -> str:
        if self.max_cost is not None and self._cost + most.cost > self.max_cost:
            used = f"{_dollars(self._cost)} of {_dollars(self.max_cost)}"
            more, option = _dollars(most.cost), "--max-cost"
        else:
            used = f"{self._tokens:,} of {self.max_tokens:,} tokens"
            more, option = f"{_tokens(most):,}", "--max-tokens"
        return (
            f"the budget is used up: {used}, and the next call may need {more};"
            f" raise {option} and continue with --resume"
        )


def _tokens(spend: Spend) -> int:
    return spend.input_tokens + spend.output_tokens


def _dollars(cost: float) -> str:
    return f"${cost:.2f}" if cost >= 0.1 or not cost else f"${cost:.6f}".rstrip("0")
