"""A guard's marks on labelled rows: measures overall, by source and by category, and latency."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from agentalign_lc.guard.engine.engine import Engine
from agentalign_lc.guard.judges.classifier import ClassifierJudge
from agentalign_lc.guard.learning.measure import Measures, measure, percentile
from agentalign_lc.guard.measuring.labelled import Labelled
from agentalign_lc.guard.opinion import Finding, Opinion
from agentalign_lc.guard.view import Checkpoint, look

__all__ = ["Marker", "Scorecard", "Scored", "by_classifier", "by_guard", "checkpoints", "mark"]

Marker = Callable[[Sequence[BaseMessage]], tuple[float, bool]]
"""Gives a conversation a score from 0 to 1, and says whether it is refused."""

_DRAWS = 200


@dataclass(frozen=True, slots=True)
class Scored:
    """A row that has been judged."""

    label: int
    score: float
    refused: bool
    source: str
    category: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Scorecard:
    """What a guard is worth on some rows."""

    overall: Measures
    by_source: dict[str, Measures]
    by_category: dict[str, Measures]
    p50: float
    """Seconds a row, median."""
    p95: float
    scored: tuple[Scored, ...]

    def to_json(self) -> dict[str, Any]:
        """The figures as JSON: the overall ones at the top, then ``by_source`` and ``by_category``."""
        return {
            **asdict(self.overall),
            "latency": {"p50": self.p50, "p95": self.p95},
            "by_source": {name: asdict(found) for name, found in self.by_source.items()},
            "by_category": {name: asdict(found) for name, found in self.by_category.items()},
        }


def mark(rows: Iterable[Labelled], marker: Marker) -> Scorecard:
    """Judge rows and measure; each text is judged by itself, as in an app.

    Example:
        >>> rows = [Labelled((HumanMessage(text),), int(text == "bad")) for text in ("bad", "good")]
        >>> card = mark(rows, lambda seen: (float(seen[0].content == "bad"), False))
        >>> card.overall.auroc, card.overall.recall
        (1.0, 0.0)
    """
    scored = tuple(_scored(row, marker) for row in rows)
    return Scorecard(
        overall=_measured(scored, draws=_DRAWS),
        by_source=_by(scored, lambda row: row.source),
        by_category=_by(scored, lambda row: row.category),
        p50=percentile((row.seconds for row in scored), 50),
        p95=percentile((row.seconds for row in scored), 95),
        scored=scored,
    )


def by_classifier(judge: ClassifierJudge) -> Marker:
    """Mark by what the user said alone."""

    def marker(messages: Sequence[BaseMessage]) -> tuple[float, bool]:
        judge.forget()  # or a text that comes twice would look fast
        found = judge.probability(look(messages))
        return found, found >= judge.refuse_from

    return marker


def by_guard(guard: Engine) -> Marker:
    """Mark by a whole guard, asked wherever it would have been asked while the conversation grew.

    The score is the highest that a judge gave; a refusal without a score counts 1.
    """

    def marker(messages: Sequence[BaseMessage]) -> tuple[float, bool]:
        score = 0.0
        for end, checkpoint in checkpoints(messages):
            decision = guard.decide(guard.look(messages[:end]), checkpoint)
            score = max([score, *(_score(opinion) for opinion in decision.opinions)])
            if not decision.allowed:
                return score, True
        return score, False

    return marker


def checkpoints(messages: Sequence[BaseMessage]) -> Iterator[tuple[int, Checkpoint]]:
    """Where a guard would have been asked: the number of messages seen then, and what was new.

    Example:
        >>> list(checkpoints([HumanMessage("Hi"), AIMessage("Hello")]))
        [(1, 'request'), (2, 'answer')]
    """
    for end, message in enumerate(messages, start=1):
        if isinstance(message, HumanMessage):
            yield end, "request"
        elif isinstance(message, AIMessage):
            yield end, "calls" if message.tool_calls else "answer"
        elif isinstance(message, ToolMessage):
            yield end, "result"


def _scored(row: Labelled, marker: Marker) -> Scored:
    begun = perf_counter()
    score, refused = marker(row.messages)
    return Scored(row.label, score, refused, row.source, row.category, perf_counter() - begun)


def _by(scored: Sequence[Scored], key: Callable[[Scored], str]) -> dict[str, Measures]:
    names = sorted({key(row) for row in scored} - {""})
    return {name: _measured([row for row in scored if key(row) == name]) for name in names}


def _measured(scored: Sequence[Scored], *, draws: int = 0) -> Measures:
    return measure(
        [row.label for row in scored],
        [row.score for row in scored],
        [row.refused for row in scored],
        draws=draws,
    )


def _score(opinion: Opinion) -> float:
    if opinion.score is not None:
        return opinion.score
    return 1.0 if opinion.finding == Finding.REFUSE else 0.0
