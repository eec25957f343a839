"""The request is embedded once in a run, whatever way in: an encoder is what costs most of all."""

from collections.abc import Sequence
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage
from langgraph.checkpoint.memory import InMemorySaver

from agentalign_lc.guard import ClassifierJudge, Guard, GuardMiddleware, Policy
from agentalign_lc.guard.learning.classifier import Calibration, Classifier
from agentalign_lc.guard.policy.policy import Setting
from agentalign_lc.guard.view import GuardedTool
from tests.guard.ways.four_ways import WAYS, calling, paying, resume, run
from tests.scripted import ScriptedChatModel


class CountingEncoder:
    """Never sure of anything; remembers every text that it was given."""

    def __init__(self) -> None:
        self.embedded: list[str] = []

    def scores(self, texts: Sequence[str]) -> list[float]:
        self.embedded += texts
        return [0.0 for _ in texts]


def by_middleware(guard: Guard, model: Any, tools: list[Any]) -> Any:
    return create_agent(
        model, tools, middleware=[GuardMiddleware(guard)], checkpointer=InMemorySaver()
    )


def unsure_guard(encoder: CountingEncoder) -> Guard:
    """Asks the classifier about everything, and a person about payments."""
    unsure = Calibration(refuse=0.9, allow=0.1)
    judge = ClassifierJudge(Classifier("encoder", encoder, unsure))
    policy = Policy(tools={"pay": Setting(when_unsure="ask")})
    return Guard([judge], policy, tools={name: GuardedTool(name) for name in ("pay", "order")})


@pytest.mark.parametrize("how", ["invoke", "ainvoke"])
@pytest.mark.parametrize("way", ["middleware", *WAYS])
def test_of_three_calls_and_a_pause(way: str, how: str) -> None:
    encoder, ran = CountingEncoder(), []
    turns = [calling(f"shop {n}", name="order", prefix=f"o{n}-") for n in range(2)]
    model = ScriptedChatModel(
        script=[*turns, calling("Ana"), AIMessage("Done."), AIMessage("Yes.")]
    )
    order = paying(ran).model_copy(update={"name": "order"})
    build = {**WAYS, "middleware": by_middleware}[way]
    app = build(unsure_guard(encoder), model, [order, paying(ran)])

    paused = run(app, "Order bread and milk, then pay Ana.", how=how)
    assert paused["__interrupt__"]
    assert ran == ["shop 0", "shop 1"]
    messages = resume(app, "approve", how=how)["messages"]

    assert (messages[-1].text, ran[-1]) == ("Done.", "Ana")
    assert encoder.embedded == ["Order bread and milk, then pay Ana."]

    run(app, "And is that all?", how=how)

    both = "Order bread and milk, then pay Ana.\nAnd is that all?"
    # The wrapper sees calls alone, and there was none.
    later = [] if way == "tool_wrapper" else ["And is that all?", both]
    assert sorted(encoder.embedded[1:]) == later


def test_not_again_where_another_process_goes_on() -> None:
    saver, first, second = InMemorySaver(), CountingEncoder(), CountingEncoder()
    ran: list[str] = []

    def agent(encoder: CountingEncoder, *script: AIMessage) -> Any:
        model = ScriptedChatModel(script=list(script))
        middleware = [GuardMiddleware(unsure_guard(encoder))]
        return create_agent(model, [paying(ran)], middleware=middleware, checkpointer=saver)

    run(agent(first, calling("Ana")), "Pay Ana.", how="invoke")
    resume(agent(second, AIMessage("Done.")), "approve", how="invoke")

    assert (ran, first.embedded, second.embedded) == (["Ana"], ["Pay Ana."], [])
