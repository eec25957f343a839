"""Small apps, each guarded in one of the ways in, with tools that count and a strict model."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from langchain.agents import create_agent
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from langgraph.types import Command

from agentalign_lc.guard.engine.history import problems
from agentalign_lc.guard.guard import Guard
from agentalign_lc.guard.opinion import Opinion, allow, refuse
from agentalign_lc.guard.policy.policy import Policy, Setting
from agentalign_lc.guard.view import Checkpoint, GuardedTool, View
from agentalign_lc.guard.ways.middleware import GuardMiddleware
from tests.scripted import ScriptedChatModel

BAD = "mallory"
TOOLS = {
    name: GuardedTool(name)
    for name in ("pay", "ask_helper", "transfer_to_payer", "transfer_back_to_supervisor")
}


class StrictModel(ScriptedChatModel):
    """A provider that takes no history in which a call is unanswered or an answer is an orphan."""

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> Any:
        found = problems(messages)
        assert not found, found
        return super()._generate(messages, *args, **kwargs)


class NameJudge:
    """Refuses whatever names Mallory: calls, results, requests, answers; counts what it is asked."""

    name = "names"
    waits = False

    def __init__(
        self, *checkpoints: Checkpoint, raising: bool = False, waits: bool = False
    ) -> None:
        self.checkpoints = frozenset(checkpoints or ("calls",))
        self.raising = raising
        self.waits = waits
        self.asked: list[Checkpoint] = []
        self.views: list[View] = []

    def judge(self, view: View, checkpoint: Checkpoint) -> Opinion:
        self.asked.append(checkpoint)
        self.views.append(view)
        if self.raising:
            raise RuntimeError("the judge fell over")
        if checkpoint in ("calls", "arguments"):
            bad = tuple(c.id for c in view.pending if BAD in str(dict(c.arguments)))
            return refuse(self.name, "it names Mallory", calls=bad) if bad else allow(self.name)
        text = view.messages[-1].text
        return refuse(self.name, "it names Mallory") if BAD in text else allow(self.name)

    async def ajudge(self, view: View, checkpoint: Checkpoint) -> Opinion:
        return self.judge(view, checkpoint)


class SlowJudge(NameJudge):
    """Never answers in time: the policy's limit is shorter than it waits."""

    waits = True

    def __init__(self) -> None:
        super().__init__("calls", waits=True)
        self.freed = threading.Event()

    def judge(self, view: View, checkpoint: Checkpoint) -> Opinion:
        self.freed.wait(2)
        return allow(self.name)

    async def ajudge(self, view: View, checkpoint: Checkpoint) -> Opinion:
        await asyncio.Event().wait()
        raise AssertionError("never")


def paying(ran: list[str]) -> Any:
    @tool
    def pay(to: str) -> str:
        """Pay somebody."""
        ran.append(to)
        return f"paid {to}"

    return pay


def calling(*whom: str, name: str = "pay", prefix: str = "c") -> AIMessage:
    calls = [
        {"name": name, "args": {"to": to}, "id": f"{prefix}{at}"} for at, to in enumerate(whom)
    ]
    return AIMessage("", tool_calls=calls)


def agent_inside_a_tool(ran: list[str], *whom: str) -> Any:
    """A tool that starts an agent of its own, which pays."""
    inner = StrictModel(script=[calling(*whom, prefix="inner"), "Paid."] * 2)
    agent = create_agent(inner, [paying(ran)])

    @tool
    def ask_helper(to: str) -> str:
        """Ask the helper."""
        return str(agent.invoke({"messages": [HumanMessage(f"Pay {to}.")]})["messages"][-1].text)

    return ask_helper


def guard_of(*judges: Any, action: Any = "refuse_call", **policy: Any) -> Guard:
    defaults = Setting(action=action)
    return Guard(judges, Policy(defaults=defaults, inherit=False, **policy), tools=TOOLS)


def bare_builder(model: Any, tools: Any) -> StateGraph[Any, Any, Any, Any]:
    """A StateGraph as people write it by hand."""
    builder = StateGraph(MessagesState)
    builder.add_node("agent", _speak(model))
    builder.add_node("tools", tools)
    return builder


def _speak(model: Any) -> Callable[[Any], Any]:
    def agent(state: MessagesState) -> dict[str, Any]:
        return {"messages": [model.invoke(state["messages"])]}

    return agent


def by_middleware(guard: Guard, model: Any, tools: list[Any], saver: Any = None) -> Any:
    middleware = [GuardMiddleware(guard)]
    saver = saver or InMemorySaver()
    return create_agent(model, tools, middleware=middleware, checkpointer=saver)


def by_node(guard: Guard, model: Any, tools: list[Any], saver: Any = None) -> Any:
    builder = bare_builder(model, ToolNode(tools))
    builder.add_node("guard", guard.node(model="agent", tools="tools"))
    for place in (START, "agent", "tools"):
        builder.add_edge(place, "guard")
    return builder.compile(saver or InMemorySaver())


def by_wrapper(guard: Guard, model: Any, tools: list[Any], saver: Any = None) -> Any:
    wrapped = ToolNode(
        tools, wrap_tool_call=guard.tool_wrapper(), awrap_tool_call=guard.atool_wrapper()
    )
    builder = bare_builder(model, wrapped)
    builder.add_edge(START, "agent")
    builder.add_conditional_edges("agent", tools_condition)
    builder.add_edge("tools", "agent")
    return builder.compile(saver or InMemorySaver())


def by_wrap(guard: Guard, model: Any, tools: list[Any], saver: Any = None) -> Any:
    builder = bare_builder(model, ToolNode(tools))
    builder.add_edge(START, "agent")
    builder.add_conditional_edges("agent", tools_condition)
    builder.add_edge("tools", "agent")
    return guard.wrap(builder.compile(saver or InMemorySaver()))


def by_wrap_of_agent(guard: Guard, model: Any, tools: list[Any], saver: Any = None) -> Any:
    return guard.wrap(create_agent(model, tools, checkpointer=saver or InMemorySaver()))


WAYS = {
    "middleware": by_middleware,
    "node": by_node,
    "tool_wrapper": by_wrapper,
    "wrap": by_wrap,
    "wrap_agent": by_wrap_of_agent,
}

CONFIG = {"configurable": {"thread_id": "1"}}


def run(app: Any, given: Any, *, how: str) -> dict[str, Any]:
    """Run an app sync or async, by invoke or by stream; the values at the end."""
    source = {"messages": [HumanMessage(given)]} if isinstance(given, str) else given
    if how == "invoke":
        return app.invoke(source, CONFIG)
    if how == "ainvoke":
        return asyncio.run(app.ainvoke(source, CONFIG))
    last: Any = {}
    if how == "stream":
        for part in app.stream(source, CONFIG, stream_mode="values"):
            last = part
        return last

    async def streamed() -> Any:
        found: Any = {}
        async for part in app.astream(source, CONFIG, stream_mode="values"):
            found = part
        return found

    return asyncio.run(streamed())


def resume(app: Any, *types: str, how: str) -> dict[str, Any]:
    """Answer for a person."""
    return run(app, Command(resume={"decisions": [{"type": kind} for kind in types]}), how=how)
