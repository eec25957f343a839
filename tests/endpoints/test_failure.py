"""Failures of providers whose clients are not installed here: known by shape, not by class."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentalign_lc.endpoints.failure import Kind, classify

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


def shaped(name: str, *bases: type, **attributes) -> Exception:
    """An exception of a class of that name."""
    error = type(name, bases or (Exception,), {})("it broke")
    for attribute, value in attributes.items():
        setattr(error, attribute, value)
    return error


def response(status: int, **headers: str):
    return type("Response", (), {"status_code": status, "headers": headers})()


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        # anthropic: the shape of openai's
        (shaped("OverloadedError", status_code=529), Kind.BUSY, "529"),
        # httpx, as langchain-mistralai raises it
        (shaped("HTTPStatusError", response=response(503)), Kind.PASSING, "503"),
        (shaped("HTTPStatusError", response=response(401)), Kind.ACCESS, "401"),
        # google-genai, google-api-core
        (shaped("APIError", code=429), Kind.BUSY, "429"),
        (shaped("DeadlineExceeded", code=504), Kind.PASSING, "504"),
        # aiohttp
        (shaped("ClientResponseError", status=400), Kind.FINAL, "400"),
        (shaped("ServerDisconnectedError", type("ClientConnectionError", (Exception,), {})),
         Kind.PASSING, "connection"),
        # botocore
        (shaped("ClientError", response={
            "ResponseMetadata": {"HTTPStatusCode": 429, "HTTPHeaders": {"retry-after": "3"}}}),
         Kind.BUSY, "429"),
        (shaped("ReadTimeoutError"), Kind.PASSING, "timeout"),
        # ollama
        (shaped("ResponseError", status_code=404), Kind.FINAL, "404"),
        (ConnectionRefusedError("refused"), Kind.PASSING, "connection"),
        (TimeoutError(), Kind.PASSING, "timeout"),
        (json.JSONDecodeError("Expecting value", "", 0), Kind.PASSING, "half an answer"),
        # what another try would only repeat
        (ValueError("temperature must be below 2"), Kind.FINAL, "ValueError"),
        (shaped("LengthFinishReasonError", response=response(200)), Kind.FINAL,
         "LengthFinishReasonError"),
        (KeyError("choices"), Kind.FINAL, "KeyError"),
    ],
)  # fmt: skip
def test_failures_of_all_clients(error, kind, reason) -> None:
    found = classify(error)
    assert (found.kind, found.reason) == (kind, reason)
    assert found.says
    assert "\n" not in found.says


@given(st.integers(300, 599))
def test_every_status_has_its_place(status: int) -> None:
    kind = classify(shaped("StatusError", status_code=status)).kind
    expected = (
        Kind.BUSY if status in (429, 529)
        else Kind.ACCESS if status in (401, 402, 403)
        else Kind.PASSING if status >= 500 or status in (408, 409, 425)
        else Kind.FINAL
    )  # fmt: skip
    assert kind is expected


@pytest.mark.parametrize(
    ("headers", "after"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "Thu, 01 Jan 2026 12:00:20 GMT"}, 20.0),
        ({"retry-after": "Thu, 01 Jan 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({}, None),
    ],
)
def test_when_to_come_back(headers: dict[str, str], after: float | None) -> None:
    error = shaped("HTTPStatusError", response=response(429, **headers))
    assert classify(error, NOW).after == after


@given(st.text(), st.text())
def test_whatever_a_server_says_is_read(value: str, code: str) -> None:
    error = shaped("E", response=response(429, **{"Retry-After": value}), body={"code": code})
    found = classify(error, NOW)
    assert found.after is None or found.after >= 0


def test_the_cause_says_what_the_client_hides() -> None:
    outer = shaped("APIConnectionError")
    outer.__cause__ = ConnectionRefusedError("nobody listens there")
    assert classify(outer).says == "nobody listens there"
