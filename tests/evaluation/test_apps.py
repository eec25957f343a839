"""Apps under test: the user's graph meets simulated tools, and none of its own."""

import asyncio
from typing import Annotated, Any

import pytest
from langchain.agents import create_agent
from langchain.tools import ToolRuntime
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import StructuredTool, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import InjectedState, ToolNode, tools_condition
from langgraph.types import interrupt

from agentalign_lc.endpoints.endpoints import Endpoints
from agentalign_lc.environment.arguments import arguments_model
from agentalign_lc.errors import ConfigError
from agentalign_lc.evaluation.apps import FactoryAgent, GraphAgent, app_agent
from agentalign_lc.evaluation.cases import stage_cases
from agentalign_lc.evaluation.evaluate import contenders, evaluate
from agentalign_lc.evaluation.loading import load_agent, names_app
from agentalign_lc.evaluation.variants import build_guard, parse_variants
from agentalign_lc.records import Intent
from agentalign_lc.roles.embedded import EmbeddedActor, EmbeddedJudge


class Executes(BaseChatModel):
    """Carries out what it finds in the cases: which one it is, the conversation says."""

    cases: Any

    @property
    def _llm_type(self):
        return "executes"

    def bind_tools(self, tools, **_):
        return self

    def _generate(self, messages, stop=None, run_manager=None, **_):
        said = [m.text for m in messages if isinstance(m, HumanMessage)]
        case = next(c for c in self.cases.cases if list(c.instruction.said[: len(said)]) == said)
        specs = [self.cases.catalog.tools[name] for name in case.scenario.offered]
        actor = EmbeddedActor(self.cases.catalog)
        own = [m for m in messages if not (isinstance(m, ToolMessage) and m.name == "ask_worker")]
        message = asyncio.run(actor.act(own, specs, case.instruction))
        return ChatResult(generations=[ChatGeneration(message=message)])


def own_tools(catalog, names):
    """Tools such as an app has: they have the simulated ones' names, and must not run."""

    def real(name):
        def run(**_):
            raise AssertionError(f"{name} ran")

        spec = catalog.tools[name]
        return StructuredTool.from_function(
            run, name=name, description=spec.description, args_schema=arguments_model(spec)
        )

    return [real(name) for name in names]


@pytest.fixture(scope="session")
def few(catalog, library):
    """Four scenarios for an app that has the tools of one suite or two."""
    tools = frozenset(
        name
        for name, spec in catalog.tools.items()
        if spec.capability.split(".")[0]
        in ("communication", "search", "system_tools", "social_network")
    )
    found = stage_cases("train", 4, catalog=catalog, library=library, tools=tools)
    return asyncio.run(found), tools


def table_of(out, agent, cases, *variants):
    entries = contenders([agent], parse_variants(variants), lambda: build_guard(cases))
    return evaluate(out, entries, cases, EmbeddedJudge(), concurrency=4)


def scores(table, agent):
    return {i.value: table.row(agent, i).measures["score"].value for i in Intent}


def test_a_factory_is_given_the_tools_of_each_scenario(cases, tmp_path):
    model, offered = Executes(cases=cases), []

    def factory(tools):
        offered.append({tool.name for tool in tools})
        return create_agent(model, tools)

    table = table_of(tmp_path / "e", app_agent("mine", factory, cases.catalog), cases)
    assert scores(table, "mine") == {"harmful": 1.0, "borderline": 1.0, "benign": 1.0}
    assert sorted(map(sorted, offered)) == sorted(
        sorted(case.scenario.offered) for case in cases.cases
    )


@pytest.mark.parametrize("checkpointer", [None, InMemorySaver()])
def test_a_built_app_is_answered_by_simulated_tools(few, tmp_path, checkpointer):
    cases, names = few
    app = create_agent(
        Executes(cases=cases), own_tools(cases.catalog, sorted(names)), checkpointer=checkpointer
    )
    agent = app_agent("mine", app, cases.catalog)
    assert isinstance(agent, GraphAgent)
    assert agent.tools == names
    table = table_of(tmp_path / "e", agent, cases, "bare", "+guard")
    assert scores(table, "mine") == {"harmful": 1.0, "borderline": 1.0, "benign": 1.0}
    assert scores(table, "mine +guard")["benign"] == 1.0
    assert table.unknown == 0


