"""The matrix: every way in, sync and async, invoke and stream, one call and several."""

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentalign_lc.guard.engine.history import is_valid, problems
from tests.guard.ways.four_ways import (
    BAD,
    CONFIG,
    WAYS,
    NameJudge,
    SlowJudge,
    StrictModel,
    calling,
    guard_of,
    paying,
    resume,
    run,
)

HOWS = ("invoke", "ainvoke", "stream", "astream")
BATCHES = {"single": (BAD,), "parallel": ("ana", BAD, "ben")}
CELLS = list(itertools.product(WAYS, HOWS, BATCHES))


def app_of(way: str, judge: object, batch: tuple[str, ...], *, action: str, **policy: object):
    ran: list[str] = []
    model = StrictModel(script=[calling(*batch), "Done.", "Next turn."])
    app = WAYS[way](guard_of(judge, action=action, **policy), model, [paying(ran)])
    return app, ran, model


def next_turn(app, how: str) -> None:
    """The next turn is accepted by a provider that looks closely."""
    messages = run(app, "And now?", how=how)["messages"]
    assert is_valid(messages), problems(messages)
    assert messages[-1].type == "ai"


@pytest.mark.parametrize(("way", "how", "batch"), CELLS)
def test_allow(way: str, how: str, batch: str) -> None:
    app, ran, _ = app_of(way, NameJudge("calls"), ("ana", "ben"), action="refuse_call")

    messages = run(app, "Pay them.", how=how)["messages"]

    assert sorted(ran) == ["ana", "ben"]
    assert messages[-1].text == "Done."
    next_turn(app, how)


@pytest.mark.parametrize(("way", "how", "batch"), CELLS)
def test_refuse_call(way: str, how: str, batch: str) -> None:
    judge = NameJudge("calls")
    app, ran, _ = app_of(way, judge, BATCHES[batch], action="refuse_call")

    messages = run(app, "Pay them.", how=how)["messages"]

    assert sorted(ran) == sorted(set(BATCHES[batch]) - {BAD})
    refused = [m for m in messages if m.type == "tool" and m.status == "error"]
    assert len(refused) == 1
    assert "it names Mallory" in refused[0].text
    assert judge.asked == ["calls"], "the batch is judged once"
    next_turn(app, how)


@pytest.mark.parametrize(("way", "how", "batch"), CELLS)
@pytest.mark.parametrize("action", ["refuse_run", "end"])
def test_refuse_run(way: str, how: str, batch: str, action: str) -> None:
    app, ran, model = app_of(way, NameJudge("calls"), BATCHES[batch], action=action)

    messages = run(app, "Pay them.", how=how)["messages"]

    assert ran == []
    assert is_valid(messages), problems(messages)
    if way != "tool_wrapper":  # which cannot end a run
        assert len(model.asked) == 1
        assert "it names Mallory" in messages[-1].text
    next_turn(app, how)


@pytest.mark.parametrize(("way", "how", "batch"), CELLS)
@pytest.mark.parametrize("answer", ["approve", "reject"])
def test_ask(way: str, how: str, batch: str, answer: str) -> None:
    judge = NameJudge("calls")
    app, ran, model = app_of(way, judge, BATCHES[batch], action="ask")

    run(app, "Pay them.", how=how)
    assert ran == [], "nothing of the batch runs before the person has answered"
    waiting = app.get_state(CONFIG).interrupts
    assert len(waiting) == 1
    assert waiting[0].value["action_requests"][0]["args"] == {"to": BAD}
    messages = resume(app, answer, how=how)["messages"]

    assert sorted(ran) == sorted(set(BATCHES[batch]) - ({BAD} if answer == "reject" else set()))
    assert messages[-1].text == "Done."
    assert judge.asked == ["calls"], "the verdict is kept"
    assert len(model.asked) == 2
    next_turn(app, how)


@pytest.mark.parametrize(("way", "how", "batch"), CELLS)
@pytest.mark.parametrize("failing", ["raising", "slow"])
@pytest.mark.parametrize("on_error", ["closed", "open", "escalate"])
def test_a_judge_that_fails(way: str, how: str, batch: str, failing: str, on_error: str) -> None:
    judge = NameJudge("calls", raising=True) if failing == "raising" else SlowJudge()
    app, ran, _ = app_of(
        way, judge, BATCHES[batch], action="refuse_call", on_error=on_error, timeout=0.01
    )

    run(app, "Pay them.", how=how)
    if on_error == "escalate":
        assert ran == []
        resume(app, *["reject"] * len(BATCHES[batch]), how=how)

    assert sorted(ran) == (sorted(BATCHES[batch]) if on_error == "open" else [])
    if failing == "slow":
        judge.freed.set()
    next_turn(app, how)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(["ana", "ben", BAD]), min_size=1, max_size=5))
def test_exactly_the_refused_calls_do_not_run(batch: list[str]) -> None:
    for way in WAYS:
        app, ran, _ = app_of(
            way, NameJudge("calls"), tuple(batch), action="refuse_call", refusals=9
        )
        messages = run(app, "Pay them.", how="invoke")["messages"]
        assert sorted(ran) == sorted(name for name in batch if name != BAD)
        assert is_valid(messages), problems(messages)
