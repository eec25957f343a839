"""A person edits a call of an app that is already built: the edited call runs, no other does."""

from dataclasses import dataclass, field
from typing import Annotated, Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph, add_messages
from langgraph.prebuilt import ToolNode, tools_condition
from langgraph.types import Command, Send, interrupt
from pydantic import BaseModel

from agentalign_lc.guard.engine.history import is_valid
from agentalign_lc.guard.opinion import Opinion, refuse
from agentalign_lc.guard.policy.rule import Rule
from agentalign_lc.guard.view import Checkpoint, View
from tests.guard.ways.four_ways import (
    BAD,
    CONFIG,
    WAYS,
    NameJudge,
    StrictModel,
    bare_builder,
    by_wrap,
    calling,
    guard_of,
    paying,
    run,
)

APPROVE = {"type": "approve"}


def edit(to: str, name: str = "pay") -> dict[str, Any]:
    return {"type": "edit", "edited_action": {"name": name, "args": {"to": to}}}


def answer(*decisions: dict[str, Any]) -> Command:
    return Command(resume={"decisions": list(decisions)})


def offered(app: Any) -> list[list[str]]:
    """What a person may say to each call."""
    (pause,) = app.get_state(CONFIG).interrupts
    return [config["allowed_decisions"] for config in pause.value["review_configs"]]


def results(state: dict[str, Any]) -> list[ToolMessage]:
    return [m for m in state["messages"] if isinstance(m, ToolMessage)]


@pytest.mark.parametrize("how", ["invoke", "ainvoke", "stream", "astream"])
@pytest.mark.parametrize("way", WAYS)
def test_an_edited_call_runs_as_it_was_edited(way: str, how: str) -> None:
    ran: list[str] = []
    judge = NameJudge("calls", "arguments")
    model = StrictModel(script=[calling("ana", BAD, "eve"), "Done.", "Next."])
    app = WAYS[way](guard_of(judge, action="ask"), model, [paying(ran)])

    run(app, "Pay them.", how=how)
    assert offered(app) == [["approve", "edit", "reject"]]
    messages = run(app, answer(edit("ben")), how=how)["messages"]

    assert sorted(ran) == ["ana", "ben", "eve"]
    assert "ben" in [c.arguments["to"] for c in judge.views[-1].pending], "it was judged"
    called, result = messages[1].tool_calls[1], messages[3]
    assert "ben" in str(called["args"]) or '{"to": "ben"}' in result.text
    assert is_valid(run(app, "And now?", how=how)["messages"])


class TwoNames(NameJudge):
    """Asks about Mallory, and lets nobody pay Trudy."""

    def judge(self, view: View, checkpoint: Checkpoint) -> Opinion:
        bad = tuple(c.id for c in view.pending if "trudy" in str(dict(c.arguments)))
        if bad:
            found = refuse(self.name, "nobody pays Trudy", calls=bad)
            return found.model_copy(update={"rule": "never"})
        return super().judge(view, checkpoint)


@pytest.mark.parametrize("action", ["refuse_call", "refuse_run"])
@pytest.mark.parametrize("how", ["invoke", "ainvoke"])
@pytest.mark.parametrize("way", WAYS)
def test_what_a_person_wrote_is_judged(way: str, how: str, action: Any) -> None:
    ran: list[str] = []
    never = Rule(why="Nobody pays Trudy.", tools=("pay",), action=action)
    guard = guard_of(TwoNames("calls"), action="ask", rules={"never": never})
    model = StrictModel(script=[calling("ana", BAD), "Done.", "Next."])
    app = WAYS[way](guard, model, [paying(ran)])

    run(app, "Pay.", how=how)
    messages = run(app, answer(edit("trudy")), how=how)["messages"]

    assert "trudy" not in ran
    refused = [m for m in messages if isinstance(m, ToolMessage) and m.status == "error"]
    assert "nobody pays Trudy" in refused[-1].text
    assert "it ran with" not in str(messages)
    assert is_valid(run(app, "And now?", how=how)["messages"])


@pytest.mark.parametrize("way", ["wrap", "wrap_agent"])
def test_only_the_call_that_was_meant_is_edited(way: str) -> None:
    """Two equal calls of one batch, and three answers."""
    ran: list[str] = []
    model = StrictModel(script=[calling(BAD, BAD, BAD), "Done."])
    app = WAYS[way](guard_of(NameJudge("calls"), action="ask"), model, [paying(ran)])

    run(app, "Pay.", how="invoke")
    state = run(app, answer(APPROVE, edit("ben"), {"type": "reject"}), how="invoke")

    assert sorted(ran) == ["ben", BAD]
    first, second, third = results(state)
    assert (first.text, third.status) == (f"paid {BAD}", "error")
    assert second.text.endswith('ran with {"to": "ben"}. paid ben')


