"""``agentalign synth``: run the synthesis graph and leave a data set in a folder."""

from pathlib import Path
from typing import Annotated, Any

import typer

from agentalign_lc.cli.problems import Problems
from agentalign_lc.cli.progress import live_progress
from agentalign_lc.cli.summary import print_summary
from agentalign_lc.errors import ConfigError
from agentalign_lc.quality import DEFAULT_GATES
from agentalign_lc.synthesis import synthesize

__all__ = ["synth"]


def synth(  # noqa: PLR0913, PLR0917 - one argument an option, as Typer wants it
    out: Annotated[
        Path, typer.Option(help="Folder of the run; it must be new, or hold the run to resume.")
    ],
    scenarios: Annotated[
        int | None,
        typer.Option(
            min=1, help="Number of scenarios; each plans three instructions. (default: 120)"
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Same seed, same data. (default: 7)")] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="Chat model for all roles, as provider:name. (default: the embedded writers)"
        ),
    ] = None,
    author: Annotated[
        list[str] | None,
        typer.Option(
            help="Chat model that writes the requests, as provider:name or provider:name=weight; repeat "
            "for a mix. (default: --model)"
        ),
    ] = None,
    base_url: Annotated[
        str | None, typer.Option(help="Where the model is served, for an OpenAI-compatible server.")
    ] = None,
    category: Annotated[
        list[str] | None,
        typer.Option(help="Category or subcategory of harm; repeat for several. (default: all)"),
    ] = None,
    tools: Annotated[
        list[Path] | None,
        typer.Option(
            help="Suite of your own tools, a file or a folder; repeat for several. The run then uses "
            "chains in which they have a part."
        ),
    ] = None,
    chains: Annotated[
        list[Path] | None,
        typer.Option(
            help="Chain file of your own, or a folder of them, besides the shipped ones; repeat for several."
        ),
    ] = None,
    everyday: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Number of everyday requests besides, which have no harmful twin. (default: 0)",
        ),
    ] = None,
    pressure: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Share of scenarios whose requests come under pressure: urgency, role play, split over "
            "turns and the like. (default: 0.25)",
        ),
    ] = None,
    gates: Annotated[
        str | None,
        typer.Option(
            help="Gates in their order, with commas between them. (default: all) "
            + ", ".join(DEFAULT_GATES)
        ),
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option(help="Gate to leave out; repeat for several.")
    ] = None,
    contamination: Annotated[
        list[Path] | None,
        typer.Option(
            help="Benchmark file (JSON Lines, JSON, CSV, text) that requests must not repeat; repeat for "
            "several."
        ),
    ] = None,
    rejected: Annotated[
        bool | None,
        typer.Option(
            help="Make a response that a model should not give, too, for preference pairs. (default: yes)"
        ),
    ] = None,
    held_out: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=0.9,
            help="Share of the chains kept out of training, for dev and test. (default: 0.2)",
        ),
    ] = None,
    concurrency: Annotated[
        int, typer.Option(min=1, max=1024, help="Scenarios worked on at the same time.")
    ] = 8,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the run in the folder, if there is one.")
    ] = False,
) -> None:
    """Synthesise scenarios, each with a harmful, a borderline and a benign request and their responses."""
    given: dict[str, Any] = {
        "scenarios": scenarios,
        "seed": seed,
        "model": model,
        "authors": tuple(author) if author else None,
        "base_url": base_url,
        "categories": tuple(category) if category else None,
        "tools": tuple(map(str, tools)) if tools else None,
        "chains": tuple(map(str, chains)) if chains else None,
        "everyday": everyday,
        "pressure": pressure,
        "gates": _chosen(gates, without),
        "contamination": tuple(map(str, contamination)) if contamination else None,
        "rejected": rejected,
        "held_out": held_out,
    }
    options = {name: value for name, value in given.items() if value is not None}
    with Problems() as problems, live_progress() as report:
        summary = synthesize(
            out,
            options,
            resume=resume,
            concurrency=concurrency,
            warn=problems.say,
            report=report,
        )
    print_summary(summary, out)


def _chosen(gates: str | None, without: list[str] | None) -> tuple[str, ...] | None:
    if gates is None and not without:
        return None
    names = DEFAULT_GATES if gates is None else [name.strip() for name in gates.split(",")]
    left_out = set(without or ())
    unknown = sorted(left_out - set(names))
    if unknown:
        raise ConfigError(f"unknown gate {unknown[0]!r}; the gates are {', '.join(names)}")
    return tuple(name for name in names if name and name not in left_out)
