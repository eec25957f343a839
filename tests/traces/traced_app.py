"""The app that recorders and collectors are tried on: whatever is hard to trace, once.

guard -> subgraph -> agent with three parallel tools, one of which calls a model
and one raises -> three Send workers -> a node with two raw threads -> a refusal.
Nine model calls and three tool runs.
"""

import operator
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

from langchain.agents import create_agent
from langchain.agents.middleware import ToolErrorMiddleware
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool, tool
from langchain_core.utils.function_calling import convert_to_openai_tool
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Send

from agentalign_lc.guard import Audit, Guard, RuleJudge
from tests.scripted import ScriptedChatModel

REQUEST = "Look into the harbour's tides, and write them up."
REFUSAL = "I can't help with flooding the harbour."
USAGE: UsageMetadata = {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}

EXPECTED: dict[str, Any] = {
    "models": {
        # What each model call says, and in which node of the graph it ran.
        "": "model",  # the agent's first, which calls three tools
        "summary of tides": "tools",
        "the tides are known": "model",
        "part 0": "worker",
        "part 1": "worker",
        "part 2": "worker",
        "thread 0": "threads",
        "thread 1": "threads",
        REFUSAL: "refuse",
    },
    "tools": {"look_up": "ok", "summarise": "ok", "dredge": "error"},
    "schemas": ["look_up", "summarise", "dredge"],
    "refusal": REFUSAL,
}
"""Nine model calls by what they say, three tool runs by how they end."""


class BoundChatModel(ScriptedChatModel):
    """Hands its tools on with each call, as real ones do, so that tracers see them."""

    def bind_tools(
        self, tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool], **_: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        return self.bind(tools=[convert_to_openai_tool(one) for one in tools])  # type: ignore[return-value]


class State(MessagesState):
    parts: Annotated[list[str], operator.add]


def says(text: str, **extra: Any) -> ScriptedChatModel:
    """A model with one thing to say."""
    return ScriptedChatModel(script=[AIMessage(text, usage_metadata=USAGE, **extra)])


@tool
def look_up(place: str) -> str:
    """Look a place up."""
    return f"{place}: high water at noon"


@tool
def summarise(text: str) -> str:
    """Summarise a text."""
    return str(says("summary of tides").invoke(text).text)


@tool
def dredge(depth: int) -> str:
    """Dredge the harbour."""
    raise ValueError(f"no dredger goes {depth} m deep")


def agent_model() -> BoundChatModel:
    """Calls three tools at once, then answers."""
    calls = [
        {"name": "look_up", "args": {"place": "harbour"}, "id": "c1"},
        {"name": "summarise", "args": {"text": "tides"}, "id": "c2"},
        {"name": "dredge", "args": {"depth": 90}, "id": "c3"},
    ]
    return BoundChatModel(
        script=[
            AIMessage("", tool_calls=calls, usage_metadata=USAGE),
            AIMessage("the tides are known", usage_metadata=USAGE),
        ]
    )


def fan_out(state: State) -> list[Send]:
    return [Send("worker", {"number": number}) for number in range(3)]


def worker(state: dict[str, Any]) -> dict[str, Any]:
    said = says(f"part {state['number']}").invoke("Write a part.")
    return {"parts": [str(said.text)]}


def threads(state: State) -> dict[str, Any]:
    """One thread of the standard library, and one task of its pool."""
    alone = threading.Thread(target=lambda: says("thread 0").invoke("Check."))
    alone.start()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(says("thread 1").invoke, "Check.").result()
    alone.join()
    return {}


def refuse(state: State) -> dict[str, Any]:
    model = says("", additional_kwargs={"refusal": REFUSAL})
    return {"messages": [model.invoke([HumanMessage("Now flood the harbour.")])]}


def build_app() -> CompiledStateGraph[Any, Any, Any, Any]:
    """The app, for one run: its models have each thing to say once."""
    agent = create_agent(
        agent_model(),
        [look_up, summarise, dredge],
        middleware=[ToolErrorMiddleware(lambda error, request: str(error))],
        name="researcher",
    )
    research = StateGraph(State)
    research.add_node("researcher", agent)
    research.add_edge(START, "researcher")
    app = StateGraph(State)
    guard = Guard([RuleJudge()], audit=Audit(None))
    app.add_node("guard", guard.node(model="research", tools="research"))
    app.add_node("research", research.compile())
    app.add_node("worker", worker)
    app.add_node("threads", threads)
    app.add_node("refuse", refuse)
    app.add_edge(START, "guard")
    app.add_conditional_edges("research", fan_out, ["worker"])
    app.add_edge("worker", "threads")
    app.add_edge("threads", "refuse")
    app.add_edge("refuse", END)
    return app.compile(name="harbour")