@pytest.mark.parametrize("way", ["wrap", "wrap_agent"])
def test_an_edit_by_the_interrupts_id(way: str) -> None:
    ran: list[str] = []
    model = StrictModel(script=[calling(BAD), "Done."])
    app = WAYS[way](guard_of(NameJudge("calls"), action="ask"), model, [paying(ran)])

    run(app, "Pay.", how="invoke")
    (pause,) = app.get_state(CONFIG).interrupts
    run(app, Command(resume={pause.id: {"decisions": [edit("ben")]}}), how="invoke")

    assert ran == ["ben"]


def test_an_edit_in_another_process() -> None:
    """Only the checkpointer is left of the run that paused."""
    ran: list[str] = []
    saver = InMemorySaver()

    def app(*script: Any) -> Any:
        guard = guard_of(NameJudge("calls"), action="ask")
        model = StrictModel(script=list(script))
        return guard.wrap(create_agent(model, [paying(ran)], checkpointer=saver))

    app(calling("ana", BAD)).invoke({"messages": ["Pay."]}, CONFIG)
    out = app("Done.").invoke(answer(edit("ben")), CONFIG)

    assert sorted(ran) == ["ana", "ben"]
    assert is_valid(out["messages"])


@pytest.mark.parametrize("how", ["invoke", "ainvoke"])
def test_an_edit_in_an_agent_inside_a_tool(how: str) -> None:
    ran: list[str] = []
    agent = create_agent(StrictModel(script=[calling(BAD), "Paid."]), [paying(ran)])

    @tool
    def ask_helper(to: str) -> str:
        """Ask the helper."""
        return str(agent.invoke({"messages": [HumanMessage(f"Pay {to}.")]})["messages"][-1].text)

    model = StrictModel(script=[calling("somebody", name="ask_helper", prefix="h"), "Done."])
    app = by_wrap(guard_of(NameJudge("calls"), action="ask"), model, [ask_helper])

    run(app, "Pay.", how=how)
    assert ran == []
    messages = run(app, answer(edit("ben")), how=how)["messages"]

    assert ran == ["ben"]
    assert [m.text for m in messages[-2:]] == ["Paid.", "Done."]


def test_an_edit_in_a_subgraph() -> None:
    ran: list[str] = []
    inner = create_agent(StrictModel(script=[calling(BAD), "Paid."]), [paying(ran)])
    builder = StateGraph(MessagesState).add_node("inner", inner).add_edge(START, "inner")
    app = guard_of(NameJudge("calls"), action="ask").wrap(builder.compile(InMemorySaver()))

    run(app, "Pay.", how="invoke")
    (result,) = results(run(app, answer(edit("ben")), how="invoke"))

    assert ran == ["ben"]
    assert result.text.endswith("paid ben")


def test_a_tool_that_pauses_itself_keeps_the_edit() -> None:
    """The second answer says nothing of the edit, which the first one brought."""
    ran: list[str] = []

    @tool
    def pay(to: str) -> str:
        """Pay, with a word of the bank."""
        said = interrupt("the bank's word")
        ran.append(f"{to} {said}")
        return "paid"

    model = StrictModel(script=[calling(BAD), "Done."])
    app = by_wrap(guard_of(NameJudge("calls"), action="ask"), model, [pay])

    run(app, "Pay.", how="invoke")
    run(app, answer(edit("ben")), how="invoke")
    assert ran == []
    run(app, Command(resume="fine"), how="invoke")

    assert ran == ["ben fine"]


class ModelState(BaseModel):
    messages: Annotated[list[BaseMessage], add_messages]


@dataclass
class DataState:
    messages: Annotated[list[BaseMessage], add_messages] = field(default_factory=list)


@pytest.mark.parametrize("schema", [ModelState, DataState])
def test_an_edit_whatever_the_state_is(schema: Any) -> None:
    ran: list[str] = []
    model = StrictModel(script=[calling(BAD), "Done."])
    builder = StateGraph(schema)
    builder.add_node("agent", lambda state: {"messages": [model.invoke(state.messages)]})
    builder.add_node("tools", ToolNode([paying(ran)]))
    builder.add_edge(START, "agent").add_edge("tools", "agent")
    builder.add_conditional_edges("agent", tools_condition)
    app = guard_of(NameJudge("calls"), action="ask").wrap(builder.compile(InMemorySaver()))

    run(app, "Pay.", how="invoke")
    run(app, answer(edit("ben")), how="invoke")

    assert ran == ["ben"]


