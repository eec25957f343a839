"""Redaction: what may not be logged is not, and the rest can be read again."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentalign_lc.guard.audit.redaction import redact, redact_text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"Authorization": "Basic abc"}, {"Authorization": "[secret]"}),
        ({"credentials": {"user": "ana", "pw": "x"}}, {"credentials": "[secret]"}),
        ("Bearer abcdefghijk", "Bearer [secret]"),
        ("https://ana:hunter2@example.com/x", "https://[secret]@example.com/x"),
        ("use ghp_abcdefghijklmnop123 now", "use [secret] now"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMII", "[secret]"),
        ("card 4111 1111 1111 1111.", "card [number]."),
        (4111111111111111, "[number]"),
        (float("inf"), "inf"),
        (b"bytes", "[bytes]"),
        (
            {"amount": 12.5, "urgent": True, "note": None},
            {"amount": 12.5, "urgent": True, "note": None},
        ),
        ([[[[[[["deep"]]]]]]], [[[[[["[deeper]"]]]]]]),
    ],
)
def test_what_may_not_be_logged(value: object, shown: object) -> None:
    assert redact(value) == shown


def test_equal_texts_can_be_recognised() -> None:
    assert redact_text("a" * 500) == redact_text("a" * 500) != redact_text("a" * 501)
    assert redact_text("Ana@Example.com") == redact_text("ana@example.com")


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


@given(ANYTHING)
def test_anything_can_be_logged_and_verified(value: object) -> None:
    text = json.dumps(redact(value), allow_nan=False)
    assert json.loads(text) == redact(value)
