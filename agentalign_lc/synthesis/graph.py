"""The scenario graph: stage, then the three instructions side by side, then record.

One scenario is the unit of work. ``Send`` fans it out into its three
instructions, each a run of the instruction graph; whatever goes wrong in one
is recorded as a failed result with its reason and touches nothing else.
"""

import operator
from collections.abc import Mapping
from typing import Annotated, Any, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, Send

from agentalign_lc.endpoints.work import current_work
from agentalign_lc.records import Intent, Result, Scenario, Split
from agentalign_lc.synthesis.instruction import build_instruction_graph
from agentalign_lc.synthesis.stager import Stager
from agentalign_lc.synthesis.studio import Studio
from agentalign_lc.synthesis.workload import calls_of

__all__ = ["ScenarioInput", "ScenarioOutput", "asked_for", "build_graph"]

_INTENTS = tuple(Intent)


class ScenarioInput(TypedDict, total=False):
    """Which scenario: its number in the run with this seed."""

    index: int
    seed: int
    everyday: int
    """Given for an everyday request: its number among them, from 0. It has no harmful twin."""


class ScenarioOutput(TypedDict):
    """How the three instructions ended, in the order harmful, borderline, benign."""

    results: list[Result]


class _ScenarioState(TypedDict, total=False):
    index: int
    seed: int
    everyday: int
    scenario: Scenario
    split: Split
    ended: Annotated[list[Result], operator.add]
    results: list[Result]


def asked_for(unit: Mapping[str, Any]) -> tuple[Intent, ...]:
    """The intents of a unit of work: all three, or benign alone for an everyday request."""
    return (Intent.BENIGN,) if "everyday" in unit else _INTENTS


def build_graph(
    studio: Studio,
) -> CompiledStateGraph[_ScenarioState, None, ScenarioInput, ScenarioOutput]:
    """Compile the graph that turns a scenario's number into three results.

    Example:
        >>> import asyncio
        >>> from agentalign_lc.environment.catalog import load_catalog
        >>> from agentalign_lc.roles.embedded import embedded_roles
        >>> from agentalign_lc.taxonomy import load_library
        >>> catalog = load_catalog()
        >>> library = load_library(catalog)
        >>> graph = build_graph(Studio(embedded_roles(library, catalog), catalog, library))
        >>> out = asyncio.run(graph.ainvoke({"index": 0, "seed": 7}))
        >>> [result.intent.value for result in out["results"]]
        ['harmful', 'borderline', 'benign']
    """
    stager = Stager(studio)

    # Async throughout, although nothing waits: LangGraph runs plain functions in threads.
    async def stage(state: _ScenarioState) -> Command[str]:
        index = state.get("index", 0)
        intents = asked_for(state)
        try:
            scenario, split = stager.stage(index, state.get("seed", 0), state.get("everyday"))
        except Exception as error:  # noqa: BLE001 - failures are data
            reason = f"{type(error).__name__}: {error}"
            failed = [Result.failed(index, intent, "stage", reason) for intent in intents]
            return Command(update={"ended": failed}, goto="record")
        work = current_work()
        if work is not None:
            work.ahead = calls_of(scenario, intents)
        known = {"scenario": scenario, "split": split}
        return Command(
            update=known, goto=[Send("instruction", {**known, "intent": i}) for i in intents]
        )

    async def record(state: _ScenarioState) -> dict[str, Any]:
        return {"results": sorted(state["ended"], key=lambda result: _INTENTS.index(result.intent))}

    graph = StateGraph(_ScenarioState, input_schema=ScenarioInput, output_schema=ScenarioOutput)
    graph.add_node("stage", stage, destinations=("instruction", "record"))
    graph.add_node("instruction", build_instruction_graph(studio))
    graph.add_node("record", record)
    graph.add_edge(START, "stage")
    graph.add_edge("instruction", "record")
    graph.add_edge("record", END)
    return graph.compile(name="synthesis")
