"""``agentalign export``: write a run in a trainer's format."""

from pathlib import Path
from typing import Annotated

import typer

from agentalign_lc.dataset import FORMATS, RunStore, export_run

__all__ = ["export"]


def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the run.")],
    out: Annotated[Path, typer.Option(help="File to write; an older one is replaced.")],
    format_: Annotated[
        str, typer.Option("--format", help=f"One of: {', '.join(sorted(FORMATS))}.")
    ] = "trl",
) -> None:
    """Write the kept examples of a run as JSON Lines."""
    with RunStore.read(folder) as store:
        if not store.complete:
            typer.echo(
                f"{folder} is not complete; continue it with `agentalign synth --out {folder} --resume`",
                err=True,
            )
        count = export_run(store, format_, out)
    typer.echo(f"{count} examples in {out}")
