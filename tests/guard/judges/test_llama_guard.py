"""Guard models: the conversation in their shape, and what they say read without guessing."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_openai import ChatOpenAI
from pytest_httpserver import HTTPServer

from agentalign_lc.errors import AnswerError
from agentalign_lc.guard.judges import Finding, Judge
from agentalign_lc.guard.judges.llama_guard import (
    HAZARDS,
    LlamaGuardJudge,
    conversation,
    read_safe_unsafe,
    read_yes_no,
)
from agentalign_lc.guard.view import look
from agentalign_lc.taxonomy import load_harms
from tests.openai_server import completion
from tests.scripted import ScriptedChatModel

PAY = {"name": "pay", "args": {"to": "Ana"}, "id": "1"}
RUN = [
    SystemMessage("You are the bank's assistant."),
    HumanMessage("Pay Ana."),
    AIMessage("Gladly.", tool_calls=[PAY]),
    ToolMessage("paid", tool_call_id="1"),
    AIMessage("Done."),
    HumanMessage("Thanks."),
    HumanMessage("And Bo."),
]


@pytest.mark.parametrize(
    ("said", "unsafe", "hazards"),
    [
        ("safe", False, ()),
        ("\n\nsafe\n", False, ()),
        ("unsafe\nS1", True, ("S1",)),
        ("\n\nunsafe\nS2,S14", True, ("S2", "S14")),
        ("Unsafe\ns9, s10", True, ("S9", "S10")),
        ("unsafe", True, ()),
    ],
)
def test_its_answers_are_read(said: str, unsafe: bool, hazards: tuple[str, ...]) -> None:
    rating = read_safe_unsafe(said)

    assert (rating.unsafe, rating.hazards) == (unsafe, hazards)


@pytest.mark.parametrize(
    "said", ["", "I cannot help.", "safe\nS1", "safe or unsafe", "unsafe because", "not safe"]
)
def test_what_is_no_answer_is_an_error_and_never_safe(said: str) -> None:
    with pytest.raises(AnswerError, match="neither safe nor unsafe"):
        read_safe_unsafe(said)


@given(st.text(max_size=30))
def test_only_the_word_itself_is_safe(said: str) -> None:
    try:
        safe = not read_safe_unsafe(said).unsafe
    except AnswerError:
        safe = False
    assert safe == (said.strip().lower() == "safe")


def test_a_yes_is_a_violation() -> None:
    assert read_yes_no("Yes.").unsafe
    assert not read_yes_no("no").unsafe
    with pytest.raises(AnswerError):
        read_yes_no("maybe")


@pytest.mark.parametrize("checkpoint", ["request", "calls", "answer"])
def test_turns_alternate_and_the_user_begins(checkpoint) -> None:
    for end in range(len(RUN) + 1):
        roles = [turn.type for turn in conversation(look(RUN[:end]), checkpoint)]
        assert roles == (["human", "ai"] * len(roles))[: len(roles)]
        assert roles


def test_the_request_is_last_and_calls_are_the_assistants_words() -> None:
    turns = conversation(look(RUN), "request")

    assert [turn.content for turn in turns] == [
        "Pay Ana.",
        'Gladly.\nI call pay with {"to":"Ana"}\nThe tool returned: paid\nDone.',
        "Thanks.\nAnd Bo.",
    ]
    assert conversation(look(RUN[:3]), "request")[-1].content == "Pay Ana."


async def test_hazards_are_named_after_the_taxonomy_where_it_has_them() -> None:
    judge = LlamaGuardJudge(ScriptedChatModel(script=["unsafe\nS7,S2", "safe"]))
    assert isinstance(judge, Judge)

    opinion = judge.judge(look(RUN), "request")

    assert opinion.finding is Finding.REFUSE
    assert opinion.category == "privacy_invasion"
    assert "non_violent_crimes" in opinion.reason
    assert (await judge.ajudge(look(RUN), "request")).finding is Finding.ALLOW
    known = {s.name for c in load_harms().values() for s in c.subcategories}
    own = {"S1", "S2", "S3", "S4", "S6", "S9", "S10", "S12"}
    assert {name for code, name in HAZARDS.items() if code not in own} <= known


async def test_the_probability_of_its_first_word_is_the_score(httpserver: HTTPServer) -> None:
    response = completion({"content": "\n\nunsafe\nS2"})
    body = response.get_json()
    tokens = [("\n\n", 0.0), ("unsafe", math.log(0.75)), ("\n", 0.0), ("S2", -0.1)]
    body["choices"][0]["logprobs"] = {
        "content": [
            {"token": t, "logprob": p, "bytes": None, "top_logprobs": []} for t, p in tokens
        ]
    }
    httpserver.expect_request("/v1/chat/completions").respond_with_json(body)
    model = ChatOpenAI(
        model="guard", base_url=httpserver.url_for("/v1"), api_key="none", max_retries=0
    )

    opinion = await LlamaGuardJudge(model).ajudge(look(RUN), "request")

    assert opinion.score == pytest.approx(0.75)
