"""``agentalign traces label``: say which traces are harmful, by judges or by a person."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from agentalign_lc.cli.traces_show import trace_panel
from agentalign_lc.cli.traces_store import SourceOption, StoreOption
from agentalign_lc.environment.catalog import load_catalog
from agentalign_lc.guard.engine.engine import Engine
from agentalign_lc.guard.judges.chains import ChainJudge
from agentalign_lc.guard.judges.classifier import ClassifierJudge
from agentalign_lc.guard.judges.model import ModelJudge
from agentalign_lc.guard.judges.rules import RuleJudge
from agentalign_lc.guard.policy.policy import Policy
from agentalign_lc.taxonomy import load_library
from agentalign_lc.traces.assembly import trajectories
from agentalign_lc.traces.labelling import PERSON, GuardLabeller, JudgeLabeller, Labeller, settled
from agentalign_lc.traces.store import TraceStore
from agentalign_lc.traces.trace import Label, Trace

__all__ = ["label_traces"]

_KEYS = "[h]armful  [b]enign  [u]nknown  [s]kip  [q]uit"
_MEANING = {"h": "harmful", "b": "benign", "u": "unknown"}


def label_traces(
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
) -> None:
    """Label traces; a person's label counts before a judge's, and `unknown` never becomes data."""
    labeller = _labeller(model, base_url, policy)
    counts: Counter[str] = Counter()
    with TraceStore.open(store, create=False) as opened:
        for trace in opened.traces(source=source):
            if not again and any(label.by == labeller.name for label in opened.labels(trace.id)):
                counts["labelled before"] += 1
                continue
            label = labeller.label(trace)
            opened.label(label)
            counts[label.label] += 1
        if person:
            _ask(opened, source, again=again)
    said = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    typer.echo(f"{labeller.name}: {said or 'no traces'}")


def _labeller(model: str | None, base_url: str | None, policy: Path | None) -> Labeller:
    if model is not None:
        judge = ModelJudge(model, base_url=base_url)
        return JudgeLabeller(judge, name=judge.source)
    chosen = Policy.load(policy) if policy is not None else Policy()
    catalog = load_catalog()
    chains = ChainJudge(load_library(catalog), catalog)
    guard = Engine([RuleJudge(chosen), chains, ClassifierJudge()], chosen)
    return GuardLabeller(guard, catalog)


def _ask(store: TraceStore, source: str | None, *, again: bool) -> None:
    console = Console()
    for trace in store.traces(source=source):
        labels = store.labels(trace.id)
        if not again and any(label.by == PERSON for label in labels):
            continue
        _draw(console, trace, settled(labels))
        answer = _answer()
        if answer == "q":
            return
        if answer in _MEANING:
            store.label(
                Label.model_validate({"trace": trace.id, "label": _MEANING[answer], "by": PERSON})
            )


def _draw(console: Console, trace: Trace, label: Label | None) -> None:
    for number, run in enumerate(trajectories(trace)):
        console.print(trace_panel(trace, run, number, label))


def _answer() -> str:
    while True:
        answer = str(typer.prompt(_KEYS, prompt_suffix=" > ")).strip()[:1].lower()
        if answer in ("h", "b", "u", "s", "q"):
            return answer
