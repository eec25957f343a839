"""Redaction: what of a call's arguments may stand in a log."""

import math
import re
from collections.abc import Mapping, Sequence
from itertools import islice

from pydantic import JsonValue

from agentalign_lc.redaction import digest, hide_emails, hide_secrets, is_secret_name

__all__ = ["redact", "redact_text"]

_LONGEST = 200
"""Characters of a text that is kept as it is."""
_MOST = 50
"""Items of a list or a mapping that are kept."""
_DEEPEST = 6

_LONG_NUMBER = re.compile(r"(?<!\w)(?<!\d\.)(?:\d[ -]?){12,18}\d(?!\w|\.\d)")


def redact(value: object, name: str = "") -> JsonValue:
    """Make a value fit for a log: no secrets, no addresses, no long texts; any value will do.

    What has a secret's name or look is dropped. E-mail addresses and texts of
    more than 200 characters become the first digits of their SHA-256, so that
    equal ones can be recognised; who can guess one can confirm the guess.

    Args:
        value: What is to be logged.
        name: Under which name it was given.

    Example:
        >>> redact({"to": "ana@example.com", "password": "hunter2", "amount": 12.5})
        {'to': '[e-mail 8e43ca37]', 'password': '[secret]', 'amount': 12.5}
    """
    return _redacted(value, name, 0)


def redact_text(text: str, longest: int = _LONGEST) -> str:
    """Take secrets and addresses out of a text, and hash it if it is longer than ``longest``.

    Example:
        >>> redact_text("key sk-abcdefghijklmnop for ana@example.com")
        'key [secret] for [e-mail 8e43ca37]'
    """
    if len(text) > longest:
        return f"[{len(text):,} characters {digest(text, 16)}]"
    return _LONG_NUMBER.sub("[number]", hide_emails(hide_secrets(text)))


def _redacted(value: object, name: str, depth: int) -> JsonValue:
    if value is None or isinstance(value, bool):
        return value
    if is_secret_name(name):
        return "[secret]"
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, Mapping | Sequence) and not isinstance(value, bytes | bytearray):
        return _inside(value, name, depth)
    return f"[{type(value).__name__}]"


def _number(value: float) -> JsonValue:
    # Twelve digits and more are account or card numbers; infinities are no JSON.
    if isinstance(value, int) and abs(value) >= 10**12:
        return "[number]"
    return value if math.isfinite(value) else str(value)


def _inside(value: Mapping[object, object] | Sequence[object], name: str, depth: int) -> JsonValue:
    if depth >= _DEEPEST:
        return "[deeper]"
    more = len(value) - _MOST
    if isinstance(value, Mapping):
        kept: dict[str, JsonValue] = {
            redact_text(str(key)): _redacted(item, str(key), depth + 1)
            for key, item in islice(value.items(), _MOST)
        }
        return kept | ({"...": f"[{more:,} more]"} if more > 0 else {})
    items = [_redacted(item, name, depth + 1) for item in islice(value, _MOST)]
    return [*items, f"[{more:,} more]"] if more > 0 else items
