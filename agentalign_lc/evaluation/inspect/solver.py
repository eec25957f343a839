"""A LangGraph app as a solver of Inspect's: its tools, its model calls and its limits are Inspect's.

Model calls of the name ``inspect`` go through Inspect's bridge, so that usage,
retries and limits are counted where those of any other agent are.
"""

import inspect
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.tools import BaseTool
from langgraph.errors import GraphRecursionError
from langgraph.graph import StateGraph
from langgraph.graph.state import CompiledStateGraph

from agentalign_lc.errors import ConfigError
from agentalign_lc.evaluation.inspect.agents import App, Graph, Technique, load_app, shipped_guard
from agentalign_lc.evaluation.inspect.log import USAGE
from agentalign_lc.evaluation.inspect.messages import as_inspect, as_langchain, closed, curtailed
from agentalign_lc.evaluation.inspect.tools import langchain_tools

if TYPE_CHECKING:
    from inspect_ai.model import ChatMessageTool
    from inspect_ai.solver import Generate, Solver, TaskState

__all__ = ["langgraph_solver"]

_STEPS = 200
"""Steps of a graph; Inspect's limit on messages ends a run long before."""


@cache
def langgraph_solver() -> "Callable[..., Solver]":
    """The solver's factory, ``langgraph(app, technique, guarded)``; made when Inspect is there."""
    from inspect_ai.solver import chain, prompt_template, solver  # noqa: PLC0415
    from inspect_evals.agentharm.agents.default_agent import (  # noqa: PLC0415
        system_prompt_based_on_model,
    )
    from inspect_evals.agentharm.prompts import get_jailbreak_template  # noqa: PLC0415

    @solver
    def langgraph(
        app: str | None = None, technique: Technique = "standard", guarded: bool = False
    ) -> "Solver":
        # The same opening as the benchmark's own agent has.
        return chain(
            system_prompt_based_on_model(None, technique),
            prompt_template(get_jailbreak_template("empty")),
            langgraph_loop(app, guarded),
        )

    @solver
    def langgraph_loop(app: str | None, guarded: bool) -> "Solver":
        build = load_app(app) if app else _model_app

        async def solve(state: "TaskState", generate: "Generate") -> "TaskState":  # noqa: ARG001
            return await _solve(state, build, guarded=guarded)

        return solve

    return langgraph


def _model_app(tools: list[BaseTool]) -> Graph:
    from langchain.agents import create_agent  # noqa: PLC0415 - slow to import
    from langchain.chat_models import init_chat_model  # noqa: PLC0415

    # Inspect's bridge answers for this name; nothing is sent.
    return create_agent(init_chat_model("openai:inspect", api_key="none"), tools)


async def _solve(state: "TaskState", build: App, *, guarded: bool) -> "TaskState":
    from inspect_ai.agent import agent_bridge  # noqa: PLC0415

    ran: dict[str, ChatMessageTool] = {}
    made: Any = build([*langchain_tools(state.tools, ran)])
    made = await made if inspect.isawaitable(made) else made
    graph = made.compile() if isinstance(made, StateGraph) else made
    if not isinstance(graph, CompiledStateGraph):
        raise ConfigError(f"the app's function returned a {type(made).__name__}, no compiled graph")
    if guarded:
        graph = shipped_guard().wrap(graph)
    try:
        async with agent_bridge():
            await _follow(state, graph, ran)
    except BaseException:
        state.messages = curtailed(state.messages, ran)
        raise
    state.messages = closed(state.messages, ran)
    return state


async def _follow(
    state: "TaskState",
    graph: Graph,
    ran: "dict[str, ChatMessageTool]",
) -> None:
    """Run the graph; what it has said so far is in the state at any time, for a limit may end it."""
    from inspect_ai.model import ModelOutput  # noqa: PLC0415

    opening = {"messages": as_langchain(state.messages)}
    states = graph.astream(opening, {"recursion_limit": _STEPS}, stream_mode="values")
    try:
        async for values in states:
            messages = values.get("messages") if isinstance(values, dict) else None
            if messages:
                state.store.set(USAGE, _usage(messages))
                state.messages = as_inspect(messages, ran)
    except GraphRecursionError:
        return
    last = next((m for m in reversed(state.messages) if m.role == "assistant"), None)
    state.output = ModelOutput.from_content(str(state.model), last.text if last else "")


def _usage(messages: Sequence[BaseMessage]) -> dict[str, int]:
    """What an app used, as its messages say; Inspect knows it only of calls through its bridge."""
    used = [m.usage_metadata for m in messages if isinstance(m, AIMessage) and m.usage_metadata]
    return {
        "input_tokens": sum(one["input_tokens"] for one in used),
        "output_tokens": sum(one["output_tokens"] for one in used),
    }
