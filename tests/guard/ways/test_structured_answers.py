"""Answers in a fixed form (``response_format``): a call that is none, or JSON for words."""

from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from pydantic import BaseModel

from agentalign_lc.guard.engine.history import problems
from agentalign_lc.guard.guard import Guard
from agentalign_lc.guard.judges.rules import RuleJudge
from agentalign_lc.guard.opinion import allow, refuse
from agentalign_lc.guard.policy.policy import Policy, Setting
from agentalign_lc.guard.ways.forms import NO_FORM, AnswerRefusedError, form_of
from agentalign_lc.guard.ways.middleware import GuardMiddleware
from tests.guard.doubles import KNOWN, ToldJudge, counting_tools
from tests.guard.strict_model import StrictChatModel

CONFIG = {"configurable": {"thread_id": "1"}}
LOOK = {"name": "look_up", "args": {"what": "Ana"}, "id": "look"}


class Plan(BaseModel):
    """What is to be done."""

    step: str


class FormedModel(StrictChatModel):
    """Says its answers in turn; like a provider, it is told of the tools and of the form."""

    def bind_tools(self, tools, **options: Any):
        offered = [{"name": getattr(tool, "name", str(tool))} for tool in tools]
        return self.bind(tools=offered, **options)


def speaking(*answers: Any) -> FormedModel:
    left = list(answers)
    return FormedModel(reply=lambda _: left.pop(0))


def as_call(step: str, *others: dict[str, Any]) -> AIMessage:
    return AIMessage("", tool_calls=[*others, {"name": "Plan", "args": {"step": step}, "id": "p"}])


def as_json(step: str) -> AIMessage:
    return AIMessage(Plan(step=step).model_dump_json())


def no_swordfish(view, checkpoint):
    if checkpoint == "answer" and "swordfish" in view.answer:
        return refuse("told", "it has the word")
    return allow("told")


def by_middleware(guard, model, tools, **options):
    return create_agent(
        model, tools, middleware=[GuardMiddleware(guard)], checkpointer=InMemorySaver(), **options
    )


def by_wrap(guard, model, tools, **options):
    return guard.wrap(create_agent(model, tools, checkpointer=InMemorySaver(), **options))


WAYS = {"middleware": by_middleware, "wrap": by_wrap}
STRATEGIES = {"tool": (ToolStrategy(Plan), as_call), "provider": (ProviderStrategy(Plan), as_json)}


def app(way: str, *answers: Any, strategy: str = "tool", policy=None, tools=None):
    judge = ToldJudge(no_swordfish, "calls", "arguments", "answer")
    guard = Guard([RuleJudge(policy), judge], policy, tools=KNOWN)
    made, ran = counting_tools()
    form, _ = STRATEGIES[strategy]
    model = speaking(*answers)
    offered = made if tools is None else tools
    return WAYS[way](guard, model, offered, response_format=form), judge, ran


def say(agent, text="Go."):
    return agent.invoke({"messages": [HumanMessage(text)]}, CONFIG)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_it_is_judged_as_an_answer_and_not_as_a_call(way: str, strategy: str) -> None:
    """A policy under which unknown tools may not be called at all lets it through."""
    _, said = STRATEGIES[strategy]
    policy = Policy(defaults=Setting(allowed=False), tools={"look_up": Setting(allowed=True)})
    agent, judge, ran = app(
        way, AIMessage("", tool_calls=[LOOK]), said("rest"), strategy=strategy, policy=policy
    )

    result = say(agent)

    assert result["structured_response"] == Plan(step="rest")
    assert problems(result["messages"]) == []
    assert ran == {"look_up": 1}
    assert [place for place, _ in judge.asked] == ["calls", "answer"]
    assert "rest" in judge.asked[-1][1].answer


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("tools", [None, []], ids=["with tools", "without tools"])
def test_a_blocked_one_is_nowhere(way: str, tools: list[Any] | None) -> None:
    agent, _, _ = app(way, as_call("swordfish"), as_call("rest"), tools=tools)

    result = say(agent)

    assert "swordfish" not in str(result)
    assert "swordfish" not in str(agent.get_state(CONFIG).values["messages"])
    assert problems(result["messages"]) == []
    if way == "wrap" and tools == []:
        # Nothing but an answer in its form ends such an agent: it is asked again.
        assert result["structured_response"] == Plan(step="rest")
    else:
        assert result["messages"][-1].text == "[removed: it has the word]"
        assert result.get("structured_response") is None


