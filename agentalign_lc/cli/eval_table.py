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
    _print_rows(console, table)
    console.print(_CAPTION, style="dim")
    if table.differences:
        _print_changes(console, table)
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


_Cells = list[str]
_Block = tuple[str, list[_Cells]]
"""What stands over some lines, in bold before its first line break, and the lines."""


def _print_blocks(console: Console, headings: _Cells, blocks: list[_Block]) -> None:
    """Print blocks of lines under one heading; what stands over a block has the whole width."""
    lines = [headings, *(line for _, block in blocks for line in block)]
    if sum(_widths(lines)) + len(headings) > console.width:
        # Intervals go to lines of their own, rather than figures to pieces.
        blocks = [(title, [_broken(line) for line in block]) for title, block in blocks]
        lines = [headings, *(line for _, block in blocks for line in block)]
    widths = _widths(lines)
    console.print(_lines([headings], widths))
    for title, block in blocks:
        name, _, rest = title.partition("\n")
        console.print(f"\n[bold]{escape(name)}[/] {escape(rest)}", soft_wrap=True)
        console.print(_lines(block, widths))


def _widths(lines: list[_Cells]) -> list[int]:
    columns = zip(*lines, strict=True)
    return [max(len(part) for cell in column for part in cell.split("\n")) for column in columns]


def _broken(line: _Cells) -> _Cells:
    return [cell.replace(" [", "\n[").replace("] p", "]\np") for cell in line]


def _lines(lines: list[_Cells], widths: list[int]) -> Grid:
    # No rules between cells: a terminal has no room for them.
    grid = Grid(box=None, padding=(0, 0, 0, 1), pad_edge=False, show_header=False)
    for place, width in enumerate(widths):
        # One width for all blocks, so that they stand under each other.
        grid.add_column(justify="right" if place else "left", min_width=width)
    for line in lines:
        grid.add_row(*map(escape, line))
    return grid


def _print_rows(console: Console, table: Table) -> None:
    """Agents one under the other, a line for each intent."""
    shown = [name for name in _MEASURES if any(name in row.measures for row in table.rows)]
    paid = any(row.measures["cost"].value for row in table.rows)
    headings = ["intent", "n", "?", *(_MEASURES[name] for name in shown), "steps"]
    blocks: dict[str, list[_Cells]] = {}
    for row in table.rows:
        title = f"{plain(row.agent)}\non {row.suite}"
        blocks.setdefault(title, []).append(_cells(row, shown, paid=paid))
    _print_blocks(console, [*headings, *(["cost"] * paid)], [*blocks.items()])


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


def _print_changes(console: Console, table: Table) -> None:
    blocks: dict[str, list[_Cells]] = {}
    for place in dict.fromkeys((d.suite, d.agent, d.against, d.intent) for d in table.differences):
        suite, agent, against, intent = place
        title = f"{plain(agent)}\nagainst {plain(against)}, on {suite}"
        found = {
            d.measure: d
            for d in table.differences
            if (d.suite, d.agent, d.against, d.intent) == place
        }
        cells = [f"  {intent.value}", *(_change(found.get(name)) for name in _CHANGES)]
        blocks.setdefault(title, []).append(cells)
    console.print("\nChanges on the same cases", style="italic")
    _print_blocks(console, ["intent", *(_MEASURES[name] for name in _CHANGES)], [*blocks.items()])


def _change(found: Difference | None) -> str:
    if found is None:
        return "-"
    text = f"{100 * found.difference:+.1f}"
    if found.low is not None and found.high is not None and found.low != found.high:
        text += f" [{100 * found.low:+.0f}, {100 * found.high:+.0f}]"
    return text if found.p is None or not found.difference else f"{text} p={found.p:.1g}"
