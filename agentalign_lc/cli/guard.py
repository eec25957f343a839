"""``agentalign guard``: fit a guard's classifier, measure it, ask it."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from langchain_core.messages import BaseMessage, HumanMessage
from rich.console import Console
from rich.table import Table

from agentalign_lc.cli.guard_init import init
from agentalign_lc.cli.guard_verify import verify
from agentalign_lc.cli.problems import Problems
from agentalign_lc.cli.traces_store import labelled, open_store
from agentalign_lc.environment.catalog import load_catalog
from agentalign_lc.errors import ConfigError
from agentalign_lc.guard.guard import Guard
from agentalign_lc.guard.judges.chains import ChainJudge
from agentalign_lc.guard.judges.classifier import ClassifierJudge
from agentalign_lc.guard.judges.rules import RuleJudge
from agentalign_lc.guard.learning.classifier import Classifier, load_classifier, shipped_classifier
from agentalign_lc.guard.learning.fit import fit
from agentalign_lc.guard.learning.lessons import Lesson
from agentalign_lc.guard.learning.measure import FPRS, Interval, Measures
from agentalign_lc.guard.measuring.labelled import Labelled, parse_messages, read_labelled
from agentalign_lc.guard.measuring.plots import draw
from agentalign_lc.guard.measuring.replay import checkpoints
from agentalign_lc.guard.measuring.scorecard import (
    Marker,
    Scorecard,
    by_classifier,
    by_guard,
    mark,
)
from agentalign_lc.guard.policy.policy import Policy
from agentalign_lc.guard.view import look
from agentalign_lc.rows import read_rows
from agentalign_lc.taxonomy import load_library
from agentalign_lc.traces.lessons import trace_lessons

__all__ = ["check", "evaluate", "fit_classifier", "guard", "print_scorecard"]

guard = typer.Typer(
    name="guard", help="The guard: fit its classifier, measure it, ask it.", no_args_is_help=True
)

_Kind = Literal["ngrams", "encoder"]
_Weights = Annotated[
    Path | None,
    typer.Option(help="Classifier that `guard fit` wrote. (default: the one of the package)"),
]
_Shipped = Annotated[
    _Kind | None,
    typer.Option(
        "--kind",
        help="Which classifier of the package, without --weights. "
        "(default: encoder where the extra local is installed)",
    ),
]
guard.command("init")(init)
guard.command("verify")(verify)


@guard.command("fit")
def fit_classifier(
    out: Annotated[Path, typer.Option(help="File to write, .safetensors.")],
    run: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Folder of a run.", show_default=False)
    ] = None,
    traces: Annotated[
        str | None, typer.Option(help="Store of labelled traces to learn from as well.")
    ] = None,
    kind: Annotated[
        _Kind,
        typer.Option(
            help="ngrams needs nothing but Python when it is used; encoder (extra local) sees more."
        ),
    ] = "ngrams",
    seed: Annotated[int, typer.Option(help="Same seed and run, same weights.")] = 7,
) -> None:
    """Fit a classifier on a run; say how it does on chains and tools that it never saw."""
    console = Console(highlight=False)
    if run is None and traces is None:
        raise ConfigError("give the folder of a run to fit on, or --traces STORE, or both")
    more = _lessons(traces) if traces is not None else []
    fitted = fit(run, out, kind, more=more, seed=seed, report=typer.echo)
    table = Table(title=f"Held out, {out}", title_justify="left")
    for heading in ("split", "rows", "AUROC", "recall at 2.8 % FPR"):
        table.add_column(heading, justify="left" if heading == "split" else "right")
    for name, found in fitted.about["held_out"].items():
        figures = (f"{found['auroc']:.3f}", f"{found['recall_at_0.028']:.3f}")
        table.add_row(name, f"{found['rows']:,}", *figures)
    console.print(table)


@guard.command("eval")
def evaluate(
    data: Annotated[
        Path,
        typer.Option(
            help="Rows with text or messages, label (harmful or benign, 1 or 0), "
            "optionally source and category."
        ),
    ],
    weights: _Weights = None,
    kind: _Shipped = None,
    policy: Annotated[
        Path | None,
        typer.Option(
            help="Policy: measure the whole guard on every row. (default: the whole guard with the "
            "shipped policy where a row calls tools, the classifier where it is text)"
        ),
    ] = None,
    json_: Annotated[Path | None, typer.Option("--json", help="File for the figures.")] = None,
    plots: Annotated[
        Path | None, typer.Option(help="Folder for roc.png and scores.png (extra plots).")
    ] = None,
    beside: Annotated[
        _Kind | None,
        typer.Option(help="Classifier of the package whose curve is drawn into roc.png too."),
    ] = None,
) -> None:
    """Measure on labelled rows: AUROC, recall at false-positive rates, precision, F1, latency.

    Rows in which tools are called are replayed through rules, chains and classifier.
    """
    judge = ClassifierJudge(_classifier(weights, kind))
    if policy is None:
        marker = _by_kind(by_classifier(judge), lambda: by_guard(_guard(Policy(), judge)))
    else:
        marker = by_guard(_guard(Policy.load(policy), judge))
    with Problems() as problems:
        rows = read_labelled(data, lambda line, why: problems.say(f"{data}:{line}: {why}"))
        card = mark(rows, marker)
    if not card.scored:
        raise ConfigError(
            f"{data} has no row that can be measured; a row needs text or messages, and label"
        )
    # The figures first: they must not be lost to a missing library of the plots.
    if json_ is not None:
        about = {"classifier": judge.classifier.kind, "refuse_from": judge.refuse_from}
        _write(json_, {**about, **card.to_json(), "left_out": problems.count})
    print_scorecard(card, f"{data.name}, {judge.classifier.kind}")
    if plots is not None:
        threshold = judge.refuse_from if policy is None else None
        name = judge.classifier.kind if policy is None else "guard"
        others: dict[str, Scorecard] = {beside: _marked_again(data, beside)} if beside else {}
        for file in draw(card, plots, threshold, name=name, beside=others):
            typer.echo(file)


@guard.command("check")
def check(
    text: Annotated[str | None, typer.Argument(help="What a user says.")] = None,
    messages: Annotated[
        Path | None,
        typer.Option(help="File with a conversation: a list of messages, or one a line."),
    ] = None,
    weights: _Weights = None,
    kind: _Shipped = None,
) -> None:
    """Ask the classifier about a text, or about a conversation at each point of it."""
    if (text is None) == (messages is None) or (text is not None and not text.strip()):
        raise ConfigError("give a text in quotes, or --messages FILE")
    judge = ClassifierJudge(_classifier(weights, kind))
    seen = (HumanMessage(text or ""),) if messages is None else _conversation(messages)
    asked = [(end, at) for end, at in checkpoints(seen) if at in judge.checkpoints]
    if not asked:
        raise ConfigError(f"{messages} holds nothing that a user said")
    for end, at in asked:
        found = judge.judge(look(seen[:end]), at)
        place = "" if messages is None else f"message {end}, {at}: "
        typer.echo(f"{place}{found.finding} ({found.score or 0:.3f}) {found.reason}")


def print_scorecard(card: Scorecard, title: str, console: Console | None = None) -> None:
    """Print the figures, overall with intervals, then by source and category."""
    console = console or Console(highlight=False)
    overall = card.overall
    table = Table(title=f"{title}: {overall.rows:,} rows", title_justify="left")
    for heading in ("measure", "value", "95 % interval"):
        table.add_column(heading, justify="left" if heading == "measure" else "right")
    for name, value, key in _lines(overall):
        table.add_row(name, _number(value), _range(overall.intervals.get(key)))
    console.print(table)
    for title_, groups in (("source", card.by_source), ("category", card.by_category)):
        if groups:
            console.print(_grouped(title_, groups))
    console.print(f"  {card.p50 * 1000:.1f} ms a row at the median, {card.p95 * 1000:.1f} at 95 %")


def _marked_again(data: Path, kind: _Kind) -> Scorecard:
    """What another classifier of the package makes of rows whose problems have been told."""
    other = ClassifierJudge(shipped_classifier(kind))
    return mark(read_labelled(data, lambda _line, _why: None), by_classifier(other))


def _lines(found: Measures) -> list[tuple[str, float | None, str]]:
    at = [
        (f"recall at {float(fpr):.1%} FPR", found.recall_at_fpr[fpr], f"recall_at_fpr {fpr}")
        for fpr in FPRS
    ]
    return [
        ("AUROC", found.auroc, "auroc"),
        *at,
        ("refused of the harmful", found.recall, "recall"),
        ("refused of the rest", found.fpr, "fpr"),
        ("precision", found.precision, "precision"),
        ("F1", found.f1, "f1"),
    ]


def _grouped(title: str, groups: dict[str, Measures]) -> Table:
    table = Table(title=f"By {title}", title_justify="left")
    columns = ("rows", "harmful", "AUROC", "recall at 2.8 %", "harmful refused", "rest refused")
    table.add_column(title, overflow="fold")
    for heading in columns:
        table.add_column(heading, justify="right")
    for name, found in groups.items():
        figures = (found.auroc, found.recall_at_fpr["0.028"], found.recall, found.fpr)
        table.add_row(name, f"{found.rows:,}", f"{found.harmful:,}", *map(_number, figures))
    return table


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _range(interval: Interval | None) -> str:
    return "" if interval is None else f"{interval.low:.3f} to {interval.high:.3f}"


def _classifier(weights: Path | None, kind: _Kind | None) -> Classifier:
    if weights is not None and kind is not None:
        raise ConfigError("--weights and --kind both name a classifier: give one of them")
    return shipped_classifier(kind or "") if weights is None else load_classifier(weights)


def _guard(policy: Policy, judge: ClassifierJudge) -> Guard:
    catalog = load_catalog()
    chains = ChainJudge(load_library(catalog), catalog)
    return Guard([RuleJudge(policy), chains, judge], policy)


def _by_kind(texts: Marker, runs: Callable[[], Marker]) -> Marker:
    """Mark rows that only say something, and rows in which tools are called."""
    made = cache(runs)  # texts alone need no library of chains

    def marker(row: Labelled) -> tuple[float, bool]:
        return made()(row) if row.acts else texts(row)

    return marker


def _conversation(file: Path) -> tuple[BaseMessage, ...]:
    values: list[Any] = []
    for row in read_rows(file):
        if row.problem:
            raise ConfigError(
                f"{file}:{row.line}: {row.problem}; write a list of messages, or one a line"
            )
        values.append(row.value)
    # One object that holds the conversation, as rows of data sets do.
    if len(values) == 1 and isinstance(values[0], dict) and "messages" in values[0]:
        values = values[0]["messages"]
    try:
        return parse_messages(values)
    except ValueError as error:
        raise ConfigError(f"{file}: {error}") from error


def _lessons(store: str) -> list[Lesson]:
    with open_store(store) as opened:
        found = list(trace_lessons(labelled(opened)))
    if not found:
        raise ConfigError(f"no trace in {store} has a label: run `agentalign traces label`")
    harmful = sum(lesson.harmful for lesson in found)
    typer.echo(f"{len(found):,} lessons from labelled traces, {harmful:,} of them harmful")
    return found


def _write(file: Path, figures: dict[str, Any]) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"{file} cannot be written ({error.strerror or error}): choose another --json"
        ) from error
