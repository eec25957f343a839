"""Who writes: planner, author, actor, refuser, judge; embedded or prompted."""

from agentalign_lc.roles.base import (
    Actor,
    Author,
    Brief,
    Case,
    Judge,
    Planner,
    PlanRequest,
    Refuser,
    Roles,
    needs_phrasings,
    source_of,
)

__all__ = [
    "Actor",
    "Author",
    "Brief",
    "Case",
    "Judge",
    "PlanRequest",
    "Planner",
    "Refuser",
    "Roles",
    "needs_phrasings",
    "source_of",
]
