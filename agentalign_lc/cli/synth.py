"""``agentalign synth``: run the synthesis graph and leave a data set in a folder."""

from pathlib import Path
from typing import Annotated, Any, Literal, cast

import typer

from agentalign_lc.cli.estimate import print_estimate
from agentalign_lc.cli.options import (
    Address,
    BaseUrl,
    Calls,
    Engine,
    MaxCost,
    MaxTokens,
    ModelsFile,
    Prices,
    RequestsPerMinute,
    Timeout,
    TokensPerMinute,
    Workers,
)
from agentalign_lc.cli.problems import Problems
from agentalign_lc.cli.progress import live_progress
from agentalign_lc.cli.summary import print_summary
from agentalign_lc.errors import ConfigError
from agentalign_lc.quality import DEFAULT_GATES
from agentalign_lc.synthesis import synthesize
from agentalign_lc.synthesis.resources import Resources

__all__ = ["synth"]

_RUN = "The run"
_ABOUT = "What it is about"
_MODELS = "Models"
_CHECKS = "What is kept"
_MACHINES = "Processes and machines"

_ROLE = "instead of --model; repeat for a mix."


def synth(  # noqa: PLR0913, PLR0917 - one argument an option, as Typer wants it
    out: Annotated[
        Path,
        typer.Option(
            rich_help_panel=_RUN,
            help="Folder of the run; it must be new, or hold the run to resume.",
        ),
    ],
    scenarios: Annotated[
        int | None,
        typer.Option(
            min=1,
            rich_help_panel=_RUN,
            help="Number of scenarios; each plans three instructions. (default: 120)",
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(rich_help_panel=_RUN, help="Same seed, same data. (default: 7)"),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            rich_help_panel=_RUN,
            help="Continue the run in the folder, if there is one.",
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            rich_help_panel=_RUN,
            help="Print calls, tokens and cost by role and model; ask nobody, write nothing.",
        ),
    ] = False,
    category: Annotated[
        list[str] | None,
        typer.Option(
            rich_help_panel=_ABOUT,
            help="Category or subcategory of harm; repeat for several. (default: all)",
        ),
    ] = None,
    tools: Annotated[
        list[Path] | None,
        typer.Option(
            rich_help_panel=_ABOUT,
            help="Suite of your own tools, a file or a folder; repeat for several. The run then uses "
            "chains in which they have a part.",
        ),
    ] = None,
    chains: Annotated[
        list[Path] | None,
        typer.Option(
            rich_help_panel=_ABOUT,
            help="Chain file of your own, or a folder of them, besides the shipped ones; repeat for several.",
        ),
    ] = None,
    everyday: Annotated[
        int | None,
        typer.Option(
            min=0,
            rich_help_panel=_ABOUT,
            help="Number of everyday requests besides, which have no harmful twin. (default: 0)",
        ),
    ] = None,
    pressure: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            rich_help_panel=_ABOUT,
            help="Share of scenarios whose requests come under pressure: urgency, role play, split over "
            "turns and the like. (default: 0.25)",
        ),
    ] = None,
    rejected: Annotated[
        bool | None,
        typer.Option(
            rich_help_panel=_ABOUT,
            help="Make a response that a model should not give, too, for preference pairs. (default: yes)",
        ),
    ] = None,
    held_out: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=0.9,
            rich_help_panel=_ABOUT,
            help="Share of the chains kept out of training, for dev and test. (default: 0.2)",
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            rich_help_panel=_MODELS,
            help="Model for all roles, as provider:name or a name of --models; repeat for a mix, with "
            "weights as name=2. (default: the embedded writers)",
        ),
    ] = None,
    author: Annotated[
        list[str] | None,
        typer.Option(rich_help_panel=_MODELS, help=f"Model that writes the requests, {_ROLE}"),
    ] = None,
    actor: Annotated[
        list[str] | None,
        typer.Option(rich_help_panel=_MODELS, help=f"Model that carries them out, {_ROLE}"),
    ] = None,
    refuser: Annotated[
        list[str] | None,
        typer.Option(rich_help_panel=_MODELS, help=f"Model that refuses them, {_ROLE}"),
    ] = None,
    judge: Annotated[
        list[str] | None,
        typer.Option(
            rich_help_panel=_MODELS, help=f"Model that judges requests and responses, {_ROLE}"
        ),
    ] = None,
    base_url: BaseUrl = None,
    models: ModelsFile = None,
    gates: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=_CHECKS,
            help="Gates in their order, with commas between them. (default: all) "
            + ", ".join(DEFAULT_GATES),
        ),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(rich_help_panel=_CHECKS, help="Gate to leave out; repeat for several."),
    ] = None,
    contamination: Annotated[
        list[Path] | None,
        typer.Option(
            rich_help_panel=_CHECKS,
            help="Benchmark file (JSON Lines, JSON, CSV, text) that requests must not repeat; repeat for "
            "several.",
        ),
    ] = None,
    prices: Prices = None,
    max_cost: MaxCost = None,
    max_tokens: MaxTokens = None,
    requests_per_minute: RequestsPerMinute = None,
    tokens_per_minute: TokensPerMinute = None,
    calls: Calls = None,
    timeout: Timeout = None,
    concurrency: Annotated[
        int | None,
        typer.Option(
            rich_help_panel=_MACHINES,
            help="Scenarios worked on at the same time, in all workers together. (default: 8; with models "
            "half as many again as --calls, so that one endpoint is kept busy)",
        ),
    ] = None,
    workers: Workers = 1,
    engine: Engine = "local",
    address: Address = None,
) -> None:
    """Synthesise scenarios, each with a harmful, a borderline and a benign request and their responses."""
    given: dict[str, Any] = {
        "scenarios": scenarios,
        "seed": seed,
        "models": tuple(model) if model else None,
        "authors": tuple(author) if author else None,
        "actors": tuple(actor) if actor else None,
        "refusers": tuple(refuser) if refuser else None,
        "judges": tuple(judge) if judge else None,
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
    resources = Resources(
        models=models,
        prices=prices,
        requests_per_minute=requests_per_minute,
        tokens_per_minute=tokens_per_minute,
        calls=calls,
        timeout=timeout,
        max_cost=max_cost,
        max_tokens=max_tokens,
        concurrency=concurrency,
        workers=workers,
        engine=cast("Literal['local', 'ray']", engine),
        address=address,
    )
    if dry_run:
        from agentalign_lc.synthesis.estimate import (  # noqa: PLC0415 - heavy, and rarely needed
            estimate,
        )

        print_estimate(estimate(out, options, resume=resume, resources=resources), max_cost)
        return
    with Problems() as problems, live_progress() as report:
        summary = synthesize(
            out,
            options,
            resume=resume,
            resources=resources,
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
