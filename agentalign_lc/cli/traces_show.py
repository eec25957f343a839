"""``agentalign traces list | show``: traces, readable in the terminal."""

from collections.abc import Collection, Mapping, Sequence
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
from agentalign_lc.cli.traces_store import LabelOption, SourceOption, StoreOption, open_store
from agentalign_lc.messages import message_text
from agentalign_lc.records import Trajectory
from agentalign_lc.traces.assembly import trajectories
from agentalign_lc.traces.labelling import settled
from agentalign_lc.traces.trace import Label, Span, Trace

__all__ = ["draw_trace", "list_traces", "show_trace"]

_COLOURS = {"harmful": "red", "benign": "green", "unknown": "yellow"}
_SHORT = 200
_SHORTEST = 13
"""Of an id: in those that begin with the time it reaches to the millisecond."""


def list_traces(
    store: StoreOption = "traces.sqlite",
    label: LabelOption = None,
    source: SourceOption = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
) -> None:
    """List traces in order of arrival: label, calls, and what the user said first."""
    with open_store(store) as opened:
        whole, place = len(opened), plain(opened.place)
        found = opened.traces(label=label, source=source, limit=limit)
        rows = {trace.id: _row(trace, opened.labels(trace.id)) for trace in found}
    console = Console(highlight=False)
    if rows:
        console.print(_listed(rows))
    more = "; --limit shows more" if len(rows) == limit < whole else ""
    console.print(Text(f"{len(rows):,} of {whole:,} traces in {place}{more}"), soft_wrap=True)


def show_trace(
    id_: Annotated[str, typer.Argument(metavar="ID", help="Id of a trace, or how it begins.")],
    store: StoreOption = "traces.sqlite",
    system: Annotated[bool, typer.Option("--system", help="Show system messages too.")] = False,
    spans: Annotated[bool, typer.Option("--spans", help="Show the tree of spans too.")] = False,
) -> None:
    """Show a trace: every conversation in it, what came of it, and its labels."""
    console = Console()
    with open_store(store) as opened:
        trace = opened.get(id_)
        labels = opened.labels(trace.id)
    draw_trace(console, trace, labels, system=system)
    if spans:
        console.print(_tree(trace))


def draw_trace(
    console: Console, trace: Trace, labels: Sequence[Label], *, system: bool = False
) -> None:
    """Draw the conversations of a trace, and what was found about it."""
    runs = trajectories(trace)
    for number, run in enumerate(runs):
        console.print(_panel(trace, run, number, _standing(labels), system=system))
    if not runs:
        console.print(Text(f"{plain(trace.id)}: no conversation in it, --spans shows what ran"))
    for label in labels:
        console.print(_label_line(label))


def _panel(trace: Trace, run: Trajectory, number: int, name: str, *, system: bool) -> Panel:
    """Draw one conversation of a trace; nothing in it is read as markup or obeyed."""
    messages = [m for m in run.messages if system or not isinstance(m, SystemMessage)]
    name = name or "unlabelled"
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


def _standing(labels: Sequence[Label]) -> str:
    """The label that counts; empty if there is none."""
    counts = settled(labels)
    return counts.label if counts else "unknown" if labels else ""


def _listed(rows: Mapping[str, tuple[Text, ...]]) -> Table:
    table = Table(box=None, pad_edge=False, expand=True)
    for heading in ("id", "started", "source", "label", "calls", "request"):
        # A narrow terminal takes from the request; the others are short and needed.
        ratio = 1 if heading == "request" else None
        table.add_column(
            heading, no_wrap=True, justify="right" if heading == "calls" else "left", ratio=ratio
        )
    shown = _distinct(rows)
    for name, cells in rows.items():
        table.add_row(Text(plain(name[:shown])), *cells)
    return table


def _distinct(ids: Collection[str]) -> int:
    """How much of ids tells them apart: those of one hour begin alike."""
    longest = max(map(len, ids))
    lengths = range(_SHORTEST, longest)
    return next((n for n in lengths if len({name[:n] for name in ids}) == len(ids)), longest)


def _row(trace: Trace, labels: Sequence[Label]) -> tuple[Text, ...]:
    runs = trajectories(trace)
    first = next((m for run in runs for m in run.messages if m.type == "human"), None)
    said = " ".join(plain(message_text(first)).split()) if first is not None else ""
    started = min((span.started for span in trace.spans if span.started), default=0.0)
    name = _standing(labels)
    return (
        Text(_when(started) if started else ""),
        Text(plain(trace.source)),
        Text(name, style=_COLOURS.get(name, "dim")),
        Text(str(sum(len(run.calls) for run in runs))),
        Text(said[:_SHORT]) if said else Text(plain(trace.name), style="dim"),
    )


def _when(seconds: float) -> str:
    """Local time; of other years only the day."""
    try:
        then = datetime.fromtimestamp(seconds, UTC).astimezone()
    except (OverflowError, ValueError, OSError):
        return "?"  # a time that no clock shows
    this_year = then.year == datetime.now(UTC).astimezone().year
    return then.strftime("%m-%d %H:%M" if this_year else "%Y-%m-%d")


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
