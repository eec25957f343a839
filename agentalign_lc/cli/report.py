"""``agentalign report``: one page to look at a run with."""

from pathlib import Path
from typing import Annotated

import typer

from agentalign_lc.cli.stats import measure_run
from agentalign_lc.dataset import RunStore
from agentalign_lc.dataset.reporting.report import write_report

__all__ = ["report"]


def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the run.")],
    out: Annotated[
        Path | None, typer.Option(help="HTML file to write. (default: DIR/report.html)")
    ] = None,
    examples: Annotated[
        int, typer.Option(min=0, help="About how many examples to put into the page.")
    ] = 200,
) -> None:
    """Write one HTML page: funnel, coverage, plots, triplets, a browser through the examples."""
    out = out or folder / "report.html"
    with RunStore.read(folder) as store:
        statistics, capabilities = measure_run(store, duplicates=False)
        count = write_report(store, statistics, capabilities, out, examples)
    typer.echo(f"{out}: a page with {count} examples; open it in a browser")
