"""Values that fit a JSON schema: what a loopback model answers where structured output is asked for."""

from collections.abc import Mapping
from typing import Any

__all__ = ["instance"]


def instance(
    schema: Mapping[str, Any], text: str = "x", root: Mapping[str, Any] | None = None
) -> Any:  # noqa: ANN401 - whatever the schema says
    """The smallest value that fits a schema as pydantic writes them.

    Args:
        schema: The schema, or a part of it.
        text: What free strings say.
        root: Where references are looked up; by default the schema itself.

    Example:
        >>> instance({"type": "object", "properties": {"n": {"type": "integer", "minimum": 2}}})
        {'n': 2}
    """
    root = schema if root is None else root
    if "$ref" in schema:
        return instance(_referred(str(schema["$ref"]), root), text, root)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    for word in ("anyOf", "oneOf", "allOf"):
        if word in schema:
            options = [option for option in schema[word] if option.get("type") != "null"]
            return instance(options[0], text, root) if options else None
    return _typed(schema, text, root)


def _referred(reference: str, root: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Any = root
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def _typed(schema: Mapping[str, Any], text: str, root: Mapping[str, Any]) -> Any:  # noqa: ANN401
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = next(one for one in kind if one != "null")
    if kind == "object":
        properties = schema.get("properties", {})
        return {name: instance(part, text, root) for name, part in properties.items()}
    if kind == "array":
        return [instance(schema.get("items", {}), text, root)] * int(schema.get("minItems", 0))
    if kind == "string":
        return text.ljust(int(schema.get("minLength", 0)), ".")[: schema.get("maxLength")]
    if kind in ("integer", "number"):
        return schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
    return False if kind == "boolean" else None
