"""Values in suites: plain YAML, or ``{{ expressions }}`` in a Jinja sandbox.

A suite is data that a user may have downloaded; its expressions can read what
they are given and nothing else (Jinja's immutable sandbox: no attribute that
starts with an underscore, no change to what they read).
"""

import re
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, cast

from jinja2 import StrictUndefined, TemplateSyntaxError, Undefined
from jinja2.exceptions import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import JsonValue

__all__ = ["Names", "compile_value"]

Names = Mapping[str, Any]
"""What an expression may name: ``args``, ``me``, ``now``, ``draw`` and earlier results."""


class _Sandbox(ImmutableSandboxedEnvironment):
    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        # Jinja keeps a ChainMap here and copies it at every evaluation, which costs more than most
        # expressions do; ours gain no globals later, so a plain dict will do.
        return {**self.globals, **(d or {})}


_SANDBOX = _Sandbox(undefined=StrictUndefined, autoescape=False)
_SANDBOX.filters["any_of"] = lambda row, *keys: next((row[k] for k in keys if row.get(k)), None)
_WHOLE = re.compile(r"^\{\{((?:(?!\}\}).)*)\}\}$", re.DOTALL)


def compile_value(value: JsonValue) -> Callable[[Names], JsonValue]:
    """Turn a YAML value into a function of the names it uses.

    A string that is one whole ``{{ expression }}`` keeps the expression's type;
    an expression inside a longer string becomes text; lists and mappings are
    compiled throughout.

    Raises:
        ValueError: an expression is no Jinja.

    Example:
        >>> row = compile_value({"to": "{{ args.to }}", "note": "for {{ args.to[0] }}"})
        >>> row({"args": {"to": ["ana@example.com"]}})
        {'to': ['ana@example.com'], 'note': 'for ana@example.com'}
    """
    if isinstance(value, dict):
        parts = {key: compile_value(item) for key, item in value.items()}
        return lambda names: {key: part(names) for key, part in parts.items()}
    if isinstance(value, list):
        items = [compile_value(item) for item in value]
        return lambda names: [item(names) for item in items]
    if isinstance(value, str) and "{{" in value:
        return _compile_text(value)
    return lambda _names: value


def _compile_text(text: str) -> Callable[[Names], JsonValue]:
    whole = _WHOLE.match(text.strip())
    try:
        if whole:
            expression = _SANDBOX.compile_expression(whole[1].strip(), undefined_to_none=False)
            return lambda names: _evaluated(expression, names, text)
        template = _SANDBOX.from_string(text)
    except TemplateSyntaxError as error:
        raise ValueError(f"{text!r} is not a valid expression ({error.message})") from error
    return template.render


def _evaluated(expression: Callable[..., object], names: Names, text: str) -> JsonValue:
    value = expression(names)
    if isinstance(value, Undefined):
        raise TemplateError(f"{text} names something that does not exist")
    return cast("JsonValue", value)
