"""``agentalign traces label``: say which traces are harmful, by judges or by a person."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from agentalign_lc.cli.plain import plain
from agentalign_lc.cli.traces_show import draw_trace
from agentalign_lc.cli.traces_store import (
    LabelOption,
    SourceOption,
    StoreOption,
    check_some,
    open_store,
)
from agentalign_lc.environment.catalog import load_catalog
from agentalign_lc.guard.engine.engine import Engine
from agentalign_lc.guard.judges.chains import ChainJudge
from agentalign_lc.guard.judges.classifier import ClassifierJudge
from agentalign_lc.guard.judges.model import ModelJudge
from agentalign_lc.guard.judges.rules import RuleJudge
from agentalign_lc.guard.policy.policy import Policy
from agentalign_lc.taxonomy import load_library
from agentalign_lc.traces.labelling import PERSON, GuardLabeller, JudgeLabeller, Labeller, broke
from agentalign_lc.traces.trace import Label, Trace

if TYPE_CHECKING:
    from agentalign_lc.traces.store import TraceStore

__all__ = ["label_traces"]

_KEYS = "[h]armful  [b]enign  [u]nknown  [s]kip  [q]uit"
_MEANING: dict[str, Literal["harmful", "benign", "unknown"]] = {
    "h": "harmful",
    "b": "benign",
    "u": "unknown",
}


def label_traces(  # noqa: PLR0913, PLR0917 - a command has its options
    store: StoreOption = "traces.sqlite",
    model: Annotated[
        str | None,
        typer.Option(help="Chat model that judges, provider:name. (default: the guard's judges)"),
    ] = None,
    base_url: Annotated[str | None, typer.Option(help="Where the model is served.")] = None,
    policy: Annotated[Path | None, typer.Option(help="Policy of the guard's judges.")] = None,
    person: Annotated[
        bool, typer.Option("--person", help="Show each trace and ask you, after the judges.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Label those, too, that this judge has labelled.")
    ] = False,
    source: SourceOption = None,
    label: LabelOption = None,
) -> None:
    """Label traces; a person's label counts before a judge's, and `unknown` never becomes data.

    A trace at which the judge broke is unknown, and tried again the next time.
    """
    with open_store(store) as opened:
        check_some(opened, source)
        labeller = _labeller(model, base_url, policy)
        counts, failed = _judge(opened, opened.traces(source=source, label=label), labeller, again)
        _say(labeller.name, counts)
        if failed:
            typer.echo(f"the judge broke at {len(failed):,}, first: {failed[0]}", err=True)
        if person:
            _say(PERSON, _ask(opened, opened.traces(source=source, label=label), again=again))
        elif counts["unknown"]:
            typer.echo("to decide yourself: agentalign traces label --person --label unknown")


def _judge(
    store: "TraceStore",
    traces: Iterable[Trace],
    labeller: Labeller,
    again: bool,
) -> tuple[Counter[str], list[str]]:
    """Label traces: how many were what, and why the judge broke where it did."""
    counts: Counter[str] = Counter()
    failed: list[str] = []
    for trace in traces:
        mine = [label for label in store.labels(trace.id) if label.by == labeller.name]
        if mine and not again and not broke(mine[-1]):
            counts["labelled before"] += 1
            continue
        label = labeller.label(trace)
        store.label(label)
        counts[label.label] += 1
        failed += [plain(label.reason.partition(": ")[2])] if broke(label) else []
    return counts, failed


def _say(name: str, counts: Counter[str]) -> None:
    said = ", ".join(f"{count:,} {what}" for what, count in sorted(counts.items()))
    typer.echo(f"{name}: {said or 'nothing labelled'}")


def _labeller(model: str | None, base_url: str | None, policy: Path | None) -> Labeller:
    if model is not None:
        judge = ModelJudge(model, base_url=base_url)
        return JudgeLabeller(judge, name=judge.source)
    chosen = Policy.load(policy) if policy is not None else Policy()
    catalog = load_catalog()
    chains = ChainJudge(load_library(catalog), catalog)
    guard = Engine([RuleJudge(chosen), chains, ClassifierJudge()], chosen)
    return GuardLabeller(guard, catalog)


def _ask(store: "TraceStore", traces: Iterable[Trace], *, again: bool) -> Counter[str]:
    """Show traces to a person, and keep what they say of them."""
    console = Console()
    counts: Counter[str] = Counter()
    for trace in traces:
        labels = store.labels(trace.id)
        if not again and any(label.by == PERSON for label in labels):
            counts["labelled before"] += 1
            continue
        draw_trace(console, trace, labels)
        answer = _answer()
        if answer == "q":
            break
        if answer in _MEANING:
            label = Label(trace=trace.id, label=_MEANING[answer], by=PERSON)
            store.label(label)
            counts[label.label] += 1
    return counts


def _answer() -> str:
    while True:
        answer = str(typer.prompt(_KEYS, prompt_suffix=" > ")).strip()[:1].lower()
        if answer in ("h", "b", "u", "s", "q"):
            return answer
