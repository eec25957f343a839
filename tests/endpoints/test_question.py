"""The journal's JSON: what comes back is what went in, and the same question has the same key."""

import json

from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.runnables import RunnableLambda

from agentalign_lc.endpoints.question import question, read_answer, write_answer

TEXT = st.text(st.characters(codec=None), max_size=20)  # halves of surrogate pairs, too
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
OBJECTS = st.dictionaries(TEXT, JSON, max_size=3)
MESSAGES = st.builds(
    AIMessage,
    content=TEXT | st.lists(st.fixed_dictionaries({"type": st.just("text"), "text": TEXT}), max_size=2),
    additional_kwargs=OBJECTS,
    response_metadata=OBJECTS,
    id=st.none() | TEXT,
    name=st.none() | TEXT,
    tool_calls=st.lists(
        st.fixed_dictionaries({"name": TEXT, "args": OBJECTS, "id": TEXT, "type": st.just("tool_call")}),
        max_size=2,
    ),
    usage_metadata=st.none()
    | st.just({"input_tokens": 3, "output_tokens": 2, "total_tokens": 5,
               "input_token_details": {"cache_read": 1}}),
)  # fmt: skip


@given(MESSAGES)
def test_a_message_survives(message: AIMessage) -> None:
    text = write_answer(message)
    assert read_answer(text) == message
    assert text.encode()


@given(MESSAGES, st.none() | OBJECTS)
def test_a_structured_answer_survives(message: AIMessage, parsed) -> None:
    answer = {"raw": message, "parsed": parsed, "parsing_error": None}
    assert read_answer(write_answer(answer)) == answer


def test_what_was_wrong_with_an_answer_survives() -> None:
    answer = {"raw": AIMessage("x"), "parsed": None, "parsing_error": ValueError("no JSON")}
    assert str(read_answer(write_answer(answer))["parsing_error"]) == "no JSON"


MODEL = RunnableLambda(lambda messages: messages[-1])
ASKED = [SystemMessage("Be brief."), HumanMessage("2 + 2?", id="1")]


def test_all_that_a_provider_sees_makes_the_key() -> None:
    call = {"name": "f", "args": {"x": 1}, "id": "1", "type": "tool_call"}
    questions = [
        question("a", MODEL, ASKED),
        question("b", MODEL, ASKED),
        question("a", MODEL, ASKED[::-1]),
        question("a", MODEL, [*ASKED, AIMessage("")]),
        question("a", MODEL, [*ASKED, AIMessage("", tool_calls=[call])]),
        question("a", MODEL, [*ASKED, ToolMessage("4", tool_call_id="1")]),
        question("a", MODEL, [*ASKED, ToolMessage("4", tool_call_id="2")]),
        question("a", MODEL.bind(temperature=1), ASKED),
        question("a", MODEL.bind(temperature=2), ASKED),
        question("a", MODEL.bind(temperature=2) | MODEL, ASKED[:1]),
    ]
    assert len({asked.key for asked in questions}) == len(questions)


def test_what_no_provider_sees_does_not() -> None:
    one = question("a", MODEL, [HumanMessage("Hi", id="1"), AIMessage("Ho", id="2")])
    other = AIMessage("Ho", id="3", response_metadata={"model": "m"},
                      usage_metadata={"input_tokens": 1, "output_tokens": 1, "total_tokens": 2})  # fmt: skip
    assert question("a", MODEL, [HumanMessage("Hi"), other]) == one


@given(st.lists(TEXT.map(HumanMessage), max_size=3))
def test_any_text_has_a_key(messages: list[HumanMessage]) -> None:
    asked = question("a", MODEL, messages)
    assert len(asked.key) == 32
    assert asked.tokens >= 1
    assert json.dumps(asked.key)