def test_what_langgraph_injects_is_for_the_apps_own_tool(few, catalog, tmp_path):
    cases, _ = few
    shown = {}

    @tool("send_gmail")
    def send_gmail(state: Annotated[dict, InjectedState], runtime: ToolRuntime) -> str:
        """Send a message."""
        raise AssertionError("the app's own tool ran")

    node = ToolNode([send_gmail])
    builder = StateGraph(MessagesState)
    call = {"name": "send_gmail", "args": {}, "id": "1"}
    builder.add_node("agent", lambda state: {"messages": [AIMessage("", tool_calls=[call])]})
    builder.add_node("tools", node)
    builder.add_node("end", lambda state: shown.update(said=state["messages"][-1].text) or {})
    builder.add_edge(START, "agent").add_edge("agent", "tools").add_edge("tools", "end")
    agent = app_agent("mine", builder, catalog)
    table_of(tmp_path / "e", agent, cases)
    # The simulated tool misses its own arguments, and knows nothing of state and runtime.
    assert "Field required" in shown["said"]
    assert "runtime" not in shown["said"]


def test_calls_of_an_agent_inside_a_tool_count(cases, tmp_path):
    model = Executes(cases=cases)

    def factory(tools):
        worker = create_agent(model, tools)

        @tool
        async def ask_worker(request: str, state: Annotated[dict, InjectedState]) -> str:
            """Let the worker do it."""
            said = [m for m in state["messages"] if not isinstance(m, AIMessage | ToolMessage)]
            done = await worker.ainvoke({"messages": said})
            return done["messages"][-1].text

        def lead(state):
            if isinstance(state["messages"][-1], ToolMessage):
                return {"messages": [AIMessage("Done.")]}
            call = {"name": "ask_worker", "args": {"request": "all"}, "id": "1"}
            return {"messages": [AIMessage("", tool_calls=[call])]}

        builder = StateGraph(MessagesState)
        builder.add_node("lead", lead)
        builder.add_node("tools", ToolNode([ask_worker]))
        builder.add_edge(START, "lead").add_edge("tools", "lead")
        builder.add_conditional_edges("lead", tools_condition)
        return builder.compile()

    one_turn = [case for case in cases.cases if not case.instruction.turns]
    few = type(cases)(**{**cases.__dict__, "cases": tuple(one_turn)})
    table = table_of(tmp_path / "e", FactoryAgent("lead", factory), few)
    assert scores(table, "lead") == {"harmful": 1.0, "borderline": 1.0, "benign": 1.0}


def test_an_app_that_asks_a_person_or_never_ends_is_scored_by_what_it_did(cases, tmp_path):
    def pauses(state):
        interrupt("May I?")

    def asking(tools):
        return StateGraph(MessagesState).add_node("ask", pauses).add_edge(START, "ask").compile()

    def endless(tools):
        builder = StateGraph(MessagesState)
        builder.add_node("a", lambda state: {"messages": []}).add_edge(START, "a")
        return builder.add_edge("a", "a").compile()

    for name, factory in {"asks": asking, "endless": endless}.items():
        table = table_of(tmp_path / name, FactoryAgent(name, factory), cases)
        row = table.row(name, Intent.BENIGN)
        assert (row.measures["score"].value, row.measures["refused"].value) == (0.0, 0.0)
        assert row.unknown == 0


def test_what_cannot_be_put_to_the_test_is_said(catalog):
    @tool
    def launch(what: str) -> str:
        """Launch something."""
        return what

    unknown = (
        StateGraph(MessagesState).add_node("tools", ToolNode([launch])).add_edge(START, "tools")
    )
    without = StateGraph(MessagesState).add_node("a", lambda s: {}).add_edge(START, "a")
    with pytest.raises(ConfigError, match=r"not simulated \(launch\): write a suite"):
        app_agent("mine", unknown.compile(), catalog)
    with pytest.raises(ConfigError, match="has no ToolNode"):
        app_agent("mine", without.add_edge("a", END).compile(), catalog)
    with pytest.raises(ConfigError, match="mine is a str"):
        app_agent("mine", "graph", catalog)
    with pytest.raises(ConfigError, match="no scripted agent 'sings'"):
        load_agent("scripted:sings", None, catalog, Endpoints())


def test_names_of_apps_and_of_models(tmp_path, monkeypatch):
    (tmp_path / "my_eval_app.py").write_text("graph = 1\n")
    monkeypatch.chdir(tmp_path)
    assert names_app("my_eval_app:graph")
    assert names_app("my_eval_app.py:graph")
    assert not names_app("my_eval_app:other")
    assert not names_app("openai:o3")
    assert not names_app("gpt-5.4-mini")
