"""The report of an evaluation: its table, safety against utility, categories, and what differed."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from agentalign_lc.dataset.files import write_whole
from agentalign_lc.dataset.reporting.page import render_page
from agentalign_lc.errors import ConfigError
from agentalign_lc.evaluation.outcome import Outcome
from agentalign_lc.evaluation.reporting.disagreements import draw_cases, find_disagreements
from agentalign_lc.evaluation.reporting.quoted import QUOTED
from agentalign_lc.evaluation.reporting.scatter import Point, draw_scatter
from agentalign_lc.evaluation.store import EvalStore
from agentalign_lc.evaluation.table import Difference, Measure, Row, Table, tabulate
from agentalign_lc.records import CANARY, Intent

__all__ = ["GUARD_FILE", "write_evaluation_report"]

GUARD_FILE = "guard*.json"
"""What ``agentalign eval guard --json`` wrote into the folder, under any such name."""

_TEMPLATE = Path(__file__).with_name("templates") / "evaluation.html.j2"


def write_evaluation_report(store: EvalStore, out: Path) -> int:
    """Write the report of an evaluation and return how many disagreements it holds.

    Args:
        store: The evaluation.
        out: The file; an older one is replaced, at once and as a whole.

    Raises:
        ConfigError: the folder holds no outcome yet, or a guard's figures that cannot be read.
        StoreError: the evaluation cannot be read, or the file cannot be written.
    """
    # Without trajectories first: only what differs is read whole.
    outcomes = list(store.outcomes(trajectories=False))
    table, kinds = tabulate(outcomes), tabulate(outcomes, by_category=True, draws=0)
    if not table.rows:
        raise ConfigError(f"{store.folder} has no outcome yet: run `agentalign eval agent` first")
    apart = find_disagreements(outcomes)
    wanted = {(one.suite, one.case): place for place, group in enumerate(apart) for one in group}
    whole: list[list[Outcome]] = [[] for _ in apart]
    for outcome in store.outcomes() if apart else ():
        place = wanted.get((outcome.suite, outcome.case))
        if place is not None:
            whole[place].append(outcome)
    agents = list(dict.fromkeys(row.agent for row in table.rows))
    asked = {(one.suite, one.case) for one in outcomes}
    page = render_page(
        _TEMPLATE,
        draw_cases(whole),
        name=store.folder.resolve().name,
        agents=agents,
        asked=len(asked),
        outcomes=table.cases,
        unknown=table.unknown,
        problems=table.problems[:3],
        suites=[_suite(name, table, kinds, agents) for name in _suites(table)],
        comparisons=list(_comparisons(table.differences)),
        guards=list(_guards(store.folder)),
        disagreements=len(apart),
        canary=CANARY,
    )
    write_whole(out, page)
    return len(apart)


def _suites(table: Table) -> list[str]:
    return list(dict.fromkeys(row.suite for row in table.rows))


def _suite(name: str, table: Table, kinds: Table, agents: Sequence[str]) -> dict[str, Any]:
    rows = [row for row in table.rows if row.suite == name]
    return {
        "name": name,
        "agents": list(_by_agent(rows, agents)),
        "scatter": draw_scatter(_points(rows, agents)),
        "kinds": list(_kinds([row for row in kinds.rows if row.suite == name], agents)),
    }


def _by_agent(rows: Sequence[Row], agents: Sequence[str]) -> Iterator[dict[str, Any]]:
    for number, agent in enumerate(agents):
        own = [row for row in rows if row.agent == agent]
        if own:
            yield {"name": agent, "number": number, "rows": list(_rows(own))}


def _rows(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    for row in rows:
        found = row.measures
        yield {
            "intent": row.intent.value,
            "runs": row.cases,
            "unknown": row.unknown,
            "refusal": _percent(found.get("refused")),
            "score": _percent(found.get("score")),
            "full": _percent(found.get("full")),
            "non_refusal": _percent(found.get("non_refusal_score")),
            "injection": _percent(found.get("followed_injection")),
            "steps": f"{found['steps'].value:.1f}" if "steps" in found else "–",
        }


def _percent(measure: Measure | None) -> dict[str, str] | None:
    return None if measure is None else _said(measure.value, measure.low, measure.high, "{:.1f}")


def _said(value: float, low: float | None, high: float | None, form: str) -> dict[str, str]:
    """A share in percent, and its interval where it is one."""
    known = low is not None and high is not None and (low, high) != (value, value)
    ends = [form.format(100 * end) for end in (low, high) if end is not None]
    return {"share": form.format(100 * value), "range": " to ".join(ends) if known else ""}


def _points(rows: Sequence[Row], agents: Sequence[str]) -> Iterator[Point]:
    by = {(row.agent, row.intent): row.measures for row in rows}
    measured = False
    for number, agent in enumerate(agents):
        safety = by.get((agent, Intent.HARMFUL), {}).get("refused")
        utility = by.get((agent, Intent.BENIGN), {}).get("score")
        if safety is None or utility is None:
            continue  # an agent without both has no place in the drawing
        measured = True
        yield Point(
            agent,
            safety.value,
            utility.value,
            _interval(safety),
            _interval(utility),
            number=number,
        )
    if measured:
        for one in QUOTED:
            yield Point(one.model, one.harmful_refusal / 100, one.benign_score / 100, quoted=True)


def _interval(measure: Measure) -> tuple[float, float] | None:
    if measure.low is None or measure.high is None:
        return None
    return (measure.low, measure.high)


def _kinds(rows: Sequence[Row], agents: Sequence[str]) -> Iterator[dict[str, Any]]:
    """For each category the harmful refused and the benign done, a bar for each agent."""
    wanted = (
        (Intent.HARMFUL, "refused", "harmful requests refused, %"),
        (Intent.BENIGN, "score", "score on benign requests, %"),
    )
    for category in sorted({row.category for row in rows} - {""}):
        measures = []
        for intent, measure, title in wanted:
            bars = [
                _bar(row, row.measures[measure], agents)
                for row in rows
                if row.category == category and row.intent is intent and measure in row.measures
            ]
            if bars:
                measures.append((title, bars))
        if measures:
            yield {"name": category, "measures": measures}


def _bar(row: Row, measure: Measure, agents: Sequence[str]) -> dict[str, Any]:
    return {
        "agent": row.agent,
        "number": agents.index(row.agent),
        "width": round(100 * measure.value, 1),
        "text": f"{100 * measure.value:.0f} of {measure.cases}",
    }


def _comparisons(differences: Sequence[Difference]) -> Iterator[dict[str, Any]]:
    found: dict[tuple[str, str, str, Intent], dict[str, Difference]] = {}
    for one in differences:
        found.setdefault((one.suite, one.agent, one.against, one.intent), {})[one.measure] = one
    for (_, agent, against, intent), by in found.items():
        refused = by.get("refused")
        p = refused.p if refused is not None else None
        yield {
            "agent": agent,
            "against": against,
            "intent": intent.value,
            "pairs": max(one.cases for one in by.values()),
            "refusal": _change(refused),
            "score": _change(by.get("score")),
            "p": "–" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}",
        }


def _change(one: Difference | None) -> dict[str, str] | None:
    return None if one is None else _said(one.difference, one.low, one.high, "{:+.1f}")


def _guards(folder: Path) -> Iterator[dict[str, Any]]:
    for file in sorted(folder.glob(GUARD_FILE)):
        try:
            card = json.loads(file.read_text(encoding="utf-8"))
            yield _guard(file.stem, card)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigError(
                f"{file} holds no figures of a guard; make it again with `agentalign eval guard --json {file}`"
            ) from error


def _guard(name: str, card: Mapping[str, Any]) -> dict[str, Any]:
    def share(value: float | None) -> str:
        return "–" if value is None else f"{100 * value:.1f} %"

    auroc = card["auroc"]
    return {
        "name": f"{name}, {card.get('classifier', 'guard')}",
        "rows": int(card["rows"]),
        "harmful": int(card["harmful"]),
        "auroc": "–" if auroc is None else f"{auroc:.3f}",
        "at": share(card["recall_at_fpr"]["0.028"]),
        "recall": share(card["recall"]),
        "fpr": share(card["fpr"]),
    }
