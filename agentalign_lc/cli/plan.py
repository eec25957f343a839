"""``agentalign plan``: let a model propose chains, review them, save those that are good."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from rich.console import Console

from agentalign_lc.cli.options import BaseUrl, ModelsFile
from agentalign_lc.cli.review import decide
from agentalign_lc.environment.catalog import load_catalog
from agentalign_lc.records import BehaviorChain
from agentalign_lc.synthesis.planning import PlanInput, build_planner_graph
from agentalign_lc.synthesis.resources import Resources
from agentalign_lc.taxonomy import append_chains, load_library

__all__ = ["plan"]


def plan(
    subcategory: Annotated[str, typer.Option(help="Kind of harm to plan for, such as phishing.")],
    model: Annotated[
        list[str],
        typer.Option(
            help="Chat model that proposes, as provider:name or a name of --models; repeat for a mix, "
            "with weights as name=2."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Chain file that what you approve is added to.")] = Path(
        "chains.yaml"
    ),
    n: Annotated[int, typer.Option("--n", min=1, max=50, help="How many chains.")] = 5,
    base_url: BaseUrl = None,
    models: ModelsFile = None,
    tools: Annotated[
        list[Path] | None, typer.Option(help="Suite of your own tools; repeat for several.")
    ] = None,
) -> None:
    """Let a chat model propose behavior chains, and decide about each in the terminal."""
    from agentalign_lc.roles.prompted import PromptedPlanner  # noqa: PLC0415 - heavy

    catalog = load_catalog(own=tools or ())
    # Chains that were saved here before are known too, so that none comes twice.
    library = load_library(catalog, own=[out] if out.exists() else ())
    planner = PromptedPlanner(Resources(models=models).endpoints(base_url).mix(model))
    graph = build_planner_graph(planner, catalog, library, InMemorySaver())
    console = Console()
    result = asyncio.run(_reviewed(graph, {"subcategory": subcategory, "count": n}, console, out))
    for problem in result.get("problems", []):
        console.print(f"  turned down: {problem}", style="dim", highlight=False, markup=False)
    approved = [_chain(row) for row in result.get("approved", [])]
    append_chains(out, approved)
    rejected = len(result.get("rejected", []))
    console.print(f"{len(approved)} approved, {rejected} rejected", highlight=False)
    if approved:
        asked = " ".join(f"--model {name}" for name in model)
        command = f"agentalign synth --out runs/new --chains {out} {asked}"
        console.print(f"Saved in {out}. Use them: {command}", soft_wrap=True, highlight=False)


async def _reviewed(graph: Any, asked: PlanInput, console: Console, out: Path) -> dict[str, Any]:  # noqa: ANN401
    config: RunnableConfig = {"configurable": {"thread_id": "plan"}}
    state: dict[str, Any] = await graph.ainvoke(asked, config)
    while "__interrupt__" in state:
        question = state["__interrupt__"][0].value
        if question.get("problem"):
            console.print(f"[red]{question['problem']}[/red]: decide again")
        try:
            decisions = decide(question["action_requests"], console)
        except typer.Abort:
            waiting = graph.get_state(config).values["waiting"]
            kept = out.with_suffix(".proposed.yaml")
            append_chains(kept, [_chain(row) for row in waiting])
            console.print(
                f"Not decided. The proposals are in {kept}: agentalign chains review {kept} --out {out}",
                soft_wrap=True,
                highlight=False,
            )
            raise typer.Exit(1) from None
        state = await graph.ainvoke(Command(resume={"decisions": decisions}), config)
    return state


def _chain(row: dict[str, Any]) -> BehaviorChain:
    return BehaviorChain.model_validate({key: value for key, value in row.items() if key != "id"})
