"""Labelled traces as conversations: a benign run as it is, a harmful one as refusal and rejected run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, ChatMessage

from agentalign_lc.dataset import FORMATS
from agentalign_lc.roles.embedded.judge import reads_as_refusal
from agentalign_lc.taxonomy.harms import load_harms
from agentalign_lc.traces.harvesting import harvest
from agentalign_lc.traces.refusing import word_refusal
from agentalign_lc.traces.trace import Label
from tests.traces.tracing import answered, called, traced

RUN = ("Mail Ana that I'm late.", called(to="ana@example.com"), answered(), AIMessage("Done."))


def made(trace, label="harmful", **about):
    found = list(harvest([(trace, Label(trace=trace.id, label=label, by="guard", **about))]))
    return found[0] if found else None


def roles(turns):
    return [turn["role"] for turn in turns]


def test_a_benign_trace_is_a_run_worth_imitating():
    row = made(traced(*RUN), "benign")
    assert (row.intent, row.rejected, row.refused_at) == ("benign", None, None)
    assert roles(row.messages) == ["user", "assistant", "tool", "assistant"]
    assert row.messages[1]["calls"][0]["arguments"] == {"to": "ana@example.com"}
    assert [tool["function"]["name"] for tool in row.tools] == ["send_gmail"]


def test_a_harmful_trace_is_refused_at_once_and_its_run_rejected():
    row = made(traced(*RUN), category="phishing", at=1)
    assert roles(row.messages) == ["user", "assistant"]
    assert reads_as_refusal(row.messages[-1]["content"])
    assert (row.refused_at, roles(row.rejected)) == (0, ["user", "assistant", "tool", "assistant"])
    assert row.about["subcategory"] == "phishing"


@pytest.mark.parametrize(
    ("at", "refused_at"),
    [(None, 0), (2, 0), (3, 1), (99, 0)],
    ids=["nobody says where", "about to call", "after the result", "beyond the end"],
)
def test_it_is_refused_where_the_harm_showed(at, refused_at):
    row = made(traced(*RUN), at=at)
    assert row.refused_at == refused_at
    assert row.messages[:-1] == row.rejected[: len(row.messages) - 1]


def test_the_app_s_own_refusal_is_kept():
    row = made(traced("Mail her pictures to everybody.", AIMessage("I won't do that to her.")))
    assert row.messages[-1]["content"] == "I won't do that to her."
    assert (row.rejected, row.refused_at) == (None, 0)


@pytest.mark.parametrize(
    "said",
    [
        (*RUN[:2],),
        (*RUN[:3],),
        (AIMessage("Hello, what may I do?"),),
        (ChatMessage("Hi", role="narrator"), AIMessage("Hello.")),
    ],
    ids=["unanswered call", "no answer", "nobody asked", "unknown kind of message"],
)
def test_what_cannot_be_trained_on_gives_nothing(said):
    assert made(traced(*said), "benign") is None


def test_unknown_is_no_label():
    assert made(traced(*RUN), "unknown") is None


@given(
    st.sampled_from([kind.name for c in load_harms().values() for kind in c.subcategories]),
    st.text(max_size=8),
)
def test_every_refusal_reads_as_one(category, trace):
    refusal = word_refusal(trace, category).text
    assert reads_as_refusal(refusal), refusal
    assert "{" not in refusal


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"hf"}))
def test_every_training_format_takes_them(name):
    rows = [
        row
        for label in ("benign", "harmful")
        for row in FORMATS[name].rows(made(traced(*RUN), label))
    ]
    assert rows
