"""What a judge of the guard is, and what it says."""

from enum import StrEnum
from typing import Protocol, runtime_checkable

from agentalign_lc.guard.view import Checkpoint, View
from agentalign_lc.records import Record

__all__ = ["Finding", "Judge", "Opinion", "allow", "refuse", "unsure"]


class Finding(StrEnum):
    """What a judge found."""

    ALLOW = "allow"
    REFUSE = "refuse"
    UNSURE = "unsure"
    """It cannot tell; the next judge is asked."""


class Opinion(Record):
    """What a judge says about one checkpoint."""

    judge: str
    finding: Finding
    reason: str = ""
    """One line for the audit; a refusal has one."""
    category: str = ""
    """Kind of harm, a subcategory of the taxonomy where there is one."""
    score: float | None = None
    """How harmful, from 0 to 1; a calibrated probability where the judge has one."""
    calls: tuple[str, ...] = ()
    """Ids of the pending calls that it is about; empty for all of them, or the run itself."""
    rule: str = ""
    """The policy's rule that was broken, where the judge goes by rules; it may name its action."""


@runtime_checkable
class Judge(Protocol):
    """Looks at a view; sync and async, with the same answer.

    A judge that waits for nothing gives ``ajudge`` by calling ``judge``. It may
    raise: what happens then is for the policy to say.
    """

    name: str
    checkpoints: frozenset[Checkpoint]
    """Where it is asked."""

    def judge(self, view: View, checkpoint: Checkpoint) -> Opinion:
        """Say what it finds."""
        ...

    async def ajudge(self, view: View, checkpoint: Checkpoint) -> Opinion:
        """Say what it finds."""
        ...


def allow(judge: str, reason: str = "", score: float | None = None) -> Opinion:
    """An opinion that nothing is wrong."""
    return Opinion(judge=judge, finding=Finding.ALLOW, reason=reason, score=score)


def refuse(
    judge: str,
    reason: str,
    *,
    category: str = "",
    score: float | None = None,
    calls: tuple[str, ...] = (),
) -> Opinion:
    """An opinion that it must not happen, and why.

    Example:
        >>> refuse("rules", "money leaves for an unknown account", category="phishing").finding
        <Finding.REFUSE: 'refuse'>
    """
    return Opinion(
        judge=judge,
        finding=Finding.REFUSE,
        reason=reason,
        category=category,
        score=score,
        calls=calls,
    )


def unsure(judge: str, reason: str = "", score: float | None = None) -> Opinion:
    """No opinion."""
    return Opinion(judge=judge, finding=Finding.UNSURE, reason=reason, score=score)
