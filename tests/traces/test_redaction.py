"""What is personal or secret does not reach the store, wherever in a trace it stands."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain.agents.middleware.pii import detect_ip
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.runnables import RunnableLambda

from agentalign_lc.redaction import hide_cards, hide_phones, hide_secrets
from agentalign_lc.traces.recorder import record
from agentalign_lc.traces.redaction import REDACTIONS, Redactor, redaction
from agentalign_lc.traces.store import TraceStore
from agentalign_lc.traces.trace import Span, Trace

SECRETS = [
    "sk-proj-abcdefghijklmnop1234",
    "AKIAIOSFODNN7EXAMPLE",
    "ana.perez@example.com",
    "4111 1111 1111 1111",
    "+44 20 7946 0958",
    "(212) 555-0143",
]


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21 12:30:45",
        "192.168.100.17",
        "order 1234567890",
        "0.1234567890123456",
        "version 1.2.3-4567",
        "4111 1111 1111 1112",
        "total_tokens: 1200",
        "see https://example.com/a?page=2",
    ],
)
def test_what_is_neither_stays(text: str) -> None:
    assert Redactor().text(text) == text


@pytest.mark.parametrize(
    "text",
    [
        '{"password": "hunter2"}',
        "{'api_key': 'hunter2'}",
        json.dumps(json.dumps({"db_password": "hunter2"})),
        '{"password": "a\\"hunter2"}',
        "postgres://ana:hunter2@db.example.com/x",
        "login?token=hunter2&x=1",
        "Authorization: Bearer hunter2hunter2",
    ],
)
def test_secrets_by_what_they_are_called(text: str) -> None:
    assert "hunter2" not in hide_secrets(text)


@given(st.from_regex(r"[0-9]{12,18}", fullmatch=True))
def test_every_number_with_a_right_check_digit_is_a_card(digits: str) -> None:
    hidden = [hide_cards(f"pay {digits}{last} now") for last in range(10)]

    assert hidden.count("pay [card] now") == 1


@given(st.from_regex(r"\+[1-9][0-9]{0,2}( [0-9]{2,4}){3}", fullmatch=True))
def test_numbers_with_a_plus_are_phones(number: str) -> None:
    assert hide_phones(f"call {number}.") == "call [phone]."


def planted(secret: str) -> Trace:
    """A trace with a secret in every place that holds what somebody said."""
    call = {"name": "mail", "args": {"deep": [{"to": f"for {secret}"}]}, "id": "c1"}
    span = Span(
        id="1",
        error=secret,
        messages=(
            HumanMessage(f"I am {secret}."),
            HumanMessage([{"type": "text", "text": secret}]),
            ToolMessage(secret, tool_call_id="c0", artifact={"raw": secret}),
        ),
        reply=AIMessage(secret, tool_calls=[call], additional_kwargs={"refusal": secret}),
        arguments={secret: [secret]},
        result=json.dumps({"found": secret}),
        attributes={"input": {"messages": [secret]}},
    )
    return Trace(id="t", source="test", spans=(span,), attributes={"user": secret})


@pytest.mark.parametrize("secret", SECRETS)
def test_every_place(secret: str) -> None:
    redacted = Redactor()(planted(secret))

    assert secret not in redacted.model_dump_json()
    assert len(redacted.spans[0].messages) == 3


def test_calls_and_results_still_find_each_other() -> None:
    """Ids may look like numbers of cards."""
    number = "4111111111111111"
    call = {"name": "pay", "args": {"card": number}, "id": number}
    span = Span(
        id="1",
        call_id=number,
        messages=(AIMessage("", tool_calls=[call]), ToolMessage("ok", tool_call_id=number)),
    )

    asked, answered = Redactor()(Trace(id="t", source="s", spans=(span,))).spans[0].messages

    assert asked.tool_calls[0]["id"] == answered.tool_call_id == number
    assert asked.tool_calls[0]["args"] == {"card": "[card]"}


def test_counts_of_tokens_are_no_secrets() -> None:
    reply = AIMessage("x" * 10, response_metadata={"token_usage": {"completion_tokens": 12}})
    redacted = Redactor()(Trace(id="t", source="s", spans=(Span(id="1", reply=reply),)))

    assert redacted.spans[0].reply.response_metadata["token_usage"] == {"completion_tokens": 12}


def test_own_functions_and_langchains_detectors() -> None:
    redactor = Redactor([*REDACTIONS, redaction(detect_ip, "address"), str.upper])

    assert redactor.text("ana@example.com at 192.0.2.7 and 192.0.2.8") == "[E-MAIL 8E43CA37] AT [ADDRESS] AND [ADDRESS]"  # fmt: skip


def test_a_function_that_raises_lets_nothing_through() -> None:
    def fail(text: str) -> str:
        raise ValueError(text)

    assert Redactor([fail]).text("hunter2") == "[not redacted: left out]"


def test_what_the_recorder_writes_is_redacted(tmp_path) -> None:
    model = FakeListChatModel(responses=["Mail ana.perez@example.com."])
    file = tmp_path / "traces.sqlite"
    with record(file):
        RunnableLambda(model.invoke).invoke("My card is 4111 1111 1111 1111.")

    with TraceStore.open(file) as store:
        (trace,) = store.traces()
    assert "[e-mail" in trace.model_dump_json()
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"ana.perez" not in written
    assert b"4111" not in written


def test_none_where_none_is_wanted() -> None:
    trace = planted("ana.perez@example.com")

    assert Redactor([])(trace) is trace
