"""How far an evaluation is: a bar on a terminal, plain lines elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from agentalign_lc.cli.progress import Tenths

__all__ = ["case_progress"]


@contextmanager
def case_progress(console: Console | None = None) -> Iterator[Callable[[int, int], None]]:
    """Give a function that shows how many cases of how many are done; on stderr.

    Example:
        >>> with case_progress() as report:
        ...     report(0, 0)
    """
    console = console or Console(stderr=True)
    if not console.is_terminal:
        yield _lines(console)
        return
    progress = Progress(
        TextColumn("cases"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
    )
    with progress:
        task = progress.add_task("cases", total=None)
        yield lambda done, total: progress.update(task, total=total, completed=done)


def _lines(console: Console) -> Callable[[int, int], None]:
    tenths = Tenths()

    def report(done: int, total: int) -> None:
        if tenths.due(done, total):
            console.print(f"{done}/{total} cases", soft_wrap=True, highlight=False)

    return report
