"""``agentalign export``: write a run in a trainer's format."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from agentalign_lc.dataset import FORMATS, Exported, export_conversations, open_conversations

__all__ = ["export", "say_exported"]


def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a run, or of a mix.")],
    out: Annotated[
        Path,
        typer.Option(
            help="File to write (one split), or a name without suffix: a folder with a file for "
            "each split. An older export is replaced."
        ),
    ],
    format_: Annotated[
        str, typer.Option("--format", help=f"One of: {', '.join(sorted(FORMATS))}.")
    ] = "trl",
    split: Annotated[
        str | None,
        typer.Option(
            help="train, dev, test, test_tools, test_chains or all. "
            "By default train in a file, all in a folder."
        ),
    ] = None,
) -> None:
    """Write the kept examples of a run for a trainer."""
    with open_conversations(folder) as source:
        if not source.complete:
            typer.echo(
                f"{folder} is not complete; continue it with `agentalign synth --out {folder} --resume`",
                err=True,
            )
        done = export_conversations(source.conversations, format_, out, split)
    say_exported(done, out)


def say_exported(done: Exported, out: Path) -> None:
    """Print what an export wrote, and what it did not."""
    several = f" ({_listed(done.splits)})" if len(done.splits) > 1 else ""
    typer.echo(f"{done.rows} rows in {out}{several}")
    if done.without_row:
        typer.echo(f"{done.without_row} examples have no row in this format")
    if done.left_out:
        typer.echo(f"left out: {_listed(done.left_out)} (--split, or a folder as --out)")


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {split}" for split, count in counts.items())
