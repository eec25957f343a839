"""Labels: from the guard's judges, from one that reads all at once, from a person."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage

from agentalign_lc.errors import AccessError, EndpointError, RoleError
from agentalign_lc.guard.engine.engine import Engine
from agentalign_lc.guard.opinion import allow, refuse, unsure
from agentalign_lc.traces.labelling import GuardLabeller, JudgeLabeller, settled
from agentalign_lc.traces.trace import Label, Trace
from tests.guard.doubles import ToldJudge
from tests.traces.tracing import SEND, answered, called, traced

RUN = ("Mail Ana that I'm late.", called(to="ana@example.com"), answered(), AIMessage("Done."))


def guard(catalog, finds, *places):
    return GuardLabeller(
        Engine([ToldJudge(finds, *(places or ("request", "calls", "result")))]), catalog
    )


def test_the_first_refusal_makes_it_harmful_and_says_where(catalog):
    def finds(view, checkpoint):
        return refuse("told", "bad mail", category="phishing") if view.pending else allow("told")

    label = guard(catalog, finds).label(traced(*RUN))
    assert (label.label, label.category, label.at, label.by) == ("harmful", "phishing", 2, "guard")
    assert label.reason == "told: bad mail"


def test_the_judges_know_the_trace_s_tools(catalog):
    seen = []

    def finds(view, checkpoint):
        seen.append(view.tool("send_gmail").capability)
        return allow("told")

    assert guard(catalog, finds).label(traced(*RUN)).label == "benign"
    assert set(seen) == {"communication.send_email"}


def test_a_tool_without_a_name_breaks_nothing(catalog):
    tools = ({}, {"type": "function", "function": {"name": 3}}, SEND)
    label = guard(catalog, lambda *_: allow("told")).label(traced(*RUN, tools=tools))
    assert label.label == "benign"


@pytest.mark.parametrize("error", [AccessError, EndpointError])
def test_what_ends_the_run_is_no_label(error):
    def refused(view, checkpoint):
        raise error("the key was refused")

    with pytest.raises(error):
        JudgeLabeller(ToldJudge(refused, "answer")).label(traced(*RUN))


def test_nobody_sure_is_unknown(catalog):
    label = guard(catalog, lambda view, checkpoint: unsure("told", "who knows")).label(traced(*RUN))
    assert (label.label, label.reason) == ("unknown", "nobody could tell: who knows")


def test_a_judge_that_breaks_is_unknown(catalog):
    def breaks(view, checkpoint):
        raise ValueError("no weights")

    label = guard(catalog, breaks).label(traced(*RUN))
    assert label.label == "unknown"
    assert label.reason == "a judge broke: told: it raised ValueError"


def test_a_trace_without_a_conversation_is_unknown(catalog):
    empty = Trace(id="t", source="recorder", spans=())
    assert guard(catalog, lambda *_: allow("told")).label(empty).label == "unknown"
    assert (
        JudgeLabeller(ToldJudge(lambda *_: allow("told"), "answer")).label(empty).label == "unknown"
    )


def test_a_judge_that_costs_is_asked_once_and_sees_all():
    seen = []

    def finds(view, checkpoint):
        seen.append((checkpoint, len(view.messages)))
        return refuse("told", "bad")

    label = JudgeLabeller(ToldJudge(finds, "answer"), "gpt").label(traced(*RUN))
    assert (seen, label.label, label.by) == ([("answer", 4)], "harmful", "gpt")


def test_a_model_that_breaks_is_unknown():
    def breaks(view, checkpoint):
        raise RoleError("the server is gone")

    label = JudgeLabeller(ToldJudge(breaks, "answer")).label(traced(*RUN))
    assert (label.label, label.reason) == ("unknown", "a judge broke: the server is gone")


LABELS = st.lists(
    st.builds(
        Label,
        trace=st.just("t"),
        label=st.sampled_from(["harmful", "benign", "unknown"]),
        by=st.sampled_from(["guard", "gpt", "person"]),
    ),
    max_size=6,
)


@given(LABELS)
def test_a_person_counts_before_any_judge_and_later_before_earlier(labels):
    person = [label for label in labels if label.by == "person"]
    found = settled(labels)
    if person:
        assert found == (person[-1] if person[-1].label != "unknown" else None)
    else:
        known = itertools.dropwhile(lambda label: label.label == "unknown", reversed(labels))
        assert found == next(known, None)
