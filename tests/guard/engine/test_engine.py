"""The cascade: who is asked, who decides, and what follows when a judge fails."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.errors import GraphInterrupt

from agentalign_lc.guard.engine.decision import Decision, fitting, severest
from agentalign_lc.guard.engine.history import refusal
from agentalign_lc.guard.engine.memory import key_of, merge_verdicts, recall, remember
from agentalign_lc.guard.guard import Guard
from agentalign_lc.guard.opinion import Finding, Opinion, allow, refuse, unsure
from agentalign_lc.guard.policy.policy import Policy, Setting
from agentalign_lc.guard.view import GuardedTool, look
from tests.guard.doubles import KNOWN, ToldJudge

HI = look([HumanMessage("Hi.")])
CALLS = [
    {"name": "look_up", "args": {}, "id": "1"},
    {"name": "wire_money", "args": {}, "id": "2"},
]
BATCH = look([HumanMessage("Go."), AIMessage("", tool_calls=CALLS)], KNOWN)


def judge(opinion, *, name="told", **options):
    """A judge that always says the same."""
    places = ("request", "calls", "arguments", "result", "answer")
    named = opinion.model_copy(update={"judge": name}) if isinstance(opinion, Opinion) else opinion
    return ToldJudge(lambda *_: named, *places, name=name, **options)


ALLOW, UNSURE, REFUSE = allow("x"), unsure("x"), refuse("x", "harm")


@pytest.mark.parametrize(
    ("opinions", "asked", "action"),
    [
        ([ALLOW, ALLOW], 2, "allow"),
        ([ALLOW, REFUSE], 2, "refuse_run"),
        ([REFUSE, ALLOW], 1, "refuse_run"),
        ([UNSURE, REFUSE], 2, "refuse_run"),
        ([UNSURE, UNSURE], 2, "ask"),
        ([UNSURE, ALLOW], 2, "allow"),
        ([ALLOW, UNSURE], 2, "allow"),
        ([], 0, "allow"),
    ],
)
def test_who_is_asked_and_who_decides(opinions, asked, action):
    judges = [judge(opinion, name=str(i)) for i, opinion in enumerate(opinions)]
    guard = Guard(judges, Policy(defaults=Setting(when_unsure="ask")))
    decision = guard.decide(HI, "request")
    assert decision.action == action
    assert sum(len(j.asked) for j in judges) == asked == len(decision.opinions)
    assert asyncio.run(guard.adecide(HI, "request")).action == action


def test_a_judge_that_settles_spares_the_later_ones_by_an_allow_alone():
    dear = judge(REFUSE, name="dear")
    assert Guard([judge(ALLOW, settles=True), dear]).decide(HI, "request").allowed
    assert not dear.asked
    assert Guard([judge(UNSURE, settles=True), dear]).decide(HI, "request").ends


def test_judges_are_asked_only_at_their_checkpoints():
    only = ToldJudge(lambda *_: REFUSE, "answer")
    guard = Guard([only])
    assert guard.decide(HI, "request").allowed
    assert not guard.decide(look([HumanMessage("Hi."), AIMessage("A.")]), "answer").allowed


def test_the_rest_of_a_batch_goes_to_the_later_judges_as_it_would_happen():
    first = judge(refuse("x", "harm", calls=("2",)), name="first")
    second = judge(ALLOW, name="second")
    decision = Guard([first, second]).decide(BATCH, "calls")
    assert decision.calls == {"2": "refuse_call"}
    assert (decision.for_call("1"), decision.for_call("2")) == ("allow", "refuse_call")
    ((_, seen),) = second.asked
    assert [call.id for call in seen.pending] == ["1"]


def test_a_later_judge_can_refuse_what_the_first_left():
    first = judge(refuse("x", "one", calls=("2",)), name="first")
    second = judge(refuse("x", "two", calls=("1",)), name="second")
    third = judge(ALLOW, name="third")
    decision = Guard([first, second, third]).decide(BATCH, "calls")
    assert decision.calls == {"1": "refuse_call", "2": "refuse_call"}
    assert decision.opinion_on("1").reason == "two"
    assert not third.asked, "nothing was left to judge"


def test_what_a_person_is_asked_about_can_still_be_refused():
    policy = Policy(rules={}, tools={"wire_money": Setting(action="ask")})
    first = judge(refuse("x", "one", calls=("2",)), name="first")
    second = judge(refuse("x", "two"), name="second")
    decision = Guard([first, second], policy).decide(BATCH, "calls")
    assert decision.for_call("1") == "refuse_call"
    assert decision.for_call("2") == "refuse_call"


@pytest.mark.parametrize("ids", [("nobody",), ("1", "2", "3"), ()])
def test_a_refusal_of_calls_that_are_not_there_is_about_all(ids):
    decision = Guard([judge(refuse("x", "harm", calls=ids))]).decide(BATCH, "calls")
    assert {decision.for_call("1"), decision.for_call("2")} == {"refuse_call"}


def test_a_refused_call_counts_against_the_budget_of_the_run():
    refusals = [refusal({"name": "look_up", "id": str(i)}, "No.") for i in range(3)]
    worn = look([HumanMessage("Go."), *refusals, *BATCH.messages[1:]])
    guard = Guard([judge(refuse("x", "harm", calls=("2",)))], Policy(refusals=3))
    decision = guard.decide(worn, "calls")
    assert (decision.action, decision.budget) == ("refuse_run", True)
    assert not guard.decide(BATCH, "calls").ends


def test_a_threshold_of_the_policy_overrules_what_a_judge_says():
    policy = Policy(defaults=Setting(thresholds={"told": 0.8}))
    for score, opinion in ((0.9, allow), (0.9, unsure)):
        assert Guard([judge(opinion("x", score=score))], policy).decide(HI, "request").ends
    low = judge(refuse("x", "harm", score=0.1))
    assert Guard([low], policy).decide(HI, "request").allowed


@pytest.mark.parametrize("mood", ["slow", "raising"])
@pytest.mark.parametrize("on_error", ["closed", "open", "escalate"])
@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_judge_that_fails_falls_under_the_policy(mood, on_error, asynchronous):
    broken, next_one = judge(ALLOW, name="broken", mood=mood), judge(ALLOW, name="next")
    timeout = 0.02 if mood == "slow" else 10
    guard = Guard([broken, next_one], Policy(on_error=on_error, timeout=timeout))
    if mood == "slow":
        next_one.waits = False  # a crowded machine must not make it slow too
    try:
        decision = (
            asyncio.run(guard.adecide(HI, "request"))
            if asynchronous
            else guard.decide(HI, "request")
        )
    finally:
        broken.freed.set()
    expected = {"closed": "refuse_run", "open": "allow", "escalate": "ask"}
    assert decision.action == expected[on_error]
    assert decision.error.startswith("broken: it ")
    assert "must not be seen" not in str(decision)
    assert len(next_one.asked) == (on_error == "open")


def test_nonsense_for_an_answer_is_a_failure():
    guard = Guard([judge("fine by me")])
    assert guard.decide(HI, "request").error == "told: it answered with str instead of an opinion"


def test_a_time_out_of_the_judges_own_is_told_from_ours():
    def times_out(*_):
        raise TimeoutError("the provider took too long")

    guard = Guard([ToldJudge(times_out, "request")])
    assert guard.decide(HI, "request").error == "told: it raised TimeoutError"


@pytest.mark.parametrize("waits", [False, True])
def test_an_interrupt_of_a_judge_passes_through(waits):
    def pauses(*_):
        raise GraphInterrupt

    pausing = ToldJudge(pauses, "request")
    pausing.waits = waits
    with pytest.raises(GraphInterrupt):
        Guard([pausing]).decide(HI, "request")
    with pytest.raises(GraphInterrupt):
        asyncio.run(Guard([pausing]).adecide(HI, "request"))


def test_every_decision_is_written_down_and_a_full_disk_stops_nothing(caplog):
    written = []

    class Paper:
        def record(self, decision, view=None):
            written.append(decision)
            raise OSError("no space left")

    decision = Guard([judge(REFUSE)], audit=Paper()).decide(HI, "request")
    assert written == [decision]
    assert decision.seconds > 0
    assert "audit" in caplog.text


def test_known_tools_stay_as_they_were_said_to_be():
    said = GuardedTool("look_up", capability="search.web_search")
    guard = Guard([], tools={"look_up": said})
    guard.learn({"look_up": GuardedTool("look_up"), "other": GuardedTool("other")})
    view = guard.look([])
    assert view.tool("look_up") == said
    assert set(view.tools) == {"look_up", "other"}


def test_final_arguments_are_judged_by_whom_they_are_new_to():
    batch, final, both = (
        ToldJudge(lambda *_: ALLOW, *places, name=str(places))
        for places in (("calls",), ("arguments",), ("calls", "arguments"))
    )
    guard = Guard([batch, final, both])
    assert guard.asks_at("arguments") == (batch, final, both)
    assert guard.asks_at("arguments", changed=False) == (final,)


@given(st.lists(st.sampled_from([Finding.ALLOW, Finding.REFUSE, Finding.UNSURE]), max_size=5))
def test_a_refusal_never_gets_lost(findings):
    opinions = [Opinion(judge="x", finding=f, reason="r") for f in findings]
    judges = [judge(o, name=str(i)) for i, o in enumerate(opinions)]
    for one in judges:
        one.waits = False
    decision = Guard(judges).decide(BATCH, "calls")
    assert decision.allowed == (Finding.REFUSE not in findings)


def test_actions_are_ordered_and_fit_their_checkpoint():
    assert severest([]) == "allow"
    assert severest(["refuse_call", "end", "redact"]) == "end"
    assert fitting("redact", "calls") == "refuse_call"
    assert fitting("ask", "answer") == "ask"


def test_a_verdict_is_recalled_for_the_same_content_alone():
    decision = Decision(checkpoint="calls", action="refuse_call", calls={"2": "refuse_call"})
    key = key_of("g", BATCH, "calls")
    kept = remember(key, decision)
    assert recall(kept, key) == decision
    changed = [*BATCH.messages[:-1], AIMessage("", tool_calls=[{**CALLS[0], "args": {"a": 1}}])]
    assert recall(kept, key_of("g", look(changed), "calls")) is None
    assert recall(kept, key_of("another", BATCH, "calls")) is None
    assert recall({key: {"of": "another version"}}, key) is None
    assert recall(None, key) is None


def test_only_the_last_verdicts_are_kept():
    kept = {}
    for number in range(100):
        kept = merge_verdicts(kept, {str(number): number})
    assert list(kept)[-1] == "99"
    assert len(kept) < 50
