"""A trace as the text that a store keeps: whole, unless parts of it are too large."""

import json
import math
from typing import Any

from pydantic import JsonValue, ValidationError

from agentalign_lc.errors import StoreError
from agentalign_lc.traces.trace import Trace

__all__ = ["LONGEST_BODY", "LONGEST_TEXT", "read_body", "write_body"]

LONGEST_TEXT = 1_000_000
"""Characters of one text that are kept."""
LONGEST_BODY = 32_000_000
"""Characters of a whole trace; a longer one keeps less of each text."""
_LESS = (LONGEST_TEXT, 10_000, 500, 0)
"""Characters of a text that are kept, at each try to make a trace fit."""
_DEEPEST = 100


def write_body(trace: Trace) -> str:
    """Return a trace as JSON that ``read_body`` reads.

    A text of more than 1,000,000 characters is cut and says so at its end. If the
    whole is still longer than 32,000,000, as much is cut from every text as it
    needs. What is no JSON (bytes, objects, half a surrogate pair) is replaced by
    text. ``attributes["cut"]`` counts the texts that were cut.

    Raises:
        StoreError: it cannot be made to fit.
    """
    try:
        body = trace.model_dump_json()
    except (ValueError, RecursionError):
        body = ""
    # The bound on the whole makes a single look enough for all ordinary traces.
    if body and len(body) <= LONGEST_TEXT:
        return body
    for longest in _LESS:
        fitted = _Fitted(longest)
        try:
            plain = fitted.value(trace.model_dump())
        except (ValueError, RecursionError) as error:
            raise StoreError(f"trace {trace.id} cannot be written as JSON: {error}") from error
        if fitted.cut:
            plain["attributes"]["cut"] = fitted.cut
        body = json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
        if len(body) <= LONGEST_BODY:
            return body
    raise StoreError(
        f"trace {trace.id} is too large: {len(body):,} characters without its longer texts"
    )


def read_body(body: str) -> Trace:
    """Read what ``write_body`` wrote.

    Raises:
        ValueError: it is no trace.
    """
    try:
        return Trace.model_validate_json(body)
    except ValidationError:
        pass  # pydantic's own reader of JSON gives up earlier than Python's where it is deep
    try:
        return Trace.model_validate(json.loads(body))
    except (ValidationError, RecursionError, KeyError, TypeError) as error:
        raise ValueError(str(error)) from error


class _Fitted:
    """Turns values into JSON and cuts their texts, counting."""

    def __init__(self, longest: int) -> None:
        self.cut = 0
        self._longest = longest

    def value(self, value: Any, depth: int = 0) -> Any:  # noqa: ANN401 - any JSON value
        if value is None or isinstance(value, bool | int | float):
            return _number(value)
        if isinstance(value, str):
            return self._text(value)
        if depth > _DEEPEST:
            return "[deeper]"
        if isinstance(value, dict):
            return {
                self._text(str(key)): self.value(item, depth + 1) for key, item in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.value(item, depth + 1) for item in value]
        return self._text(f"[{type(value).__name__}]")

    def _text(self, text: str) -> str:
        if len(text) > max(self._longest, 200):  # names and ids are never cut
            self.cut += 1
            text = f"{text[: self._longest]}[cut: {len(text):,} characters]"
        return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _number(value: int | float | None) -> JsonValue:  # noqa: PYI041 - mypy tells them apart
    if isinstance(value, int):
        # Python refuses to print or to read more digits than some thousands.
        return hex(value) if value.bit_length() > 1000 else value
    return value if value is None or math.isfinite(value) else str(value)  # no JSON
