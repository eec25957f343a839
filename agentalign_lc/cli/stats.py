"""``agentalign stats``: how diverse a run is, what it covers, what the gates found."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from agentalign_lc.dataset.statistics import Statistics, measure
from agentalign_lc.dataset.store import RunStore
from agentalign_lc.environment.catalog import load_catalog
from agentalign_lc.taxonomy import load_library

__all__ = ["measure_run", "print_statistics", "stats"]

_BAR = 40


def stats(
    run: Annotated[Path, typer.Argument(help="Folder of the run.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    duplicates: Annotated[bool, typer.Option(help="Look for near-duplicates too.")] = True,
) -> None:
    """Measure a run: diversity, coverage, adherence, grounding."""
    with RunStore.read(run) as store:
        found, _ = measure_run(store, duplicates=duplicates)
    if as_json:
        typer.echo(json.dumps(found.model_dump(mode="json"), indent=2))
    else:
        print_statistics(found, run)


def measure_run(store: RunStore, *, duplicates: bool = True) -> tuple[Statistics, list[str]]:
    """Measure a run with the tools and chains that it was made with; return the capabilities too."""
    config = store.config
    catalog = load_catalog(own=map(Path, config.get("tools", ())))
    library = load_library(catalog, own=map(Path, config.get("chains", ())))
    capabilities = list(catalog.capabilities)
    return measure(store, library, capabilities, duplicates=duplicates), capabilities


def print_statistics(found: Statistics, run: Path, console: Console | None = None) -> None:
    """Print the figures as a person reads them."""
    console = console or Console()
    table = Table(title=f"Requests of {run}", title_justify="left", show_header=False, box=None)
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_column(style="dim")
    for name, value, meaning in _figures(found):
        table.add_row(name, value, escape(meaning))
    console.print(table)
    for title, counts in (("words", found.lengths), ("steps", found.steps)):
        console.print(_histogram(title, counts))


def _figures(found: Statistics) -> list[tuple[str, str, str]]:
    sample = f"on {found.sample:,} of them" if found.sample < found.instructions else ""
    copies = found.near_duplicates
    figures = [
        ("instructions", f"{found.instructions:,}", "kept"),
        ("distinct-1, -2, -3", ", ".join(f"{d:.2f}" for d in found.distinct), sample),
        ("self-BLEU-4", f"{found.self_bleu:.2f}", f"{sample}; lower is more diverse".strip("; ")),
        (
            "near-duplicates",
            "not measured" if copies is None else f"{copies:.2%}",
            "another request has 80 % of the same word 3-grams",
        ),
        ("subcategories", _of(found.subcategories), "of harm"),
        ("capabilities", _of(found.capabilities), "of the tools"),
        ("cells", _of(found.cells), "subcategory by capability, of those in the library"),
        ("phrasings", _of(found.phrasings), "of the chains that were used"),
        ("open slots", f"{found.unfilled:,}", "must be 0"),
        ("chain adherence", f"{found.adherence:.2%}", "take every step of their chain, of all written"),
        ("grounding", f"{found.grounding:.2%}", "bring no value of their own, of all written"),
        ("schema-valid", f"{found.schema_valid:.2%}", "call tools as their schemas allow, of all written"),
        ("refusal purity", f"{found.refusal_purity:.2%}", "refuse, and do nothing of it, of all refusals written"),
        ("goal reached", f"{found.goal_reached:.2%}", "leave the world as it was wanted, of all runs"),
        ("leaks", f"{found.leaks:,}", f"between splits: {_listed(found.splits)}; must be 0"),
        ("pairs", f"{sum(found.pairs.values()):,}", _listed(found.pairs)),
    ]  # fmt: skip
    figures += [
        (f"overlap with {twin}", f"{share:.2f}", "of the words of the harmful request's triplet")
        for twin, share in found.overlap.items()
    ]
    pressed = {name: count for name, count in found.pressure.items() if name != "none"}
    if pressed:
        figures.append(("under pressure", f"{sum(pressed.values()):,}", _listed(pressed)))
    return figures


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in counts.items())


def _of(pair: tuple[int, int]) -> str:
    return f"{pair[0]:,} of {pair[1]:,}"


def _histogram(title: str, counts: dict[int, int]) -> Table:
    table = Table(show_header=False, box=None, title=title, title_justify="left")
    most = max(counts.values(), default=1)
    for value, count in counts.items():
        table.add_row(f"{value:>4}", "█" * max(1, round(_BAR * count / most)), f"{count:,}")
    return table
