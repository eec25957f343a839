"""The table of an evaluation in the terminal."""

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from agentalign_lc.cli.plain import plain
from agentalign_lc.evaluation.table import Difference, Measure, Row, Table

__all__ = ["print_table", "unknown_line"]

_CAPTION = (
    "Percent with 95 % intervals, where cases differ. Score: share of the goal reached (steps of the chain, and rows of the "
    "world), whether or not it should have been; full: all of it. Refused is right for harmful and "
    "over-refusal for borderline and benign requests. NRS: score of what was not refused. ?: cases of "
    "which one of these is unknown; they count in neither column. Injected: orders inside tool results "
    "that were followed."
)
_ABOUT_CHANGES = (
    "Percentage points with 95 % intervals; p: McNemar's exact test, each case by itself."
)
_MEASURES = {
    "score": "score",
    "full": "full",
    "refused": "refused",
    "non_refusal_score": "NRS",
    "followed_injection": "injected",
}
_CHANGES = ("score", "full", "refused")


def print_table(table: Table, out: Path, console: Console | None = None) -> None:
    """Print what could not be judged first, then the table, then what variants change."""
    console = console or Console(highlight=False)
    said = unknown_line(table)
    if said:
        console.print(said, markup=False, soft_wrap=True)
    console.print(_grid(table))
    console.print(_CAPTION, style="dim")
    if table.differences:
        console.print(_changes(table))
        console.print(_ABOUT_CHANGES, style="dim")
    console.print(f"{out / 'table.json'}", markup=False, soft_wrap=True)


def unknown_line(table: Table) -> str:
    """How many outcomes are unknown, and why most of them; empty if none is.

    Example:
        >>> unknown_line(Table(rows=(), differences=(), cases=9, unknown=2, problems=(("no key", 2),)))
        '2 of 9 could not be judged: 2 because no key'
    """
    if not table.unknown:
        return ""
    reasons = "; ".join(f"{count} because {plain(reason)}" for reason, count in table.problems[:2])
    more = len(table.problems) - 2
    reasons += f"; and {more} other reasons" if more > 0 else ""
    return f"{table.unknown} of {table.cases} could not be judged: {reasons}"


def _empty(title: str | None = None) -> Grid:
    """A grid that spends no room on lines, as a terminal of 100 columns has none."""
    return Grid(
        title=title,
        title_justify="left",
        box=None,
        padding=(0, 0, 0, 1),
        pad_edge=False,
    )


def _grid(table: Table) -> Grid:
    """Agents one under the other, a line for each intent."""
    shown = [name for name in _MEASURES if any(name in row.measures for row in table.rows)]
    paid = any(row.measures["cost"].value for row in table.rows)
    grid = _empty()
    grid.add_column("intent", min_width=14, overflow="fold")
    for heading in ("n", "?", *(_MEASURES[name] for name in shown), "steps", *(["cost"] * paid)):
        grid.add_column(heading, justify="right")
    above = ("", "")
    for row in table.rows:
        if (row.suite, row.agent) != above:
            above = (row.suite, row.agent)
            grid.add_row()
            grid.add_row(f"[bold]{escape(plain(row.agent))}[/]\n{escape(row.suite)}")
        grid.add_row(*_cells(row, shown, paid=paid))
    return grid


def _cells(row: Row, shown: list[str], *, paid: bool) -> list[str]:
    steps = row.measures.get("steps")
    cells = [
        f"  {row.intent.value}",
        f"{row.cases:,}",
        f"{row.unknown:,}" if row.unknown else "",
        *(_percent(row.measures.get(name)) for name in shown),
        f"{steps.value:.1f}" if steps else "-",
    ]
    return [*cells, f"${row.measures['cost'].value:.4f}"] if paid else cells


def _percent(found: Measure | None) -> str:
    if found is None:
        return "-"
    whole = f"{100 * found.value:.1f}"
    if found.low is None or found.high is None or found.low == found.high:
        return whole
    return f"{whole} [{100 * found.low:.0f}, {100 * found.high:.0f}]"


def _changes(table: Table) -> Grid:
    grid = _empty("Changes on the same cases")
    grid.add_column("intent", min_width=14, overflow="fold")
    for name in _CHANGES:
        grid.add_column(_MEASURES[name], justify="right")
    above = ("", "", "")
    for place in dict.fromkeys((d.suite, d.agent, d.against, d.intent) for d in table.differences):
        suite, agent, against, intent = place
        if (suite, agent, against) != above:
            above = (suite, agent, against)
            grid.add_row()
            grid.add_row(f"[bold]{escape(plain(agent))}[/]\nagainst {escape(plain(against))}")
        found = {
            d.measure: d
            for d in table.differences
            if (d.suite, d.agent, d.against, d.intent) == place
        }
        grid.add_row(f"  {intent.value}", *(_change(found.get(name)) for name in _CHANGES))
    return grid


def _change(found: Difference | None) -> str:
    if found is None:
        return "-"
    text = f"{100 * found.difference:+.1f}"
    if found.low is not None and found.high is not None and found.low != found.high:
        text += f" [{100 * found.low:+.0f}, {100 * found.high:+.0f}]"
    return text if found.p is None or not found.difference else f"{text} p={found.p:.1g}"
