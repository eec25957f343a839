"""Values out of other people's JSON: parsed without trust, looked at without surprise."""

import ast
import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue

__all__ = [
    "DECODER",
    "as_json",
    "cleaned",
    "entry",
    "first",
    "kept",
    "line",
    "loads",
    "mapping",
    "parsed",
    "text",
]

DECODER = json.JSONDecoder(parse_constant=lambda _: None)
"""Reads JSON; NaN and the infinities, which are none, become null."""

_NESTED = 200
_DEEPEST = 64
_LONGEST = 2**16
_MOST = 1000
_CUT = re.compile(r"\[cut: [\d,]+ characters\]\Z")
_LITERAL = 2**16


def loads(source: str) -> Any:  # noqa: ANN401 - any JSON value
    r"""Parse JSON; halves of surrogate pairs and NULs, which no store takes, become U+FFFD.

    Raises:
        ValueError: it is no JSON, or nested too deeply.

    Example:
        >>> loads('["a\\ud800", NaN]')
        ['a\ufffd', None]
    """
    try:
        value = DECODER.decode(source)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    except ValueError as error:
        raise ValueError("no JSON") from error
    return cleaned(value, source)


def cleaned(value: Any, source: str) -> Any:  # noqa: ANN401 - any JSON value
    """A value that was just decoded, without what no store takes.

    Args:
        value: The value.
        source: The JSON it was in, which tells whether there is anything to look for.

    Raises:
        ValueError: it is nested too deeply.
    """
    if source.count("[") + source.count("{") > _NESTED and _too_deep(value):
        raise ValueError("nested too deeply")
    doubtful = "\\u" in source or "\x00" in source or not _encodable(source)
    return _clean(value) if doubtful else value


def _encodable(source: str) -> bool:
    try:
        source.encode()
    except UnicodeEncodeError:
        return False
    return True


def _too_deep(value: object) -> bool:
    level = [value]
    for _ in range(_NESTED):
        level = [
            below
            for one in level
            if isinstance(one, dict | list)
            for below in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return False
    return True


def _clean(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, str):
        whole = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return whole.replace("\x00", "\ufffd")
    if isinstance(value, list):
        return [_clean(one) for one in value]
    if isinstance(value, dict):
        return {_clean(key): _clean(one) for key, one in value.items()}
    return value


def parsed(value: object) -> Any:  # noqa: ANN401 - any JSON value
    r"""Return what a string of JSON (or a Python literal, as SDKs print dictionaries) holds.

    Anything else comes back as it is: text stays text, and so do numbers.

    Example:
        >>> parsed('"{\\"a\\": 1}"'), parsed("{'q': None}"), parsed("[sic]"), parsed("12")
        ({'a': 1}, {'q': None}, '[sic]', '12')
    """
    for _ in range(3):  # some exports encode what was encoded already
        if not isinstance(value, str):
            return value
        start = value.lstrip()[:1]
        if start not in ("{", "[", '"'):
            return value
        try:
            inner = loads(value)
        except ValueError:
            return _literal(value) if start in ("{", "[") else value
        if start == '"' and (not isinstance(inner, str) or inner.lstrip()[:1] not in ("{", "[")):
            return value
        value = inner
    return value


def _literal(source: str) -> object:
    if len(source) > _LITERAL or "'" not in source:
        return source
    try:
        value = ast.literal_eval(source)
        return json.loads(json.dumps(value))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return source


def mapping(value: object) -> Mapping[str, Any]:
    """The dictionary that a value is or a JSON string holds; empty if it is none.

    Example:
        >>> mapping('{"a": 1}'), mapping(None)
        ({'a': 1}, {})
    """
    value = parsed(value)
    return value if isinstance(value, Mapping) else {}


def first(value: Mapping[str, Any], *names: str) -> Any:  # noqa: ANN401 - any JSON value
    """The first of some entries that is there and not null.

    Example:
        >>> first({"a": None, "b": 0}, "a", "b", "c")
        0
    """
    for name in names:
        if value.get(name) is not None:
            return value[name]
    return None


def entry(value: object, *path: str | int) -> Any:  # noqa: ANN401 - any JSON value
    """What stands at the end of a path of keys and positions; None if it ends early.

    Example:
        >>> entry({"choices": [{"index": 0}]}, "choices", 0, "index"), entry([], 0)
        (0, None)
    """
    for step in path:
        if isinstance(step, int):
            if not isinstance(value, list) or len(value) <= step:
                return None
            value = value[step]
        elif isinstance(value, Mapping):
            value = value.get(step)
        else:
            return None
    return value


def text(value: object) -> str:
    """A string as it is, nothing as an empty one, the rest as JSON.

    Example:
        >>> text("a"), text(None), text({"a": 1})
        ('a', '', '{"a": 1}')
    """
    if isinstance(value, str):
        return value
    return "" if value is None else as_json(value)


def as_json(value: object) -> str:
    """JSON of a value, readable in any language."""
    return json.dumps(value, ensure_ascii=False, default=str)


def line(value: object) -> str:
    r"""One line of at most 500 characters.

    Example:
        >>> line("Traceback:\n  it broke")
        'Traceback: it broke'
    """
    return " ".join(text(value)[:10_000].split())[:500]


def kept(value: object, depth: int = 0) -> JsonValue:
    """A value small enough to keep beside a span: long texts and lists are cut, deep ones too.

    Example:
        >>> kept({"vector": [0.5] * 1200})["vector"][-1]
        '200 more'
    """
    if isinstance(value, str):
        return value if len(value) <= _LONGEST else f"{value[:_LONGEST]}{_note(value)}"
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth >= _DEEPEST:
        return "nested deeper"
    if isinstance(value, Mapping):
        return {str(key): kept(one, depth + 1) for key, one in value.items()}
    if isinstance(value, list | tuple):
        some = [kept(one, depth + 1) for one in value[:_MOST]]
        return [*some, f"{len(value) - _MOST} more"] if len(value) > _MOST else some
    return str(value)


def _note(value: str) -> str:
    """How long a text was; one that has been cut before says so at its end."""
    told = _CUT.search(value, max(0, len(value) - 50))
    return told[0] if told else f"[cut: {len(value):,} characters]"
