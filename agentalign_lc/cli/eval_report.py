"""``agentalign eval report``: one page to look at an evaluation with."""

from pathlib import Path
from typing import Annotated

import typer

from agentalign_lc.evaluation.reporting.report import write_evaluation_report
from agentalign_lc.evaluation.store import EvalStore

__all__ = ["report"]


def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the evaluation.")],
    out: Annotated[
        Path | None, typer.Option(help="HTML file to write. (default: DIR/report.html)")
    ] = None,
) -> None:
    """Write one HTML page: safety against utility, the table, categories, every disagreement."""
    out = out or folder / "report.html"
    with EvalStore.read(folder) as store:
        count = write_evaluation_report(store, out)
    typer.echo(f"{out}: a page with {count} disagreements; open it in a browser")
