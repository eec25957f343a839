"""``agentalign chains``: look at behavior chains, check them, review proposed ones."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from agentalign_lc.cli.review import decide
from agentalign_lc.environment.catalog import Catalog, load_catalog
from agentalign_lc.records import Intent
from agentalign_lc.synthesis.rehearsal import rehearse
from agentalign_lc.taxonomy import (
    Library,
    Proposal,
    append_chains,
    audit,
    check_proposal,
    load_library,
    read_chains,
)

__all__ = ["chains", "check", "list_chains", "review"]

chains = typer.Typer(
    name="chains", help="Behavior chains: what harm is made of.", no_args_is_help=True
)

_Tools = Annotated[
    list[Path] | None, typer.Option(help="Suite of your own tools; repeat for several.")
]


@chains.command("list")
def list_chains(
    name: Annotated[
        str | None, typer.Argument(help="A chain, to see it whole; leave out for a table.")
    ] = None,
    category: Annotated[
        list[str] | None, typer.Option(help="Category or subcategory; repeat for several.")
    ] = None,
    own: Annotated[
        list[Path] | None, typer.Option("--chains", help="Your own chain file or folder besides.")
    ] = None,
) -> None:
    """List the chains: how many of each kind of harm, or one with its readings."""
    library = load_library(load_catalog(), own=own or ())
    console = Console()
    if name is not None:
        _show(name, library, console)
        return
    shown = library.within(category or ())
    table = Table(title=f"{len(shown)} chains", title_justify="left")
    if category:
        for heading in ("chain", "steps"):
            table.add_column(heading)
        for chain in shown:
            table.add_row(chain.name, " > ".join(map(str, chain.steps)))
    else:
        table.add_column("category")
        table.add_column("subcategory")
        table.add_column("chains", justify="right")
        counts = Counter((chain.category, chain.subcategory) for chain in shown)
        for (group, kind), count in sorted(counts.items()):
            table.add_row(group, kind, str(count))
    console.print(table)


def _show(name: str, library: Library, console: Console) -> None:
    if name not in library.chains:
        near = [other for other in library.chains if name in other][:5]
        hint = f"did you mean {', '.join(near)}?" if near else "see `agentalign chains list`"
        raise typer.BadParameter(f"there is no chain {name!r}; {hint}")
    chain = library.chains[name]
    console.print(f"[bold]{name}[/bold] ({chain.category}, {chain.subcategory})")
    console.print(" > ".join(map(str, chain.steps)), highlight=False)
    for intent in Intent:
        reading = library.reading(chain, intent)
        console.print(f"\n[bold]{intent.value}[/bold]: {reading.reading}", highlight=False)
        for phrasing in reading.phrasings:
            console.print(f"  - {phrasing}", highlight=False, markup=False)
        for turn in reading.conversation:
            console.print(f"  turn: {turn}", highlight=False, markup=False)


@chains.command()
def check(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Your own chain files or folders; leave out for the shipped library."),
    ] = None,
    run: Annotated[
        bool | None,
        typer.Option(
            "--rehearse/--no-rehearse",
            help="Say every phrasing and carry its calls out. (default: for your own files)",
        ),
    ] = None,
    tools: _Tools = None,
) -> None:
    """Check chains: the figures of the library, and whether every phrasing works.

    Without a path it prints what the shipped library is measured by, and fails
    when one figure is missed.
    """
    catalog = load_catalog(own=tools or ())
    console = Console()
    library = load_library(catalog, own=paths or ())
    shipped = load_library(catalog)
    failed = False
    if not paths:
        failed = not _audited(library, list(catalog.capabilities), console)
    chosen = [chain for chain in library if not paths or chain.name not in shipped.chains]
    if run or (run is None and paths):
        failed |= not _rehearsed([c.name for c in chosen], library, catalog, console)
    if failed:
        raise typer.Exit(1)


def _audited(library: Library, capabilities: list[str], console: Console) -> bool:
    table = Table(title="The chain library", title_justify="left")
    for heading in ("figure", "value", "wanted", ""):
        table.add_column(heading, justify="right" if heading in ("value", "wanted") else "left")
    figures = audit(library, capabilities)
    for figure in figures:
        wanted = f"{'>=' if figure.at_least else '<='} {figure.bound:g}"
        met = "met" if figure.met else "[red]missed[/red]"
        table.add_row(figure.name, f"{figure.value:g}", wanted, met)
    console.print(table)
    for figure in figures:
        if figure.detail:
            console.print(f"{figure.name}: {figure.detail}", highlight=False, soft_wrap=True)
    return all(figure.met for figure in figures)


def _rehearsed(names: list[str], library: Library, catalog: Catalog, console: Console) -> bool:
    problems = []
    silent = [name for name in names if not library.scripts[name].spoken]
    for name in track(names, "Rehearsing", console=Console(stderr=True), transient=True):
        if name not in silent:
            problems += rehearse(library.chains[name], library, catalog)
    for problem in problems:
        console.print(f"  {problem}", highlight=False, markup=False, soft_wrap=True)
    spoken = len(names) - len(silent)
    console.print(
        f"{_count(spoken, 'chain')} rehearsed, {_count(len(problems), 'problem')}", highlight=False
    )
    if silent:
        console.print(
            f"{_count(len(silent), 'chain')} with readings and no phrasings: a model must be the author"
            " (`agentalign synth --model ...`)",
            soft_wrap=True,
        )
    return not problems


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


@chains.command()
def review(
    proposals: Annotated[
        Path, typer.Argument(help="File of proposals that `plan` or `traces propose` left.")
    ],
    out: Annotated[Path, typer.Option(help="Chain file that what you approve is added to.")],
) -> None:
    """Decide about proposed chains; approved ones join your chain file."""
    catalog = load_catalog()
    library = load_library(catalog, own=[out] if out.exists() else ())
    waiting = read_chains(proposals)
    console = Console()
    requests = [{"name": "add_chain", "args": Proposal.of(chain).model_dump()} for chain in waiting]
    approved, taken, names = [], {c.capabilities for c in library}, set(library.chains)
    for chain, decision in zip(waiting, decide(requests, console), strict=True):
        if decision["type"] == "reject":
            continue
        proposal = Proposal.of(chain)
        if decision["type"] == "edit":
            proposal = Proposal.model_validate(decision["edited_action"]["args"])
        try:
            good = check_proposal(proposal, chain.subcategory, catalog.capabilities, taken, names)
        except ValueError as error:
            console.print(f"  left out: {proposal.name}: {error}", highlight=False, markup=False)
            continue
        approved.append(good)
        taken.add(good.capabilities)
        names.add(good.name)
    append_chains(out, approved)
    console.print(f"{len(approved)} of {len(waiting)} approved and saved in {out}", soft_wrap=True)
