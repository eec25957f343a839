"""References into earlier results: ``{step1.results.0.url}`` in an expected argument."""

import re
from collections.abc import Sequence

from pydantic import JsonValue

__all__ = ["has_reference", "resolve", "shift"]

_REFERENCE = re.compile(r"\{step([1-9])\.([\w.]+)\}")


def has_reference(value: object) -> bool:
    """Whether a value, or anything in it, points into an earlier result."""
    if isinstance(value, str):
        return _REFERENCE.search(value) is not None
    if isinstance(value, dict):
        return any(has_reference(item) for item in value.values())
    return isinstance(value, list) and any(has_reference(item) for item in value)


def resolve(value: JsonValue, results: Sequence[JsonValue]) -> JsonValue:
    """Replace references by what the calls returned.

    Args:
        value: Any JSON value.
        results: What each step returned, in order.

    Raises:
        LookupError: a result is not there, or has no such part.

    Example:
        >>> resolve("see {step1.results.0.url}", [{"results": [{"url": "https://a.example"}]}])
        'see https://a.example'
    """
    if isinstance(value, dict):
        return {key: resolve(item, results) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve(item, results) for item in value]
    if not isinstance(value, str):
        return value
    whole = _REFERENCE.fullmatch(value)
    if whole:
        return _part(whole, results)
    return _REFERENCE.sub(lambda match: str(_part(match, results)), value)


def shift(value: JsonValue, by: int) -> JsonValue:
    """Count references on, for calls that come before.

    Example:
        >>> shift("see {step1.results.0.url}", 2)
        'see {step3.results.0.url}'
    """
    if isinstance(value, dict):
        return {key: shift(item, by) for key, item in value.items()}
    if isinstance(value, list):
        return [shift(item, by) for item in value]
    if not isinstance(value, str):
        return value
    return _REFERENCE.sub(lambda match: f"{{step{int(match[1]) + by}.{match[2]}}}", value)


def _part(match: re.Match[str], results: Sequence[JsonValue]) -> JsonValue:
    value: JsonValue = results[int(match[1]) - 1]
    for key in match[2].split("."):
        if isinstance(value, list) and key.isdigit():
            value = value[int(key)]
        elif isinstance(value, dict):
            value = value[key]
        else:
            raise LookupError(f"{match[0]}: nothing at {key!r}")
    return value
