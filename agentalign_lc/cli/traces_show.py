"""``agentalign traces list | show``: traces, readable in the terminal."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from langchain_core.messages import SystemMessage
from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from agentalign_lc.cli.plain import plain
from agentalign_lc.cli.show import message_parts
from agentalign_lc.cli.traces_store import LabelOption, SourceOption, StoreOption
from agentalign_lc.messages import message_text
from agentalign_lc.records import Trajectory
from agentalign_lc.traces.assembly import trajectories
from agentalign_lc.traces.labelling import settled
from agentalign_lc.traces.store import TraceStore
from agentalign_lc.traces.trace import Label, Span, Trace

__all__ = ["list_traces", "show_trace", "trace_panel"]

_COLOURS = {"harmful": "red", "benign": "green", "unknown": "yellow"}
_SHORT = 72


def list_traces(
    store: StoreOption = "traces.sqlite",
    label: LabelOption = None,
    source: SourceOption = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
) -> None:
    """List traces in order of arrival: label, calls, and what the user said first."""
    table = Table(box=None, pad_edge=False)
    for heading in ("id", "started", "source", "label", "calls", "request"):
        table.add_column(heading, no_wrap=True, justify="right" if heading == "calls" else "left")
    with TraceStore.open(store, create=False) as opened:
        whole = len(opened)
        shown = 0
        for trace in opened.traces(label=label, source=source, limit=limit):
            table.add_row(*_row(trace, settled(opened.labels(trace.id))))
            shown += 1
    console = Console()
    if shown:
        console.print(table)
    console.print(f"{shown} of {whole:,} traces in {plain(str(store))}", highlight=False)


def show_trace(
    id_: Annotated[str, typer.Argument(metavar="ID", help="Id of a trace, or how it begins.")],
    store: StoreOption = "traces.sqlite",
    system: Annotated[bool, typer.Option("--system", help="Show system messages too.")] = False,
    spans: Annotated[bool, typer.Option("--spans", help="Show the tree of spans too.")] = False,
) -> None:
    """Show a trace: every conversation in it, what came of it, and its labels."""
    console = Console()
    with TraceStore.open(store, create=False) as opened:
        trace = opened.get(id_)
        labels = opened.labels(trace.id)
    for number, run in enumerate(trajectories(trace)):
        console.print(trace_panel(trace, run, number, settled(labels), system=system))
    for label in labels:
        console.print(_label_line(label))
    if spans:
        console.print(_tree(trace))


def trace_panel(
    trace: Trace, run: Trajectory, number: int, label: Label | None, *, system: bool = False
) -> Panel:
    """Draw one conversation of a trace; nothing in it is read as markup or obeyed."""
    messages = [m for m in run.messages if system or not isinstance(m, SystemMessage)]
    name = label.label if label else "unlabelled"
    title = Text(name, style=_COLOURS.get(name, "dim"))
    title.append(f" · {plain(trace.source)} · {plain(trace.name or 'app')}", style="default")
    if number:
        title.append(f" · agent {number + 1} inside it", style="default")
    return Panel(
        Group(*(part for message in messages for part in message_parts(message, plain))),
        title=title,
        subtitle=Text(plain(trace.id), style="dim"),
        title_align="left",
        subtitle_align="right",
        border_style=_COLOURS.get(name, "dim"),
    )


def _row(trace: Trace, label: Label | None) -> tuple[Text, ...]:
    runs = trajectories(trace)
    first = next((m for run in runs for m in run.messages if m.type == "human"), None)
    said = " ".join(plain(message_text(first)).split()) if first is not None else ""
    started = min((span.started for span in trace.spans if span.started), default=0.0)
    name = label.label if label else ""
    return (
        Text(plain(trace.id[:12])),
        Text(datetime.fromtimestamp(started, UTC).strftime("%Y-%m-%d %H:%M") if started else ""),
        Text(plain(trace.source)),
        Text(name, style=_COLOURS.get(name, "dim")),
        Text(str(sum(len(run.calls) for run in runs))),
        Text(said if len(said) <= _SHORT else f"{said[:_SHORT]}…"),
    )


def _label_line(label: Label) -> Text:
    line = Text(f"{label.label}", style=_COLOURS[label.label])
    about = [f"by {label.by}"]
    about += [f"{label.score:.2f}"] if label.score is not None else []
    about += [label.category] if label.category else []
    about += [label.reason] if label.reason else []
    return line.append(plain("  " + " · ".join(about)), style="default")


def _tree(trace: Trace) -> Tree:
    root = Tree(Text(f"{len(trace.spans)} spans", style="dim"))
    branches: dict[str | None, Tree] = {None: root}
    for span in trace.spans:
        branches[span.id] = branches.get(span.parent, root).add(_span_line(span))
    return root


def _span_line(span: Span) -> Text:
    line = Text(f"{span.kind} ", style="dim").append(plain(span.name), style="bold")
    if span.started and span.ended is not None:
        line.append(f"  {(span.ended - span.started) * 1000:,.0f} ms", style="dim")
    if span.status != "ok":
        line.append(f"  {span.status}", style="red" if span.status == "error" else "yellow")
        line.append(f" {plain(span.error)}" if span.error else "", style="default")
    return line