def test_an_edit_of_a_call_that_was_sent() -> None:
    ran: list[str] = []
    builder = bare_builder(
        StrictModel(script=[calling("ana", BAD), "Done."]), ToolNode([paying(ran)])
    )

    def each(state: MessagesState) -> list[Send]:
        last = state["messages"][-1]
        assert isinstance(last, AIMessage)
        return [Send("tools", [call]) for call in last.tool_calls]

    builder.add_edge(START, "agent").add_edge("tools", "agent")
    builder.add_conditional_edges("agent", each, ["tools"])
    app = guard_of(NameJudge("calls"), action="ask").wrap(builder.compile(InMemorySaver()))

    run(app, "Pay.", how="invoke")
    run(app, answer(edit("ben")), how="invoke")

    assert sorted(ran) == ["ana", "ben"]


def app_with_its_own_calls(ran: list[str], model: StrictModel) -> StateGraph[Any, Any, Any, Any]:
    """An app whose tools are called by the node that asks the model: nobody can come between."""
    pay = paying(ran)

    def agent(state: MessagesState) -> dict[str, Any]:
        message = model.invoke(state["messages"])
        return {"messages": [message, *(pay.invoke(call) for call in message.tool_calls)]}

    return StateGraph(MessagesState).add_node("agent", agent).add_edge(START, "agent")


@pytest.mark.parametrize("decision", [edit("ben"), {"type": "reject"}])
def test_where_no_call_can_be_edited_none_is_offered_and_none_runs(
    decision: dict[str, Any],
) -> None:
    ran: list[str] = []
    model = StrictModel(script=[calling(BAD)] * 2)
    builder = app_with_its_own_calls(ran, model)
    app = guard_of(NameJudge("calls"), action="ask").wrap(builder.compile(InMemorySaver()))

    run(app, "Pay.", how="invoke")
    assert offered(app) == [["approve", "reject"]]
    with pytest.raises(Exception, match=r"cannot be edited here|rejected it"):
        run(app, answer(decision), how="invoke")

    assert ran == []


def test_under_the_checkpointer_of_an_app_around_it_none_is_offered() -> None:
    ran: list[str] = []
    inner = create_agent(StrictModel(script=[calling(BAD), "Done."]), [paying(ran)])
    guarded = guard_of(NameJudge("calls"), action="ask").wrap(inner)
    builder = StateGraph(MessagesState).add_node("inner", guarded).add_edge(START, "inner")
    app = builder.compile(InMemorySaver())

    run(app, "Pay.", how="invoke")
    assert offered(app) == [["approve", "reject"]]
    (result,) = results(run(app, answer(edit("ben")), how="invoke"))

    assert ran == []
    assert "cannot be edited here" in result.text


def test_an_edit_that_names_another_tool_is_a_rejection() -> None:
    ran: list[str] = []
    model = StrictModel(script=[calling(BAD), "Done."])
    app = by_wrap(guard_of(NameJudge("calls"), action="ask"), model, [paying(ran)])

    run(app, "Pay.", how="invoke")
    (result,) = results(run(app, answer(edit("ben", name="delete")), how="invoke"))

    assert ran == []
    assert "names another tool" in result.text


def test_an_edit_is_for_the_run_that_paused() -> None:
    """A new message leaves it behind, though the next call is the same down to its id."""
    ran: list[str] = []
    model = StrictModel(script=[calling(BAD), calling(BAD), "Done."])

    @tool
    def pay(to: str) -> str:
        """Pay, unless the bank is closed."""
        if not ran:
            ran.append("closed")
            raise RuntimeError("the bank is closed")
        ran.append(to)
        return "paid"

    builder = bare_builder(model, ToolNode([pay], handle_tool_errors=False))
    builder.add_edge(START, "agent").add_edge("tools", "agent")
    builder.add_conditional_edges("agent", tools_condition)
    app = guard_of(NameJudge("calls"), action="ask").wrap(builder.compile(InMemorySaver()))

    run(app, "Pay.", how="invoke")
    with pytest.raises(RuntimeError, match="closed"):
        run(app, answer(edit("ben")), how="invoke")
    run(app, "Once more.", how="invoke")
    run(app, answer(APPROVE), how="invoke")

    assert ran == ["closed", BAD]


def test_judges_see_later_what_ran() -> None:
    judge = NameJudge("calls")
    model = StrictModel(script=[calling(BAD), calling("eve", prefix="d"), "Done."])
    app = WAYS["wrap_agent"](guard_of(judge, action="ask"), model, [paying([])])

    run(app, "Pay.", how="invoke")
    run(app, answer(edit("ben")), how="invoke")

    assert [c.arguments["to"] for c in judge.views[-1].calls] == ["ben", "eve"]
