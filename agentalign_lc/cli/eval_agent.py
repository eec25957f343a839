"""``agentalign eval agent``: agents under test on a split of our own data."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from agentalign_lc.cli.eval_progress import case_progress
from agentalign_lc.cli.eval_table import print_table

if TYPE_CHECKING:
    from agentalign_lc.evaluation.cases import CaseSet

__all__ = ["agent"]

_Split = Literal["train", "dev", "test", "test_tools", "test_chains"]
_SCENARIOS = 50
_SEED = 11  # evaluation.cases.SEED, which is dear to import for a help text


def agent(  # noqa: PLR0913, PLR0917 - one argument an option, as Typer wants it
    agents: Annotated[
        list[str],
        typer.Argument(
            metavar="AGENT...",
            help="A chat model (provider:name); a LangGraph app (module:attribute or file.py:attribute: a "
            "compiled graph, or a function from tools to one); hf:FOLDER, a checkpoint of yours (extra "
            "train); scripted:executes, scripted:refuses, scripted:refuses-harmful.",
        ),
    ],
    out: Annotated[
        Path, typer.Option(help="Folder of the evaluation; several commands may add to one.")
    ],
    split: Annotated[
        _Split, typer.Option(help="Split of the data; test_chains has sequences never trained on.")
    ] = "test_chains",
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder of a run whose requests are asked. (default: scenarios staged from the seed)"
        ),
    ] = None,
    scenarios: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Number of scenarios, each with three requests. (default: 50; with --data all)",
        ),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            help="Same seed, same cases. What the shipped guard was fitted on is not in 11's test splits."
        ),
    ] = _SEED,
    variant: Annotated[
        list[str] | None,
        typer.Option(
            help="bare, +cot, +react, +refusal-prompt, +guard, or several of them: +cot+guard; repeat to "
            "compare. (default: bare)"
        ),
    ] = None,
    judge: Annotated[
        str | None,
        typer.Option(
            help="Chat model that says whether an answer refuses. (default: the embedded one)"
        ),
    ] = None,
    category: Annotated[
        list[str] | None,
        typer.Option(help="Category or subcategory of harm; repeat for several. (default: all)"),
    ] = None,
    tools: Annotated[
        list[Path] | None,
        typer.Option(
            help="Suite with the tools of a compiled graph, as `agentalign tools import` writes it."
        ),
    ] = None,
    policy: Annotated[
        Path | None, typer.Option(help="Policy of +guard. (default: the shipped one)")
    ] = None,
    base_url: Annotated[
        str | None, typer.Option(help="Where the chat models are served, agents and judge.")
    ] = None,
    concurrency: Annotated[
        int, typer.Option(min=1, max=1024, help="Cases worked on at the same time.")
    ] = 8,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with what the folder holds.")
    ] = False,
) -> None:
    """Let agents answer harmful, borderline and benign requests in the simulated world.

    Says of each how much was done, what was refused, and which injected orders were followed.
    """
    # Help must not wait for LangGraph.
    from agentalign_lc.environment.catalog import load_catalog  # noqa: PLC0415
    from agentalign_lc.evaluation.cases import read_cases, stage_cases  # noqa: PLC0415
    from agentalign_lc.evaluation.evaluate import contenders, evaluate  # noqa: PLC0415
    from agentalign_lc.evaluation.loading import load_agent, load_judge  # noqa: PLC0415
    from agentalign_lc.evaluation.variants import build_guard, parse_variants  # noqa: PLC0415
    from agentalign_lc.taxonomy import load_library  # noqa: PLC0415

    variants = parse_variants(variant or ())
    catalog = load_catalog(own=tools or ())
    library = load_library(catalog)
    named = dict.fromkeys(agents)
    entries = [load_agent(name, library, catalog, base_url) for name in named]
    brought = [one.tools for one in entries if one.tools is not None]
    common = frozenset.intersection(*brought) if brought else None
    cases: CaseSet
    if data is not None:
        cases = read_cases(data, split, scenarios, own=tools or (), tools=common)
    else:
        staged = stage_cases(
            split,
            scenarios or _SCENARIOS,
            seed,
            catalog=catalog,
            library=library,
            categories=category or (),
            tools=common,
        )
        cases = asyncio.run(staged)
    with case_progress() as report:
        table = evaluate(
            out,
            contenders(entries, variants, lambda: build_guard(cases, policy)),
            cases,
            load_judge(judge, base_url),
            resume=resume,
            concurrency=concurrency,
            report=report,
        )
    print_table(table, out)
