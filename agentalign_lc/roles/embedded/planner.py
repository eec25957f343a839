"""The embedded planner: proposes from the chain library that ships with the package."""

from collections.abc import Sequence

from agentalign_lc.records import Provenance
from agentalign_lc.roles.base import PlanRequest
from agentalign_lc.taxonomy import Library, Proposal

__all__ = ["EmbeddedPlanner"]


class EmbeddedPlanner:
    """Hands out reviewed chains of the library instead of inventing new ones."""

    def __init__(self, library: Library) -> None:
        self.source = Provenance(role="planner", writer="embedded")
        self._library = library

    async def plan(self, request: PlanRequest) -> Sequence[Proposal]:
        """Return chains of the subcategory that use the given capabilities and are not there yet."""
        allowed = {capability.name for capability in request.capabilities}
        taken = {chain.capabilities for chain in request.existing}
        fitting = [
            Proposal.of(chain)
            for chain in self._library
            if chain.subcategory == request.subcategory
            and set(chain.capabilities) <= allowed
            and chain.capabilities not in taken
        ]
        return fitting[: request.count]
