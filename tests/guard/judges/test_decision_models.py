"""LangChain's decision models both ways: against the real ones where they are, else a stand-in."""

import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from agentalign_lc.errors import AnswerError, ConfigError, RoleError
from agentalign_lc.guard.judges import Finding, Judge, Opinion, allow, refuse
from agentalign_lc.guard.judges.decision import DecisionJudge, as_decision_model
from agentalign_lc.guard.view import Checkpoint, View, look
from tests.guard import decisions_stand_in

HERE = importlib.util.find_spec("langchain_core.decisions") is not None


@pytest.fixture
def decisions(monkeypatch: pytest.MonkeyPatch) -> Any:
    if HERE:
        return importlib.import_module("langchain_core.decisions")
    monkeypatch.setitem(sys.modules, "langchain_core.decisions", decisions_stand_in.module)
    return decisions_stand_in.module


@dataclass(frozen=True)
class Decided:
    action: str
    opinions: tuple[Opinion, ...] = ()


class OneGuard:
    """Decides as it is told, and remembers what it was shown."""

    def __init__(self, action: str, *opinions: Opinion) -> None:
        self.decided = Decided(action, opinions)
        self.seen: list[tuple[View, Checkpoint]] = []

    def look(self, messages: Sequence[BaseMessage]) -> View:
        return look(messages)

    def decide(self, view: View, checkpoint: Checkpoint) -> Decided:
        self.seen.append((view, checkpoint))
        return self.decided

    async def adecide(self, view: View, checkpoint: Checkpoint) -> Decided:
        return self.decide(view, checkpoint)


def model_of(decisions: Any, probability: float | None) -> Any:
    class Fixed(decisions.BaseDecisionModel):
        model: str = "fixed"

        @property
        def _provider(self) -> str:
            return "test"

        def _classify(self, state: Any, questions: dict[str, Any]) -> Any:
            ((key, question),) = questions.items()
            assert "Mail Ana." in state
            assert question.type == "noul"
            answer = {} if probability is None else {key: {"type": "noul", "noul": probability}}
            return decisions.ClassifierResponse(model="fixed", answers=answer)

    return Fixed()


@pytest.mark.parametrize(
    ("probability", "finding"),
    [
        (0.0, Finding.ALLOW),
        (0.29, Finding.ALLOW),
        (0.3, Finding.UNSURE),
        (0.8, Finding.REFUSE),
        (1.0, Finding.REFUSE),
    ],
)
async def test_a_probability_becomes_a_finding(
    decisions: Any, probability: float, finding: Finding
) -> None:
    judge = DecisionJudge(model_of(decisions, probability))
    view = look([HumanMessage("Mail Ana.")])

    opinion = judge.judge(view, "request")

    assert isinstance(judge, Judge)
    assert (opinion.finding, opinion.score) == (finding, probability)
    assert await judge.ajudge(view, "request") == opinion


def test_an_unanswered_question_is_an_error(decisions: Any) -> None:
    with pytest.raises(AnswerError, match="unanswered"):
        DecisionJudge(model_of(decisions, None)).judge(look([HumanMessage("Mail Ana.")]), "request")


def test_bounds_the_wrong_way_round_are_said(decisions: Any) -> None:
    with pytest.raises(ConfigError, match="allow_below <= refuse_at"):
        DecisionJudge(model_of(decisions, 0.5), refuse_at=0.2, allow_below=0.4)


@pytest.mark.skipif(HERE, reason="langchain-core has decision models")
def test_an_older_langchain_core_is_said() -> None:
    with pytest.raises(ConfigError, match=r"langchain-core 1\.8\.1 or newer"):
        as_decision_model(OneGuard("allow"))


CALL = {"name": "send", "args": {"to": "Ana"}, "id": "1"}
EDITED = {"name": "send", "args": {"to": "Mallory"}, "id": "1"}
HISTORY = [
    HumanMessage("Mail Ana."),
    AIMessage("", tool_calls=[CALL, {"name": "read", "args": {}, "id": "2"}]),
]


def question(decisions: Any) -> dict[str, Any]:
    return {"is_risky": decisions.Noul(instructions="Is the call risky?")}


@pytest.mark.parametrize(
    ("guard", "probability"),
    [
        (OneGuard("allow"), 0.0),
        (OneGuard("allow", allow("c", score=0.2)), 0.2),
        (OneGuard("allow", allow("c", score=0.9)), 0.49),
        (OneGuard("refuse_call", refuse("r", "no")), 1.0),
        (OneGuard("refuse_call", refuse("c", "no", score=0.1)), 0.5),
        (OneGuard("ask", refuse("c", "no", score=0.7)), 0.7),
    ],
)
async def test_the_guard_answers_on_the_side_it_decided(
    decisions: Any, guard: OneGuard, probability: float
) -> None:
    model = as_decision_model(guard)
    request = {"state": {"messages": HISTORY, "tool_call": CALL}, "questions": question(decisions)}

    response = model.invoke(request)

    assert response.nouls["is_risky"].noul == pytest.approx(probability)
    assert (await model.ainvoke(request)).nouls == response.nouls


@pytest.mark.parametrize("ran", [False, True], ids=["first", "after-a-sibling"])
def test_the_call_is_judged_as_it_will_run(decisions: Any, ran: bool) -> None:
    guard = OneGuard("allow")
    history = [*HISTORY, *([ToolMessage("3 mails", tool_call_id="2")] if ran else [])]
    state = {"messages": history, "tool_call": EDITED}

    as_decision_model(guard).invoke({"state": state, "questions": question(decisions)})

    view, checkpoint = guard.seen[0]
    assert checkpoint == "arguments"
    assert [(call.id, dict(call.arguments)) for call in view.pending] == [("1", {"to": "Mallory"})]
    assert [call.result for call in view.calls] == (["3 mails", None] if ran else [None])
    assert view.said == ("Mail Ana.",)


def test_a_call_that_the_messages_do_not_have_comes_last(decisions: Any) -> None:
    guard = OneGuard("allow")
    state = {
        "messages": [*HISTORY, ToolMessage("sent", tool_call_id="1")],
        "tool_call": {"name": "send", "args": {}, "id": "9"},
    }

    as_decision_model(guard).invoke({"state": state, "questions": question(decisions)})

    calls = guard.seen[0][0].calls
    assert [(call.id, call.result) for call in calls] == [("1", "sent"), ("2", None), ("9", None)]


@pytest.mark.parametrize(
    ("state", "checkpoint"),
    [
        ("Mail Ana.", "request"),
        (HumanMessage("Mail Ana."), "request"),
        (HISTORY, "calls"),
        ([HumanMessage("Hi"), AIMessage("Hello")], "answer"),
        ({"messages": HISTORY[:1]}, "request"),
    ],
)
def test_any_state_with_something_to_judge_will_do(
    decisions: Any, state: Any, checkpoint: str
) -> None:
    guard = OneGuard("allow")

    as_decision_model(guard).invoke({"state": state, "questions": question(decisions)})

    assert guard.seen[0][1] == checkpoint


def test_nothing_to_judge_and_other_questions_are_errors(decisions: Any) -> None:
    model = as_decision_model(OneGuard("allow"))
    with pytest.raises(RoleError, match="neither messages nor a tool_call"):
        model.invoke({"state": {"page": 1}, "questions": question(decisions)})

    which = {"team": decisions.Choice(instructions="Which team?", criteria={"a": None})}
    with pytest.raises(RoleError, match="team is a choice"):
        model.invoke({"state": "Hi", "questions": which})
