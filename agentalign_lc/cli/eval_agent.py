"""``agentalign eval agent``: agents under test on a split of our own data."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from agentalign_lc.cli.eval_progress import case_progress
from agentalign_lc.cli.eval_table import print_table
from agentalign_lc.cli.options import (
    BaseUrl,
    Calls,
    MaxCost,
    MaxTokens,
    ModelsFile,
    Prices,
    RequestsPerMinute,
    Timeout,
    TokensPerMinute,
)

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
            help="A chat model (provider:name, or hf:FOLDER of a checkpoint); a LangGraph app (module:attribute or file.py:attribute: a "
            "compiled graph, or a function from tools to one); scripted:executes, scripted:refuses, "
            "scripted:refuses-harmful.",
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
    chains: Annotated[
        list[Path] | None, typer.Option(help="Chain file of your own; repeat for several.")
    ] = None,
    policy: Annotated[
        Path | None, typer.Option(help="Policy of +guard. (default: the shipped one)")
    ] = None,
    base_url: BaseUrl = None,
    models: ModelsFile = None,
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
            min=1,
            max=1024,
            help="Cases worked on at the same time. (default: 8; for chat models as many as --calls)",
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with what the folder holds.")
    ] = False,
) -> None:
    """Let agents answer harmful, borderline and benign requests in the simulated world.

    Says of each how much was done, what was refused, and which injected orders were followed.
    """
    # Help must not wait for LangGraph.
    from agentalign_lc.endpoints.price import PriceTable  # noqa: PLC0415
    from agentalign_lc.evaluation.cases import load_world, read_cases, stage_cases  # noqa: PLC0415
    from agentalign_lc.evaluation.evaluate import Money, contenders, evaluate  # noqa: PLC0415
    from agentalign_lc.evaluation.loading import load_agent, load_judge, names_model  # noqa: PLC0415
    from agentalign_lc.evaluation.variants import build_guard, parse_variants  # noqa: PLC0415
    from agentalign_lc.synthesis.resources import Resources  # noqa: PLC0415

    variants = parse_variants(variant or ())
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
    )
    endpoints = resources.endpoints(base_url)
    catalog, library = load_world(data, tools or (), chains or ())
    named = dict.fromkeys(agents)
    entries = [load_agent(name, library, catalog, endpoints) for name in named]
    brought = [one.tools for one in entries if one.tools is not None]
    common = frozenset.intersection(*brought) if brought else None
    cases: CaseSet
    if data is not None:
        cases = read_cases(data, split, scenarios, world=(catalog, library), tools=common)
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
            load_judge(judge, endpoints),
            resume=resume,
            # An app's own models may have limits that nobody told us.
            concurrency=resources.scenarios_at_once(prompted=all(map(names_model, named))),
            money=Money(
                max_cost, max_tokens, PriceTable.load(prices) if prices else PriceTable({})
            ),
            report=report,
        )
    print_table(table, out)
