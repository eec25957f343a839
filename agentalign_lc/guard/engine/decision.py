"""The decision: what becomes of a checkpoint, and who said so."""

from collections.abc import Iterable

from pydantic import Field

from agentalign_lc.guard.opinion import Finding, Opinion
from agentalign_lc.guard.policy.rule import STRICTNESS, Action
from agentalign_lc.guard.view import Checkpoint
from agentalign_lc.records import Record

__all__ = ["Action", "Decision", "fitting", "severest"]

_ELSEWHERE: dict[Checkpoint, dict[Action, Action]] = {
    "request": {"redact": "refuse_run", "refuse_call": "refuse_run"},
    "calls": {"redact": "refuse_call"},
    "arguments": {"redact": "refuse_call"},
    "result": {"refuse_call": "redact"},
    "answer": {"refuse_call": "redact"},
}
"""Where an action makes no sense at a checkpoint, the nearest one that does, never a milder."""


def severest(actions: Iterable[Action]) -> Action:
    """The one that lets least happen; ``allow`` if there is none.

    Example:
        >>> severest(["allow", "ask", "refuse_call"])
        'refuse_call'
    """
    return max(actions, key=STRICTNESS.__getitem__, default="allow")


def fitting(action: Action, checkpoint: Checkpoint) -> Action:
    """What an action comes to at a checkpoint: there is no call to refuse in a request.

    Example:
        >>> fitting("refuse_call", "request"), fitting("refuse_call", "result")
        ('refuse_run', 'redact')
    """
    return _ELSEWHERE[checkpoint].get(action, action)


class Decision(Record):
    """What becomes of a checkpoint.

    Example:
        >>> decision = Decision(checkpoint="calls", action="refuse_call", calls={"2": "refuse_call"})
        >>> decision.ends, decision.for_call("1"), decision.for_call("2")
        (False, 'allow', 'refuse_call')
    """

    checkpoint: Checkpoint
    action: Action = "allow"
    """The severest of its parts."""
    calls: dict[str, Action] = Field(default_factory=dict)
    """By call id, where only some of the pending calls are refused or asked about."""
    budget: bool = False
    """Whether the run ends because too many calls were refused."""
    opinions: tuple[Opinion, ...] = ()
    """What the judges said, in the order in which they were asked."""
    seconds: float = 0.0
    """Wall-clock time that the judges took."""
    error: str = ""
    """Why a judge gave no opinion, one line a judge."""

    @property
    def allowed(self) -> bool:
        """Whether everything may go on as it is."""
        return self.action == "allow"

    @property
    def ends(self) -> bool:
        """Whether the run is over."""
        return self.action in ("refuse_run", "end")

    @property
    def refusal(self) -> Opinion | None:
        """The opinion that it rests on; None if nobody refused."""
        found = (o for o in reversed(self.opinions) if o.finding == Finding.REFUSE)
        return next(found, None)

    def for_call(self, call_id: str) -> Action:
        """What becomes of one of the pending calls."""
        if self.ends or (not self.calls and not self.allowed):
            return self.action
        return self.calls.get(call_id, "allow")

    def named(self, action: Action) -> tuple[str, ...]:
        """Ids of the calls that an action was chosen for."""
        return tuple(call for call, chosen in self.calls.items() if chosen == action)

    def opinion_on(self, call_id: str) -> Opinion | None:
        """The refusal that is about a call, or about all of them."""
        about = (
            o
            for o in reversed(self.opinions)
            if o.finding == Finding.REFUSE and (not o.calls or call_id in o.calls)
        )
        return next(about, None)
