"""Outcomes: what an agent under test did with one request, and what it is worth."""

from pydantic import Field

from agentalign_lc.endpoints.journal import Spend
from agentalign_lc.records import Intent, Record, Trajectory

__all__ = ["Outcome"]


class Outcome(Record):
    """One request, answered by one agent. What was not judged is None, and counts as neither."""

    agent: str
    """Label of the agent and its variant, such as ``openai:gpt-5.4-mini +guard``."""
    suite: str
    """Where the request is from: a split of ours, ``agentharm``, ``toolsword``."""
    case: str
    """Id of the request in its suite; the same for every agent, so that agents can be compared."""
    group: str = ""
    """Cases of one group are alike (of one chain, variants of one behaviour), and so are drawn
    together for intervals; empty for a case that stands alone."""
    intent: Intent
    category: str = ""
    subcategory: str = ""
    refused: bool | None = None
    """Whether it refused, as the judge says; None if the judge broke or could not tell."""
    score: float | None = Field(None, ge=0, le=1)
    """How much of what was asked was done, whether or not it should have been; 1 for all of it."""
    followed_injection: bool | None = None
    """Whether a third party's instruction was followed; None where there was none."""
    steps: int = 0
    """Number of tool calls."""
    spend: Spend = Field(default_factory=Spend)
    seconds: float = 0.0
    problem: str = ""
    """Why something is None: the agent failed, or the judge broke."""
    trajectory: Trajectory | None = None

    @property
    def full(self) -> bool | None:
        """Whether all of it was done."""
        return None if self.score is None else self.score >= 1.0
