"""The table: what agents did, by intent, with intervals, and what variants change on the same cases."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from agentalign_lc.evaluation.outcome import Outcome
from agentalign_lc.intervals import interval, resamples
from agentalign_lc.records import Intent, Record
from agentalign_lc.seeds import canonical_json

__all__ = ["MEASURES", "Difference", "Measure", "Row", "Table", "base_of", "mcnemar", "tabulate"]

MEASURES: dict[str, Callable[[Outcome], float | None]] = {
    "score": lambda o: o.score,
    "full": lambda o: None if o.full is None else float(o.full),
    "refused": lambda o: None if o.refused is None else float(o.refused),
    "non_refusal_score": lambda o: o.score if o.refused is False else None,
    "followed_injection": lambda o: (
        None if o.followed_injection is None else float(o.followed_injection)
    ),
    "steps": lambda o: None if o.score is None else float(o.steps),
    "tokens": lambda o: float(o.spend.input_tokens + o.spend.output_tokens),
    "cost": lambda o: o.spend.cost,
    "seconds": lambda o: o.seconds,
}
"""What is measured of an outcome; None where it says nothing about that.

Means over cases: ``score`` and ``full`` (all was done), ``refused``, ``non_refusal_score`` (score of
what was not refused), ``followed_injection`` (of the cases that had one), ``steps`` (tool calls),
``tokens``, ``cost`` (US dollars a case), ``seconds`` (in no file: they differ from run to run).
"""

_PAIRED = ("score", "full", "refused", "followed_injection", "steps", "cost")
_YES_OR_NO = ("full", "refused", "followed_injection")


class Measure(Record):
    """A mean over cases, with its 95 % interval."""

    value: float
    low: float | None
    """None where there is a single group to draw from."""
    high: float | None
    cases: int
    """Number of cases that say something about it."""


class Row(Record):
    """What one agent did with the cases of one suite and one intent (and category, if asked for)."""

    agent: str
    suite: str
    intent: Intent
    category: str = ""
    cases: int
    unknown: int
    """Cases of which it is not known whether they were refused, or how much was done."""
    measures: dict[str, Measure]
    """By name (``MEASURES``); one about which no case says anything is left out."""


class Difference(Record):
    """What changes from one agent or variant to another, on the same cases."""

    agent: str
    against: str
    suite: str
    intent: Intent
    measure: str
    difference: float
    """Mean of the first minus mean of the other."""
    low: float | None
    high: float | None
    cases: int
    """Number of cases that both have."""
    p: float | None = None
    """McNemar's exact test, for what is yes or no: how probable so uneven a change is by chance. It
    takes each case by itself, where the interval knows that cases of a group are alike."""


class Table(Record):
    """Rows by agent, suite and intent; differences between variants and agents."""

    rows: tuple[Row, ...]
    differences: tuple[Difference, ...]
    cases: int
    """Number of outcomes."""
    unknown: int
    problems: tuple[tuple[str, int], ...] = ()
    """Why outcomes are unknown, with how many, the most frequent first."""

    def row(self, agent: str, intent: Intent, suite: str | None = None) -> Row:
        """The row of an agent and an intent.

        Raises:
            KeyError: there is none.
        """
        for row in self.rows:
            if row.agent == agent and row.intent is intent and suite in (None, row.suite):
                return row
        raise KeyError((agent, intent, suite))

    def to_json(self) -> str:
        """All but the timings, so that the same seed gives the same bytes."""
        plain = self.model_dump(mode="json")
        for row in plain["rows"]:
            row["measures"].pop("seconds", None)
        return canonical_json(plain) + "\n"


def base_of(agent: str) -> str:
    """The agent of a label, without its variant.

    Example:
        >>> base_of("openai:gpt-5.4-mini +cot +guard")
        'openai:gpt-5.4-mini'
    """
    return agent.partition(" +")[0]


def tabulate(outcomes: Iterable[Outcome], *, by_category: bool = False, draws: int = 1000) -> Table:
    """Make the table of some outcomes.

    Intervals are drawn over groups of cases that are alike (``Outcome.group``). Every variant is
    compared with the first one of its agent, every other agent with the first agent.

    Args:
        outcomes: In the order in which agents, suites are to stand.
        by_category: Whether each category of harm has rows of its own.
        draws: Number of bootstrap samples.

    Example:
        >>> done = [Outcome(agent="a", suite="s", case=c, intent="benign", score=1, refused=False)
        ...         for c in "xy"]
        >>> tabulate(done).row("a", Intent.BENIGN).measures["score"]
        Measure(value=1.0, low=1.0, high=1.0, cases=2)
    """
    kept = [outcome.model_copy(update={"trajectory": None}) for outcome in outcomes]
    cells: dict[tuple[str, str, Intent, str], list[Outcome]] = defaultdict(list)
    for outcome in kept:
        category = outcome.category if by_category else ""
        cells[outcome.agent, outcome.suite, outcome.intent, category].append(outcome)
    places = {intent: place for place, intent in enumerate(Intent)}
    agents = list(dict.fromkeys(outcome.agent for outcome in kept))
    suites = list(dict.fromkeys(outcome.suite for outcome in kept))
    order = sorted(
        cells, key=lambda c: (suites.index(c[1]), agents.index(c[0]), places[c[2]], c[3])
    )
    unknown = [outcome for outcome in kept if _unknown(outcome)]
    return Table(
        rows=tuple(_row(key, cells[key], draws) for key in order),
        differences=() if by_category else tuple(_differences(agents, suites, cells, draws)),
        cases=len(kept),
        unknown=len(unknown),
        problems=_problems(unknown),
    )


def mcnemar(only_first: int, only_second: int) -> float:
    """McNemar's exact test: two-sided probability of so uneven a split of the cases that differ.

    Example:
        >>> mcnemar(0, 6), mcnemar(3, 3), mcnemar(0, 0)
        (0.03125, 1.0, 1.0)
    """
    total, fewer = only_first + only_second, min(only_first, only_second)
    tail = sum(math.comb(total, k) for k in range(fewer + 1))
    # Whole numbers as long as possible: 2.0 ** total overflows.
    return float(min(1.0, 2 * tail / 2**total))


def _unknown(outcome: Outcome) -> bool:
    # A suite that has no goals has no score either; where there should be one, a problem says why.
    return outcome.refused is None or (outcome.score is None and bool(outcome.problem))


def _problems(unknown: Sequence[Outcome]) -> tuple[tuple[str, int], ...]:
    counts: dict[str, int] = defaultdict(int)
    for outcome in unknown:
        counts[outcome.problem or "no reason is given"] += 1
    return tuple(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def _row(key: tuple[str, str, Intent, str], outcomes: Sequence[Outcome], draws: int) -> Row:
    agent, suite, intent, category = key
    columns = {
        name: [(_group(outcome), value(outcome)) for outcome in outcomes]
        for name, value in MEASURES.items()
    }
    return Row(
        agent=agent,
        suite=suite,
        intent=intent,
        category=category,
        cases=len(outcomes),
        unknown=sum(map(_unknown, outcomes)),
        measures=_measured(columns, draws),
    )


def _group(outcome: Outcome) -> str:
    return outcome.group or outcome.case


def _measured(columns: dict[str, list[tuple[str, float | None]]], draws: int) -> dict[str, Measure]:
    """Means with intervals over groups; the same samples for every column."""
    groups = sorted({group for column in columns.values() for group, _ in column})
    place = {group: at for at, group in enumerate(groups)}
    sums = {name: [0.0] * len(groups) for name in columns}
    counts = {name: [0] * len(groups) for name in columns}
    for name, column in columns.items():
        for group, value in sorted(column, key=lambda pair: (pair[0], pair[1] or 0.0)):
            if value is not None:
                sums[name][place[group]] += value
                counts[name][place[group]] += 1
    samples = list(resamples([range(len(groups))], draws=draws))
    measured = {}
    for name in columns:
        total, cases = sums[name], counts[name]
        if not sum(cases):
            continue
        # With one group to draw from, chance has no say, and an interval would pretend to know.
        several = sum(map(bool, cases)) > 1
        drawn = [
            sum(total[at] for at in sample) / size
            for sample in (samples if several else ())
            if (size := sum(cases[at] for at in sample))
        ]
        low, high = interval(drawn) if drawn else (None, None)
        measured[name] = Measure(
            value=math.fsum(total) / sum(cases), low=low, high=high, cases=sum(cases)
        )
    return measured


def _differences(
    agents: Sequence[str],
    suites: Sequence[str],
    cells: dict[tuple[str, str, Intent, str], list[Outcome]],
    draws: int,
) -> Iterable[Difference]:
    for suite in suites:
        for agent, against in _pairs(agents):
            for intent in Intent:
                ours, theirs = (
                    cells.get((agent, suite, intent, "")),
                    cells.get((against, suite, intent, "")),
                )
                if ours and theirs:
                    yield from _compared(ours, theirs, draws)


def _pairs(agents: Sequence[str]) -> Iterable[tuple[str, str]]:
    """Each variant with the first of its agent, each further agent with the first one."""
    first: dict[str, str] = {}
    for agent in agents:
        base = base_of(agent)
        against = first.setdefault(base, agent)
        if against != agent:
            yield agent, against
        elif agent != agents[0]:
            yield agent, agents[0]


def _compared(
    ours: Sequence[Outcome], theirs: Sequence[Outcome], draws: int
) -> Iterable[Difference]:
    others = {outcome.case: outcome for outcome in theirs}
    both = [(one, others[one.case]) for one in ours if one.case in others]
    for name in _PAIRED:
        value = MEASURES[name]
        pairs = [
            (_group(one), first, second)
            for one, other in both
            if (first := value(one)) is not None and (second := value(other)) is not None
        ]
        if not pairs or (name == "cost" and not any(one or other for _, one, other in pairs)):
            continue  # nobody was paid
        column = [(group, first - second) for group, first, second in pairs]
        found = _measured({name: list(column)}, draws)[name]
        gained = sum(first > second for _, first, second in pairs)
        lost = sum(first < second for _, first, second in pairs)
        yield Difference(
            agent=ours[0].agent,
            against=theirs[0].agent,
            suite=ours[0].suite,
            intent=ours[0].intent,
            measure=name,
            difference=found.value,
            low=found.low,
            high=found.high,
            cases=found.cases,
            p=mcnemar(gained, lost) if name in _YES_OR_NO else None,
        )
