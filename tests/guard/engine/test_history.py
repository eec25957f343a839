"""A valid history, always: rules that hold for every history there is."""

from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from agentalign_lc.guard.engine.history import (
    answer_calls,
    call_ids,
    end_run,
    is_valid,
    mend,
    name_calls,
    pending_calls,
    problems,
    refusal,
    refused_calls,
    replaced,
)
from tests.guard.strict_model import RejectedByProviderError, check_like_a_provider

IDS = st.sampled_from(["a", "b", "c", "", None])
TEXTS = st.text(max_size=5).map(lambda text: text + ".")
CALLS = st.builds(lambda id, name: {"name": name, "args": {}, "id": id}, IDS, st.sampled_from("xy"))
BROKEN = st.builds(
    lambda id: {"name": "x", "args": "{", "id": id, "error": "", "type": "invalid_tool_call"}, IDS
)
MESSAGES = st.one_of(
    st.builds(HumanMessage, TEXTS, id=IDS),
    st.builds(SystemMessage, TEXTS),
    st.builds(
        AIMessage,
        TEXTS,
        id=IDS,
        tool_calls=st.lists(CALLS, max_size=3),
        invalid_tool_calls=st.lists(BROKEN, max_size=1),
    ),
    st.builds(ToolMessage, TEXTS, tool_call_id=IDS.map(lambda id: id or "d"), id=IDS),
)
HISTORIES = st.lists(MESSAGES, max_size=7)


def provider_takes(messages: list[BaseMessage]) -> bool:
    try:
        check_like_a_provider(messages)
    except RejectedByProviderError:
        return False
    return True


@given(HISTORIES)
def test_what_is_valid_a_strict_provider_takes(messages):
    if is_valid(messages):
        assert provider_takes(messages)


@given(HISTORIES)
def test_every_history_can_be_mended(messages):
    whole = mend(messages)
    assert problems(whole) == []
    assert provider_takes(whole)
    kept = [m.text for m in whole if isinstance(m, HumanMessage)]
    said = [m.text for m in messages if isinstance(m, HumanMessage)]
    assert set(kept) <= set(said)


@given(HISTORIES)
def test_mending_leaves_a_valid_history_alone(messages):
    if is_valid(messages):
        assert mend(messages) == messages
    assert mend(mend(messages)) == mend(messages)


@given(HISTORIES, st.lists(CALLS, max_size=3))
def test_a_run_can_end_wherever_it_is(messages, calls):
    named = name_calls(AIMessage("So.", tool_calls=calls))
    history = [*mend(messages), named]
    done = [*history, *end_run(history, "Refused.", "No.")]
    assert problems(done) == []
    assert done[-1].text == "No."
    assert pending_calls(done) == ()


@given(st.lists(CALLS, max_size=4), st.data())
def test_each_call_is_answered_once_and_in_order(calls, data):
    named = name_calls(AIMessage("", tool_calls=calls))
    ids = call_ids(named)
    assert len(set(ids)) == len(ids) == len(calls)
    some = data.draw(st.sets(st.sampled_from(ids))) if ids else set()
    answers = answer_calls([named], dict.fromkeys(some, "No."))
    assert [a.tool_call_id for a in answers] == [i for i in ids if i in some]
    assert all(a.status == "error" for a in answers)


@given(MESSAGES)
def test_a_replaced_message_keeps_its_place_and_nothing_of_its_text(message):
    message.additional_kwargs["refusal"] = "the old text"
    new = replaced(message, "removed")
    assert (new.id, new.type, call_ids(new)) == (message.id, message.type, call_ids(message))
    assert "the old text" not in new.model_dump_json()
    assert new.text == "removed"


def test_refused_calls_are_counted_from_the_users_last_word():
    no = refusal({"name": "ls", "id": "1"}, "No.")
    failed = ToolMessage("no such file", tool_call_id="2", status="error")
    assert refused_calls([HumanMessage("Go."), no, failed, no]) == 2
    assert refused_calls([no, HumanMessage("Go.")]) == 0
    assert refused_calls([]) == 0
