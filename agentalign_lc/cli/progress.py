"""How far a run is: a live display on a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from agentalign_lc.cli.money import dollars
from agentalign_lc.records import Intent, Status
from agentalign_lc.synthesis.runner import Tally

__all__ = ["Tenths", "live_progress"]

_LINES = 10
"""Plain lines that are printed at most, besides the last."""


class Tenths:
    """Says when another tenth of something is done, for displays that are plain lines.

    Example:
        >>> tenths = Tenths()
        >>> [done for done in range(31) if tenths.due(done, 30)]
        [0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30]
    """

    def __init__(self) -> None:
        self._shown = -1

    def due(self, done: int, total: int) -> bool:
        """Whether a line is due; never for nothing at all."""
        tenth = _LINES * done // total if total else self._shown
        due, self._shown = tenth != self._shown, tenth
        return due


@contextmanager
def live_progress(console: Console | None = None) -> Iterator[Callable[[Tally], None]]:
    """Give a function that shows a tally; on stderr, so that stdout stays for results."""
    console = console or Console(stderr=True)
    if console.is_terminal:
        with _bar(console) as report:
            yield report
    else:
        yield _lines(console)


@contextmanager
def _bar(console: Console) -> Iterator[Callable[[Tally], None]]:
    progress = Progress(
        TextColumn("scenarios"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[counts]}"),
        console=console,
    )
    started = time.monotonic()
    with progress:
        task = progress.add_task("run", total=None, rate="", counts="")

        def report(tally: Tally) -> None:
            progress.update(
                task,
                total=tally.scenarios,
                completed=tally.done,
                rate=f"{_rate(tally, started):.1f}/s",
                counts=_counts(tally, colour=True) + _cost(tally),
            )

        yield report


def _lines(console: Console) -> Callable[[Tally], None]:
    started = time.monotonic()
    tenths = Tenths()

    def report(tally: Tally) -> None:
        if not tenths.due(tally.done, tally.scenarios):
            return
        rate = _rate(tally, started)
        left = f", {(tally.scenarios - tally.done) / rate:.0f} s left" if rate else ""
        console.print(
            f"{tally.done}/{tally.scenarios} scenarios, {rate:.1f}/s{left}: {_counts(tally)}{_cost(tally)}",
            soft_wrap=True,
            highlight=False,
        )

    return report


def _rate(tally: Tally, started: float) -> float:
    seconds = time.monotonic() - started
    return (tally.done - tally.resumed) / seconds if seconds > 0 else 0.0


def _cost(tally: Tally) -> str:
    return f"; {dollars(tally.cost)} so far" if tally.cost else ""


def _counts(tally: Tally, *, colour: bool = False) -> str:
    """Say the counts by intent; on a plain line zeros are left out."""
    parts = []
    for intent in Intent:
        counts = tally.counts[intent]
        kept, rejected, failed = (counts[status] for status in Status)
        if colour:
            parts.append(f"{intent.value} [green]{kept}[/]/[yellow]{rejected}[/]/[red]{failed}[/]")
            continue
        text = f"{intent.value} {kept} kept"
        text += f", {rejected} rejected" if rejected else ""
        parts.append(text + (f", {failed} failed" if failed else ""))
    return "  ".join(parts) if colour else "; ".join(parts)
