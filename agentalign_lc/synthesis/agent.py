"""The agent loop as a graph: the actor's turn with its tools, and again, for so many turns."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, TypedDict

from langchain_core.messages import AIMessage, AnyMessage, InvalidToolCall, ToolCall, ToolMessage
from langchain_core.tools import BaseTool
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.graph.state import CompiledStateGraph
from langgraph.prebuilt.tool_node import ToolInvocationError
from langgraph.runtime import Runtime
from langgraph.types import Command

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
    graph.add_node("act", _act, destinations=("act", END))
    graph.add_edge(START, "act")
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
            # The loop's own limit ends it before this one raises.
            config={"recursion_limit": context.max_turns + 5},
        )
        messages, stopped = out["messages"], out["stopped"]
        if stopped != "answer":
            break
    return messages, stopped


async def _act(state: AgentState, runtime: Runtime[AgentContext]) -> Command[str]:
    context = runtime.context
    turns = state.get("turns", 0) + 1
    message = await context.actor.act(state["messages"], context.specs, context.instruction)
    if not (message.tool_calls or message.invalid_tool_calls):
        return _end("answer", [message], turns)
    # The tools are no node of their own: every node costs as much as several of these calls.
    added = [message, *await _answers(message, context.tools)]
    if context.stop is not None and context.stop([*state["messages"], *added]):
        return _end("shown", added, turns)
    if turns >= context.max_turns:
        return _end("turns", added, turns)
    return Command(update={"messages": added, "turns": turns}, goto="act")


def _end(why: str, added: list[AnyMessage], turns: int) -> Command[str]:
    return Command(update={"messages": added, "turns": turns, "stopped": why}, goto=END)


async def _answers(message: AIMessage, tools: Sequence[BaseTool]) -> list[AnyMessage]:
    known = {tool.name: tool for tool in tools}
    answers = [await _answer(call, known) for call in message.tool_calls]
    for call in message.invalid_tool_calls:
        problem = f"The arguments are no JSON: {call['error'] or call['args']}"
        error = {"error": {"code": "invalid_json", "message": problem}}
        answers.append(_error(call, json.dumps(error)))
    return answers


async def _answer(call: ToolCall, tools: Mapping[str, BaseTool]) -> AnyMessage:
    """Make one call, as a ToolNode does, which looks into the signature of each tool every time."""
    tool = tools.get(call["name"])
    if tool is None:
        known = ", ".join(tools)
        return _error(call, f"Error: {call['name']} is not a valid tool, try one of [{known}].")
    try:
        answer: AnyMessage = await tool.ainvoke({**call, "type": "tool_call"})
    except ToolInvocationError as error:  # so a guard around the loop refuses a call
        return _error(call, error.message)
    return answer


def _error(call: ToolCall | InvalidToolCall, content: str) -> ToolMessage:
    return ToolMessage(
        content, tool_call_id=call["id"] or "", name=call["name"] or "unknown", status="error"
    )
