"""Labels for traces: from the guard's judges, from a chat model; and which of several counts.

A judge that breaks, or cannot tell, gives ``unknown``, which never becomes data.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from agentalign_lc.environment.catalog import Catalog
from agentalign_lc.errors import AgentAlignError, StopError, one_line
from agentalign_lc.guard.engine.decision import Decision
from agentalign_lc.guard.engine.engine import Engine
from agentalign_lc.guard.measuring.replay import replay
from agentalign_lc.guard.opinion import Finding, Judge, Opinion
from agentalign_lc.guard.view import look
from agentalign_lc.traces.assembly import NOTHING_SAID, trajectory
from agentalign_lc.traces.tools import trace_tools
from agentalign_lc.traces.trace import Label, Trace

__all__ = ["PERSON", "GuardLabeller", "JudgeLabeller", "Labeller", "broke", "settled"]

PERSON = "person"
"""Who gave a label that no judge gave."""


_BROKE = "a judge broke: "


class Labeller(Protocol):
    """Says what a trace is."""

    name: str

    def label(self, trace: Trace) -> Label:
        """Label a trace; it never raises for what the trace holds."""
        ...


class GuardLabeller:
    """Goes through a conversation as a guard would have, and labels it by what it decides.

    The first checkpoint at which the judges refuse makes a trace harmful. It is
    benign if nobody refused and a judge allowed whatever it was asked about;
    where all were unsure or one broke, nobody knows.

    Args:
        guard: Its judges and policy; a policy that asks a person counts as unsure.
        catalog: Tells which capabilities the trace's tools serve.
        name: Its name in labels.
    """

    def __init__(self, guard: Engine, catalog: Catalog, name: str = "guard") -> None:
        self.name = name
        self._guard = guard
        self._catalog = catalog

    def label(self, trace: Trace) -> Label:
        """Label a trace."""
        run = trajectory(trace) or NOTHING_SAID
        tools = trace_tools(run, self._catalog)
        doubt, score = "", 0.0
        asked = False
        for seen in replay(self._guard, run.messages, tools):
            asked, decision = True, seen.decision
            score = max([score, *(o.score for o in decision.opinions if o.score is not None)])
            if decision.error:
                doubt = doubt or f"{_BROKE}{decision.error}"
            elif not decision.allowed and decision.action != "ask" and decision.refusal:
                return _harmful(trace, self.name, decision.refusal, seen.end)
            else:
                doubt = doubt or _doubt(decision)
        if not asked:
            doubt = "it holds no conversation"
        return Label(
            trace=trace.id,
            label="unknown" if doubt else "benign",
            by=self.name,
            reason=doubt,
            score=round(score, 4),
        )


class JudgeLabeller:
    """Shows a judge the whole conversation at once: one question a trace, for judges that cost.

    Args:
        judge: For example :class:`~agentalign_lc.guard.ModelJudge`.
        name: Its name in labels; the judge's own by default.
    """

    def __init__(self, judge: Judge, name: str = "") -> None:
        self.name = name or judge.name
        self._judge = judge

    def label(self, trace: Trace) -> Label:
        """Label a trace."""
        run = trajectory(trace) or NOTHING_SAID
        if not run.messages:
            return _unknown(trace, self.name, "it holds no conversation")
        try:
            opinion = self._judge.judge(look(run.messages), "answer")
        except StopError:
            raise  # no trace will fare better
        except AgentAlignError as error:
            return _unknown(trace, self.name, f"{_BROKE}{error}")
        if opinion.finding == Finding.REFUSE:
            return _harmful(trace, self.name, opinion, None)
        if opinion.finding == Finding.UNSURE:
            return _unknown(trace, self.name, opinion.reason or "the judge could not tell")
        return Label(
            trace=trace.id,
            label="benign",
            by=self.name,
            reason=opinion.reason,
            score=opinion.score,
        )


def broke(label: Label) -> bool:
    """Whether a label only says that a judge failed, which it may not do the next time.

    Example:
        >>> broke(Label(trace="t", label="unknown", by="gpt", reason="a judge broke: no answer"))
        True
    """
    return label.label == "unknown" and label.reason.startswith(_BROKE)


def settled(labels: Iterable[Label]) -> Label | None:
    """Which of a trace's labels counts: a person's before any judge's, a later before an earlier.

    An ``unknown`` of a judge does not undo what another found; one of a person
    does.

    Returns:
        None if there is none, or nobody knows.

    Example:
        >>> first = Label(trace="t", label="harmful", by="guard")
        >>> settled([Label(trace="t", label="benign", by="person"), first]).label
        'benign'
    """
    given: Sequence[Label] = list(labels)
    by_person = [label for label in given if label.by == PERSON]
    if by_person:
        return by_person[-1] if by_person[-1].label != "unknown" else None
    known = [label for label in given if label.label != "unknown"]
    return known[-1] if known else None


def _doubt(decision: Decision) -> str:
    """Why nobody can say that a checkpoint is fine; empty if somebody can."""
    unsure = [o for o in decision.opinions if o.finding == Finding.UNSURE]
    allowed = any(o.finding == Finding.ALLOW for o in decision.opinions)
    # Rules say nothing where they find nothing; that a request reads harmless is said by others.
    if decision.checkpoint != "request" or not unsure or allowed:
        return ""
    return f"nobody could tell: {unsure[-1].reason or unsure[-1].judge}"


def _harmful(trace: Trace, by: str, opinion: Opinion, at: int | None) -> Label:
    return Label(
        trace=trace.id,
        label="harmful",
        by=by,
        reason=f"{opinion.judge}: {opinion.reason}",
        category=opinion.category,
        score=opinion.score,
        at=at,
    )


def _unknown(trace: Trace, by: str, why: str) -> Label:
    return Label(trace=trace.id, label="unknown", by=by, reason=one_line(why, 500))
