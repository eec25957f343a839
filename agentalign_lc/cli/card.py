"""``agentalign card``: the data set card, from the run itself."""

from pathlib import Path
from typing import Annotated

import typer

from agentalign_lc.cli.stats import measure_run
from agentalign_lc.dataset import RunStore
from agentalign_lc.dataset.reporting.card import write_card

__all__ = ["card"]


def card(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the run.")],
    out: Annotated[
        Path | None, typer.Option(help="Markdown file to write. (default: DIR/README.md)")
    ] = None,
) -> None:
    """Write the data set card: what is in the run, how it was made, what it is for."""
    out = out or folder / "README.md"
    with RunStore.read(folder) as store:
        statistics, _ = measure_run(store)
        write_card(store, statistics, out)
    typer.echo(f"{out}: the data set card")