@pytest.mark.parametrize("action", ["redact", "refuse_run"])
def test_a_wrapped_agent_that_only_has_forms_does_not_ask_for_ever(action: Any) -> None:
    policy = Policy(answer=action, refusals=2)
    agent, _, _ = app("wrap", *[as_call("swordfish") for _ in range(9)], policy=policy, tools=[])

    with pytest.raises(AnswerRefusedError, match="it has the word"):
        say(agent)

    assert "swordfish" not in str(agent.get_state(CONFIG).values)


def test_a_wrapped_agent_with_the_providers_own_form_says_why_it_fails() -> None:
    agent, _, _ = app("wrap", as_json("swordfish"), as_json("rest"), strategy="provider")

    with pytest.raises(AnswerRefusedError, match="GuardMiddleware") as failed:
        say(agent)

    assert "swordfish" not in str(failed.value)
    assert say(agent, "And?")["structured_response"] == Plan(step="rest")


def test_a_routers_choice_is_no_call() -> None:
    """``with_structured_output`` forces one function by name."""
    chosen = {"type": "function", "function": {"name": "Route"}}
    form = form_of({"tools": [{"function": {"name": "Route"}}], "tool_choice": chosen}, ["pay"])
    assert form.calls == {"Route"}
    assert form_of({"tools": [{"name": "Route"}], "tool_choice": "auto"}, []) == NO_FORM


def test_a_blocked_one_of_the_providers_own_form_is_nowhere() -> None:
    agent, _, _ = app("middleware", as_json("swordfish"), as_json("rest"), strategy="provider")

    first, second = say(agent), say(agent, "And?")

    assert "swordfish" not in str(first)
    assert first.get("structured_response") is None
    assert second["structured_response"] == Plan(step="rest")
    assert "swordfish" not in str(second)


@pytest.mark.parametrize("way", WAYS)
async def test_a_blocked_one_is_in_no_stream(way: str) -> None:
    agent, _, _ = app(way, *[as_call("swordfish") for _ in range(3)])
    modes = ["messages", "updates", "values", "custom"]
    given = {"messages": [HumanMessage("Go.")]}
    one, two, three = ({"configurable": {"thread_id": name}} for name in "abc")

    shown = [str(part) for part in agent.stream(given, one, stream_mode=modes)]
    shown += [str(part) async for part in agent.astream(given, two, stream_mode=modes)]
    shown += [str(event) async for event in agent.astream_events(given, three, version="v2")]

    assert "swordfish" not in "\n".join(shown)
    assert "[removed: it has the word]" in "\n".join(shown)


@pytest.mark.parametrize("way", WAYS)
def test_real_calls_beside_a_blocked_one_do_not_run(way: str) -> None:
    """The answer stands for the whole message: nothing of it is left."""
    agent, _, ran = app(way, as_call("swordfish", LOOK), "unused")

    result = say(agent)

    assert not ran
    assert problems(result["messages"]) == []
    assert result["messages"][-1].text == "[removed: it has the word]"


@pytest.mark.parametrize("way", WAYS)
def test_real_calls_beside_it_are_judged(way: str) -> None:
    agent, judge, ran = app(way, as_call("rest", LOOK), as_call("done"))

    result = say(agent)

    assert ran == {"look_up": 1}
    asked = [view for place, view in judge.asked if place == "calls"]
    assert [call.tool for call in asked[0].pending] == ["look_up"]
    assert problems(result["messages"]) == []


def test_a_refused_run_leaves_no_structured_answer() -> None:
    policy = Policy(
        defaults=Setting(action="refuse_run"), tools={"look_up": Setting(allowed=False)}
    )
    agent, _, ran = app("middleware", as_call("rest", LOOK), policy=policy)

    result = say(agent)

    assert not ran
    assert result.get("structured_response") is None
    assert problems(result["messages"]) == []


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("decision", ["approve", "reject"])
@pytest.mark.parametrize("tools", [None, []], ids=["with tools", "without tools"])
def test_a_person_decides_about_it(strategy: str, decision: str, tools: list[Any] | None) -> None:
    _, said = STRATEGIES[strategy]
    agent, judge, _ = app(
        "middleware", said("swordfish"), strategy=strategy, policy=Policy(answer="ask"), tools=tools
    )

    paused = say(agent)
    question = paused["__interrupt__"][0].value["action_requests"][0]
    result = agent.invoke(Command(resume={"decisions": [{"type": decision}]}), CONFIG)

    assert "swordfish" in question["args"]["text"]
    assert "swordfish" not in str(paused["messages"])
    kept = Plan(step="swordfish") if decision == "approve" else None
    assert result.get("structured_response") == kept
    assert ("swordfish" in str(result["messages"])) == (decision == "approve")
    assert problems(result["messages"]) == []
    assert [place for place, _ in judge.asked] == ["answer"]
