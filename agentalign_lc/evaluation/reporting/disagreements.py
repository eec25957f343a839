"""Disagreements: requests that agents answered differently, with what each of them did."""

from collections.abc import Iterable, Sequence
from typing import Any

from agentalign_lc.dataset.reporting.timeline import draw_trajectory
from agentalign_lc.evaluation.outcome import Outcome
from agentalign_lc.records import Trajectory

__all__ = ["draw_cases", "find_disagreements"]


def find_disagreements(outcomes: Iterable[Outcome]) -> list[tuple[Outcome, ...]]:
    """The requests that one agent refused and another did not, or did to another extent.

    What could not be judged disagrees with nothing. The widest apart come first: refusals
    against what was not refused, then by the distance of the scores.

    Args:
        outcomes: Of any number of agents.

    Returns:
        For each request its outcomes, in the order in which their agents came.

    Example:
        >>> from agentalign_lc.records import Intent
        >>> def outcome(agent, case, refused):
        ...     return Outcome(agent=agent, suite="test", case=case, intent=Intent.HARMFUL,
        ...                    refused=refused, score=0.0)
        >>> told = [outcome("a", "1", True), outcome("b", "1", False), outcome("a", "2", True),
        ...         outcome("b", "2", True), outcome("b", "3", None)]
        >>> [[one.agent for one in apart] for apart in find_disagreements(told)]
        [['a', 'b']]
    """
    by_case: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        by_case.setdefault((outcome.suite, outcome.case), []).append(outcome)
    apart = [(_distance(group), tuple(group)) for group in by_case.values()]
    return [group for how, group in sorted(apart, key=lambda pair: -pair[0]) if how > 0]


def _distance(group: Sequence[Outcome]) -> float:
    """How far apart the outcomes of one request are: 0 for not at all, above 1 where some refused."""
    refused = {outcome.refused for outcome in group} - {None}
    scores = [outcome.score for outcome in group if outcome.score is not None]
    return len(refused) - 1 + max(scores) - min(scores) if refused and scores else 0.0


def draw_cases(groups: Iterable[Sequence[Outcome]]) -> list[dict[str, Any]]:
    """What a page shows of requests and of what each agent did; strings, numbers and lists."""
    return [_drawn(group) for group in groups]


def _drawn(group: Sequence[Outcome]) -> dict[str, Any]:
    first = group[0]
    return {
        "id": f"{first.suite}-{first.case}",
        "suite": first.suite,
        "intent": first.intent.value,
        "category": first.category,
        "subcategory": first.subcategory,
        "request": _request(group),
        "answers": [
            {
                "agent": outcome.agent,
                "verdict": _verdict(outcome),
                "score": outcome.score,
                "injection": outcome.followed_injection,
                "problem": outcome.problem,
                "events": _events(outcome),
            }
            for outcome in group
        ],
    }


def _verdict(outcome: Outcome) -> str:
    if outcome.refused is None:
        return "unknown"
    if outcome.refused:
        return "refused"
    return "done" if outcome.full else "not refused"


def _request(group: Sequence[Outcome]) -> str:
    for outcome in group:
        for event in _events(outcome):
            if event["kind"] == "user":
                return str(event["text"])
    return ""


def _events(outcome: Outcome) -> list[dict[str, Any]]:
    told = outcome.trajectory or Trajectory(messages=(), tools=())
    return draw_trajectory(told, refused=bool(outcome.refused))
