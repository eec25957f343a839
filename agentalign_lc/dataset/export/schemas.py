"""Tools as chat templates can read them."""

from collections.abc import Sequence
from typing import Any

__all__ = ["portable_schema", "portable_tools"]


def portable_tools(tools: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Tools whose schemas no template stumbles over, and that mean the same.

    gpt-oss's template and some of LLaMA-Factory's join the options of an enum,
    or its default, to a string, and break off at a number. So options that are
    not strings become ``anyOf`` with constants.

    Example:
        >>> field = {"type": "integer", "enum": [1, 3]}
        >>> schema = {"type": "object", "properties": {"urgency": field}}
        >>> tool = {"type": "function", "function": {"name": "f", "parameters": schema}}
        >>> portable_tools([tool])[0]["function"]["parameters"]["properties"]
        {'urgency': {'type': 'integer', 'anyOf': [{'const': 1}, {'const': 3}]}}
    """
    return [_tool(tool) for tool in tools]


def portable_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """The same for the parameters of one tool."""
    fields = schema.get("properties")
    if not fields or not any(map(_numbers, fields.values())):
        return schema
    return {**schema, "properties": {name: _field(field) for name, field in fields.items()}}


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    function = tool["function"]
    schema = function.get("parameters")
    changed = portable_schema(schema) if schema else schema
    if changed is schema:
        return tool
    return {**tool, "function": {**function, "parameters": changed}}


def _numbers(field: object) -> bool:
    options = field.get("enum") if isinstance(field, dict) else None
    return bool(options) and not all(isinstance(option, str) for option in options or ())


def _field(field: Any) -> Any:  # noqa: ANN401 - a schema may be a bare true
    if not _numbers(field):
        return field
    rest = {key: value for key, value in field.items() if key != "enum"}
    return {**rest, "anyOf": [{"const": option} for option in field["enum"]]}
