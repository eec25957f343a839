"""Schemas of the tools that a model was offered, of any provider, in OpenAI function form."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from agentalign_lc.traces.chat.values import entry, first, mapping, parsed, text

__all__ = ["find_tools", "read_tool", "read_tools"]

_EMPTY = {"type": "object", "properties": {}}
_NO_NAMES = ("function", "custom", "object")


def read_tools(value: object) -> tuple[dict[str, Any], ...]:
    """Read a list of tool schemas; what is none is left out, and so is a name's second schema.

    Example:
        >>> read_tools([{"name": "go", "input_schema": {"type": "object", "properties": {}}}])
        ({'type': 'function', 'function': {'name': 'go', 'description': '',
          'parameters': {'type': 'object', 'properties': {}}}},)
    """
    found: dict[str, dict[str, Any]] = {}
    for one in _schemas(parsed(value)):
        found.setdefault(one["function"]["name"], one)
    return tuple(found.values())


def find_tools(value: object) -> tuple[dict[str, Any], ...]:
    """Find the tools inside a request, wherever its provider puts them.

    Example:
        >>> [one["function"]["name"] for one in find_tools({"config": {"tools": [
        ...     {"function_declarations": [{"name": "go"}]}]}})]
        ['go']
    """
    if not isinstance(value, Mapping):
        return ()
    places = (
        value.get("tools"),
        value.get("functions"),
        entry(value, "config", "tools"),
        entry(value, "toolConfig", "tools"),
        entry(value, "tool_config", "tools"),
        entry(value, "kwargs", "tools"),
        entry(value, "invocation_params", "tools"),
        entry(value, "invocation_params", "functions"),
        entry(value, "options", "tools"),
        entry(value, "body", "tools"),
    )
    for place in places:
        if place and (tools := read_tools(place)):
            return tools
    return ()


def _schemas(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, Mapping):
        if all(isinstance(one, Mapping) for one in value.values()) and "name" not in value:
            several = _several(value)
            if several is not None:
                yield from _schemas(several)
                return
            if "function" not in value and "toolSpec" not in value:
                # The Vercel AI SDK's tools by name.
                yield from _schemas([{"name": name, **one} for name, one in value.items()])
                return
        value = [value]
    if isinstance(value, str) or not isinstance(value, Iterable):
        return
    for one in value:
        raw = parsed(one)
        if not isinstance(raw, Mapping):
            continue
        several = _several(raw)
        if several is not None:
            yield from _schemas(several)
        elif (tool := read_tool(raw)) is not None:
            yield tool


def _several(value: Mapping[str, Any]) -> object:
    return first(value, "function_declarations", "functionDeclarations")


def read_tool(value: Mapping[str, Any]) -> dict[str, Any] | None:
    """One schema in OpenAI function form; None if it names no function and no kind of tool.

    Example:
        >>> read_tool({"toolSpec": {"name": "go", "inputSchema": {"json": {"type": "object"}}}})
        {'type': 'function', 'function': {'name': 'go', 'description': '',
         'parameters': {'type': 'object'}}}
    """
    inner = first(value, "function", "toolSpec", "json_schema")
    raw = mapping(inner) if inner is not None else value
    if isinstance(raw.get("function"), Mapping):
        raw = raw["function"]
    name = first(raw, "name", "title")
    if name is None and raw.get("type") not in _NO_NAMES:
        name = raw.get("type")  # a tool of the provider's own
    if not isinstance(name, str) or not name:
        return None
    parameters = parsed(
        first(
            raw,
            "parameters",
            "input_schema",
            "inputSchema",
            "parameters_json_schema",
            "parametersJsonSchema",
            "args_schema",
            "jsonSchema",
        )
    )
    if isinstance(parameters, Mapping):
        nested = first(parameters, "jsonSchema", "json")
        parameters = nested if isinstance(nested, Mapping) else parameters
    return {
        "type": "function",
        "function": {
            "name": name,
            "description": text(raw.get("description")),
            "parameters": dict(parameters) if isinstance(parameters, Mapping) else dict(_EMPTY),
        },
    }
