"""Redaction: what of a call's arguments may stand in a log."""

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from itertools import islice

from pydantic import JsonValue

__all__ = ["redact", "redact_text"]

_LONGEST = 200
"""Characters of a text that is kept as it is."""
_MOST = 50
"""Items of a list or a mapping that are kept."""
_DEEPEST = 6

_SECRET_NAME = re.compile(
    r"passw(or)?d|passphrase|passcode|secret|token|credential|api_?key|private_?key|access_?key"
    r"|authori[sz]ation|cookie|session_?id|\b(pin|otp|cvv|cvc|ssn|iban)\b|card_?number",
    re.IGNORECASE,
)
_SECRET = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"  # a JSON web token
    r"|\b(?:sk|pk|rk|ghp|gho|ghs|ghu|github_pat|glpat|xox[abprs]|hf|lsv2)[-_][\w-]{12,}"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\bAIza[\w-]{30,}"
    r"|(?<=bearer )[\w.~+/=-]{8,}"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"  # user:password in an address
    r"|(?:(?<=password=)|(?<=password: )|(?<=token=)|(?<=secret=)|(?<=api_key=))[^\s&\"']+",
    re.IGNORECASE | re.DOTALL,
)
_EMAIL = re.compile(r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
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
        return f"[{len(text):,} characters {_digest(text, 16)}]"
    text = _SECRET.sub("[secret]", text)
    text = _EMAIL.sub(lambda found: f"[e-mail {_digest(found[0].lower(), 8)}]", text)
    return _LONG_NUMBER.sub("[number]", text)


def _redacted(value: object, name: str, depth: int) -> JsonValue:
    if value is None or isinstance(value, bool):
        return value
    if _SECRET_NAME.search(name):
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


def _digest(text: str, digits: int) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:digits]
