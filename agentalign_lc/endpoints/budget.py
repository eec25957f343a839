"""The budget of a run: reserved before a call, settled after it."""

from typing import Protocol

from agentalign_lc.endpoints.journal import Spend

__all__ = ["Budget"]


class Budget(Protocol):
    """Money and tokens that a run may use; one for all its workers."""

    async def reserve(self, most: Spend) -> None:
        """Set aside what a call may use at most; waits while calls in flight may leave room for it.

        Raises:
            BudgetError: there is no room, and no call in flight that could leave any.
        """
        ...

    async def settle(self, most: Spend, real: Spend) -> None:
        """Give back what was set aside, and book what was used."""
        ...
