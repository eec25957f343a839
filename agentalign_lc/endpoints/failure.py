"""Failures: what an exception of any provider's client means for the call."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from typing import Any

from agentalign_lc.errors import one_line

__all__ = ["Failure", "Kind", "classify"]


class Kind(Enum):
    """What a failure means."""

    BUSY = auto()
    """The endpoint lives and has too much to do (429, 529): later it will answer."""
    PASSING = auto()
    """It may succeed if it is tried again."""
    ACCESS = auto()
    """The key was refused, or there is no money left: no call will succeed."""
    FINAL = auto()
    """The same call would fail again."""


@dataclass(frozen=True)
class Failure:
    """What went wrong with one try."""

    kind: Kind
    reason: str
    """A word to count it by: a status, ``timeout``, ``connection``, ``half an answer``, or a class."""
    says: str
    """One line."""
    after: float | None = None
    """Seconds after which the endpoint wants to be asked again, if it said so."""


_BUSY = frozenset({429, 529})
_PASSING = frozenset({408, 409, 425})
_ACCESS = frozenset({401, 402, 403})
_NO_MONEY = frozenset(
    {"insufficient_quota", "billing_hard_limit_reached", "credit_balance_too_low"}
)

# Clients of all providers stand on a few HTTP libraries; their errors are known
# by name, so that none of them has to be installed or loaded.
_TIMEOUTS = frozenset(
    {"TimeoutError", "TimeoutException", "APITimeoutError", "Timeout", "ReadTimeoutError",
     "ConnectTimeoutError", "DeadlineExceeded"}
)  # fmt: skip
_CONNECTIONS = frozenset(
    {"ConnectionError", "APIConnectionError", "TransportError", "ClientConnectionError",
     "ClientPayloadError", "EndpointConnectionError", "ConnectionClosedError", "HTTPClientError",
     "IncompleteReadError", "IncompleteRead", "ServiceUnavailable", "ChunkedEncodingError"}
)  # fmt: skip
_COMPLETE = frozenset({"LengthFinishReasonError", "ContentFilterFinishReasonError"})
"""Answers that came whole and are turned down by the client."""
_HALF = ("null value for 'choices'", "Unexpected response type")
"""What langchain-openai says to a body that is JSON, and no completion."""


def classify(error: BaseException, now: datetime | None = None) -> Failure:
    """Say what an exception means, whichever provider's client it came from.

    To be tried again are 408, 409, 425, 429, 5xx, timeouts, connections that
    break, and answers of which only half came. Never 400, 404, 422 and their
    like; 401, 402, 403 and a 429 that means an empty account end the run.

    Args:
        error: What the client raised.
        now: The time, for a ``Retry-After`` that is a date.

    Example:
        >>> classify(ConnectionResetError("reset by peer")).kind
        <Kind.PASSING: 2>
        >>> classify(ValueError("temperature must be below 2")).kind
        <Kind.FINAL: 4>
    """
    says = one_line(error) or type(error).__name__
    status, headers = _status(error), _headers(error)
    if status is not None and not 200 <= status < 300:
        kind = _kind_of(status, _codes(error))
        return Failure(kind, str(status), says, _retry_after(headers, now or datetime.now(UTC)))
    broken = _broken(error)
    if broken:
        return Failure(Kind.PASSING, broken, says if broken == "timeout" else _cause(error))
    if _is_half(error, status):
        return Failure(Kind.PASSING, "half an answer", f"an answer that cannot be read ({says})")
    return Failure(Kind.FINAL, type(error).__name__, says)


def _kind_of(status: int, codes: set[str]) -> Kind:
    if status in _ACCESS or (status == 429 and codes & _NO_MONEY):
        return Kind.ACCESS
    if status in _BUSY:
        return Kind.BUSY
    if status in _PASSING or status >= 500:
        return Kind.PASSING
    return Kind.FINAL


def _status(error: BaseException) -> int | None:
    """The HTTP status: each client has its own place for it."""
    response = getattr(error, "response", None)
    places = [
        getattr(error, "status_code", None),
        getattr(error, "status", None),
        getattr(error, "code", None),
        getattr(error, "http_status", None),
        getattr(response, "status_code", None),
    ]
    if isinstance(response, Mapping):  # botocore
        places.append(response.get("ResponseMetadata", {}).get("HTTPStatusCode"))
    if body := _said_in_body(error):
        places.append(body.get("code"))
    for place in places:
        number = int(place) if isinstance(place, str) and place.isdigit() else place
        if isinstance(number, int) and 100 <= number < 600:
            return int(number)
    return None


def _said_in_body(error: BaseException) -> Mapping[str, Any] | None:
    """The error that a gateway put into an answer with status 200."""
    said = error.args[0] if isinstance(error, ValueError) and error.args else None
    return said if isinstance(said, Mapping) else None


def _headers(error: BaseException) -> Mapping[str, str]:
    response = getattr(error, "response", None)
    headers = getattr(response, "headers", None) or getattr(error, "headers", None)
    if headers is None and isinstance(response, Mapping):
        headers = response.get("ResponseMetadata", {}).get("HTTPHeaders")
    return {str(name).lower(): str(value) for name, value in dict(headers or {}).items()}


def _codes(error: BaseException) -> set[str]:
    """What the provider calls the error, in the body or on the exception."""
    found = {str(getattr(error, "code", "")), str(getattr(error, "type", ""))}
    body = getattr(error, "body", None)
    for part in (body, body.get("error") if isinstance(body, Mapping) else None):
        if isinstance(part, Mapping):
            found |= {str(part.get("code")), str(part.get("type"))}
    return found


def _retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds to wait, from ``retry-after-ms`` or ``Retry-After`` (seconds or a date)."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        if 0 <= seconds < float("inf"):
            return seconds
    try:
        date = parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        return None
    return max(0.0, (date.astimezone(UTC) - now).total_seconds())


def _broken(error: BaseException) -> str:
    """``timeout`` or ``connection``, if it is one; the deepest cause knows it best."""
    for link in reversed(list(_chain(error))):
        names = set(_names(link))
        if names & _TIMEOUTS:
            return "timeout"
        if names & _CONNECTIONS:
            return "connection"
    return "connection" if isinstance(error, OSError) else ""


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__


def _names(error: BaseException) -> Iterator[str]:
    return (kind.__name__ for kind in type(error).__mro__)


def _cause(error: BaseException) -> str:
    """The last cause that says anything: clients call them all "Connection error"."""
    links = [error]
    while (link := links[-1].__cause__ or links[-1].__context__) is not None and link not in links:
        links.append(link)
    said = [line for link in links if (line := one_line(link))]
    return said[-1] if said else type(error).__name__


def _is_half(error: BaseException, status: int | None) -> bool:
    if set(_names(error)) & _COMPLETE:
        return False
    # langchain-openai hangs the response on whatever its reading raised.
    read = status is not None and not hasattr(error, "status_code")
    said = str(error)
    return (
        read
        or isinstance(error, json.JSONDecodeError)
        or type(error).__name__ == "APIResponseValidationError"
        or _said_in_body(error) is not None
        or any(sign in said for sign in _HALF)
    )
