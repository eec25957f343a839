"""The agent loop as a graph: the actor's turn, its tools, and again, for so many turns."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

from langchain_core.messages import AIMessage, AnyMessage, ToolMessage
from langchain_core.tools import BaseTool
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.graph.state import CompiledStateGraph
from langgraph.prebuilt import ToolNode
from langgraph.runtime import Runtime

from agentalign_lc.environment.spec import ToolSpec
from agentalign_lc.records import Instruction
from agentalign_lc.roles import Actor

__all__ = ["AgentContext", "AgentState", "build_agent", "converse"]


@dataclass(frozen=True)
class AgentContext:
    """What one run of the loop works with; it holds a world, so it is not part of the state."""

    actor: Actor
    specs: Sequence[ToolSpec]
    tools: Sequence[BaseTool]
    instruction: Instruction
    max_turns: int = 12
    stop: Callable[[Sequence[AnyMessage]], bool] | None = None
    """Asked after every batch of calls; if it says yes, the loop ends with ``stopped: "shown"``."""


class AgentState(TypedDict, total=False):
    """The conversation, and how many turns the actor has had."""

    messages: Annotated[list[AnyMessage], add_messages]
    turns: int
    stopped: str


def build_agent() -> CompiledStateGraph[AgentState, AgentContext, AgentState, AgentState]:
    """Compile the loop.

    It ends with the actor's answer, or with ``stopped: "turns"`` when the actor
    has called tools ``max_turns`` times. Calls whose arguments are no JSON and
    calls of unknown tools are answered with an error, so that the history
    stays one that a provider accepts.
    """
    graph = StateGraph(AgentState, context_schema=AgentContext)
    graph.add_node("act", _act)
    graph.add_node("tools", _use_tools)
    graph.add_edge(START, "act")
    graph.add_conditional_edges("act", _next, ["tools", END])
    graph.add_conditional_edges("tools", _go_on, ["act", END])
    return graph.compile(name="agent")


async def converse(
    agent: CompiledStateGraph[AgentState, AgentContext, AgentState, AgentState],
    opening: Sequence[AnyMessage],
    said: Sequence[AnyMessage],
    context: AgentContext,
) -> tuple[list[AnyMessage], str]:
    """Let the agent answer one user turn after the other.

    Args:
        agent: What ``build_agent`` compiled.
        opening: The messages before the first turn.
        said: The user's turns.
        context: What the agent works with.

    Returns:
        All messages, and why it stopped: ``answer``; ``turns`` for the limit, or ``shown``, end it.
    """
    messages, stopped = list(opening), "answer"
    for turn in said:
        out = await agent.ainvoke(
            {"messages": [*messages, turn]},
            context=context,
            # Two steps a turn; the loop's own limit ends it before this one raises.
            config={"recursion_limit": 2 * context.max_turns + 5},
        )
        messages, stopped = out["messages"], out["stopped"]
        if stopped != "answer":
            break
    return messages, stopped


async def _act(state: AgentState, runtime: Runtime[AgentContext]) -> AgentState:
    context = runtime.context
    turns = state.get("turns", 0)
    if turns >= context.max_turns:
        return {"stopped": "turns"}
    message = await context.actor.act(state["messages"], context.specs, context.instruction)
    wants_tools = bool(message.tool_calls or message.invalid_tool_calls)
    return {
        "messages": [message],
        "turns": turns + 1,
        **({} if wants_tools else {"stopped": "answer"}),
    }


async def _use_tools(state: AgentState, runtime: Runtime[AgentContext]) -> dict[str, Any]:
    message = state["messages"][-1]
    assert isinstance(message, AIMessage)  # noqa: S101 - the edge leads here from a call only
    answers: list[AnyMessage] = [
        ToolMessage(
            json.dumps(
                {
                    "error": {
                        "code": "invalid_json",
                        "message": f"The arguments are no JSON: {call['error'] or call['args']}",
                    }
                }
            ),
            tool_call_id=call["id"] or "",
            name=call["name"] or "unknown",
            status="error",
        )
        for call in message.invalid_tool_calls
    ]
    if message.tool_calls:
        node = ToolNode(_called(message, runtime.context.tools))
        made = await node.ainvoke({"messages": [message]})
        answers = [*made["messages"], *answers]
    stop = runtime.context.stop
    if stop is not None and stop([*state["messages"], *answers]):
        return {"messages": answers, "stopped": "shown"}
    return {"messages": answers}


def _called(message: AIMessage, tools: Sequence[BaseTool]) -> list[BaseTool]:
    """The tools of a message's calls; all of them if one is unknown, for the answer lists them.

    A ToolNode looks into the signature of every tool that it is given, each time.
    """
    names = {call["name"] for call in message.tool_calls}
    found = [tool for tool in tools if tool.name in names]
    return found if len(found) == len(names) else list(tools)


def _next(state: AgentState) -> str:
    return END if state.get("stopped") else "tools"


def _go_on(state: AgentState) -> str:
    return END if state.get("stopped") else "act"
