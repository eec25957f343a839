"""``agentalign mix``: join runs with third-party data, in proportions."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from agentalign_lc.cli.problems import Problems
from agentalign_lc.dataset.mixing.mix import mix as mix_data
from agentalign_lc.dataset.mixing.mixture import Mixture
from agentalign_lc.dataset.mixing.shares import PARTS, PRESETS, read_shares
from agentalign_lc.dataset.mixing.sources import FORMATS, Source, parse_source
from agentalign_lc.dataset.store import RunStore
from agentalign_lc.errors import ConfigError

__all__ = ["mix", "print_mixture"]


def mix(  # noqa: PLR0913, PLR0917 - one argument an option, as Typer wants it
    runs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Folders of runs.")],
    out: Annotated[Path, typer.Option(help="Folder to make; it must be new or empty.")],
    with_: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            metavar="[NAME=][FORMAT:]FILE",
            help="Conversations of third parties, .jsonl or .json, also .gz; repeat for several. NAME is "
            f"their source (default: the file's), FORMAT one of {', '.join(FORMATS)} (default: as each row looks).",
        ),
    ] = None,
    preset: Annotated[
        str | None, typer.Option(help=f"Shares by name: {', '.join(sorted(PRESETS))}.")
    ] = None,
    share: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PART=N",
            help=f"Share of a part among the rows to train on ({', '.join(PARTS)}; borderline is benign); "
            "repeat for each. (default: every row)",
        ),
    ] = None,
    total: Annotated[
        int | None,
        typer.Option(min=1, help="Rows to train on. (default: the most that the shares allow)"),
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed and inputs, same bytes.")] = 7,
    licence: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=LICENCE", help="Licence of a source given by --with; repeat for several."
        ),
    ] = None,
) -> None:
    """Join runs with third-party tool-use data; proportions are set among rows to train on."""
    shares = _shares(preset, share or [])
    sources = _licensed([parse_source(text) for text in with_ or []], licence or [])
    for run in runs:
        with RunStore.read(run) as store:
            if not store.complete:
                typer.echo(
                    f"{run} is not complete; continue it with `agentalign synth --out {run} --resume`",
                    err=True,
                )
    with Problems(f"all are in {out / 'left_out.jsonl'}") as problems:
        mixture = mix_data(
            runs, sources, out, shares=shares, total=total, seed=seed, report=problems.say
        )
    print_mixture(mixture, out)


def print_mixture(mixture: Mixture, out: Path, console: Console | None = None) -> None:
    """Print what went in, by part, and what did not."""
    console = console or Console()
    table = Table(title=f"Mixture in {out}", title_justify="left")
    for heading in ("part", "available", "taken", "share", "wanted"):
        table.add_column(heading, justify="left" if heading == "part" else "right")
    for name, part in mixture.parts.items():
        wanted = "all" if part.wanted is None else f"{part.wanted:.2%}"
        row = (f"{part.available:,}", f"{part.taken:,}", f"{part.share:.2%}", wanted)
        table.add_row(name.replace("_", " "), *row)
    console.print(table)
    for split, count in mixture.splits.items():
        if split != "train":
            console.print(f"  {count:,} rows of the split {split}, as they are", highlight=False)
    for reason, count in mixture.left_out.items():
        console.print(f"  {count:,} left out: {reason}", highlight=False, markup=False)


def _shares(preset: str | None, texts: list[str]) -> dict[str, Fraction]:
    if preset is None:
        return read_shares(texts)
    if texts:
        raise ConfigError("--preset and --share say the same thing: give one of them")
    if preset not in PRESETS:
        known = ", ".join(sorted(PRESETS))
        raise ConfigError(f"unknown preset {preset!r}; the presets are {known}")
    return PRESETS[preset]


def _licensed(sources: list[Source], texts: list[str]) -> list[Source]:
    names = {source.name for source in sources}
    licences = {}
    for text in texts:
        name, _, licence = text.partition("=")
        if name not in names or not licence:
            known = ", ".join(sorted(names)) or "none; give --with FILE"
            raise ConfigError(f"--licence {text!r}: write NAME=LICENCE; the sources are {known}")
        licences[name] = licence
    return [replace(s, licence=licences.get(s.name, s.licence)) for s in sources]
