"""JSON Schema to ParameterSpec: what it can say exactly, the rest permissive and in words."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from agentalign_lc.environment.arguments import parameter_type
from agentalign_lc.environment.spec import ParameterSpec

__all__ = ["resolve_references", "to_parameter", "to_parameters"]

_BUDGET = 4000
"""Nodes that a schema may unfold to: references may double at every level."""
_VALUES = frozenset({"default", "const", "enum", "example", "examples"})
_TYPES = frozenset({"string", "integer", "number", "boolean", "array", "object", "null"})
_FORMATS = frozenset({"email", "uri", "date", "date-time", "ipv4", "hostname"})
_BOUNDS = {
    "string": ("minLength", "maxLength", "pattern", "format"),
    "integer": ("minimum", "maximum"),
    "number": ("minimum", "maximum"),
    "array": ("minItems", "maxItems"),
}
_IN_WORDS = (
    "format", "pattern", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
    "multipleOf", "minItems", "maxItems", "uniqueItems", "contains", "prefixItems", "minProperties", "maxProperties",
    "patternProperties", "additionalProperties", "propertyNames", "dependentRequired", "const", "enum", "not", "if",
    "then", "else",
)  # fmt: skip


def resolve_references(schema: Any, root: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401
    """Put what each ``$ref`` names in its place; a recursive one ends as "anything".

    Args:
        schema: A JSON Schema, or a part of one.
        root: The document that ``#/...`` counts from; the schema itself by default.

    Example:
        >>> tree = {"$defs": {"T": {"properties": {"next": {"$ref": "#/$defs/T"}}}}, "$ref": "#/$defs/T"}
        >>> resolve_references(tree)["properties"]["next"]
        {'description': 'As above, recursively (T).'}
    """
    whole = root if root is not None else schema if isinstance(schema, dict) else {}
    return _Resolver(whole).resolve(schema, ())


class _Resolver:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self.root = root
        self.left = _BUDGET

    def resolve(self, node: Any, open_: tuple[str, ...], *, names: bool = False) -> Any:  # noqa: ANN401
        self.left -= 1
        if self.left < 0:
            return {}
        if isinstance(node, list):
            return [self.resolve(item, open_) for item in node]
        if not isinstance(node, dict):
            return node
        reference = node.get("$ref")
        if isinstance(reference, str) and not names:
            return self._named(node, reference, open_)
        return {
            key: value
            if key in _VALUES and not names
            else self.resolve(value, open_, names=key == "properties" and not names)
            for key, value in node.items()
            if names or key not in ("$defs", "definitions", "components")
        }

    def _named(self, node: dict[str, Any], reference: str, open_: tuple[str, ...]) -> Any:  # noqa: ANN401
        name = reference.rpartition("/")[2]
        if reference in open_:
            return {"description": f"As above, recursively ({name})."}
        target: Any = self.root
        for part in reference.removeprefix("#").strip("/").split("/") if reference != "#" else ():
            key = part.replace("~1", "/").replace("~0", "~")
            target = target.get(key) if isinstance(target, dict) else None
        if not reference.startswith("#") or not isinstance(target, dict):
            return {"description": f"Anything; {reference} is not in this document."}
        found = self.resolve(target, (*open_, reference))
        beside = {key: value for key, value in node.items() if key != "$ref"}
        rest = self.resolve(beside, open_) if beside else {}
        return {**found, **rest} if isinstance(found, dict) else found


def to_parameters(schema: Mapping[str, Any]) -> dict[str, ParameterSpec]:
    """Turn the JSON Schema of a tool's arguments into its parameters.

    Example:
        >>> made = to_parameters({"properties": {"userId": {"type": "integer"}}, "required": ["userId"]})
        >>> made["userId"].type, made["userId"].required
        ('integer', True)
    """
    parts, needed = _properties(_merged(schema))
    return {key: to_parameter(part, optional=key not in needed) for key, part in parts.items()}


def to_parameter(schema: Any, *, optional: bool = False) -> ParameterSpec:  # noqa: ANN401
    """Turn the JSON Schema of one argument into a parameter.

    A schema that also allows null makes the parameter optional. What a
    parameter cannot say is left open and said in its description.

    Args:
        schema: JSON Schema whose references are resolved.
        optional: Whether the argument may be left out.

    Example:
        >>> spec = to_parameter({"anyOf": [{"type": "number", "multipleOf": 0.5}, {"type": "null"}]})
        >>> spec.type, spec.optional, spec.description
        ('number', True, 'multipleOf: 0.5')
    """
    spec, nullable = _converted(schema)
    if optional or nullable:
        spec["optional"] = True
    default = schema.get("default") if isinstance(schema, dict) else None
    if default is not None:
        _set_default(spec, default)
    return ParameterSpec.model_validate(spec)


def _set_default(spec: dict[str, Any], default: Any) -> None:  # noqa: ANN401
    made = ParameterSpec.model_validate(spec)
    spec["optional"] = True
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(parameter_type("value", made))
        adapter.validate_python(default, strict=True)
        ParameterSpec.model_validate({**spec, "default": default})
    except (ValidationError, ValueError, TypeError):
        _say(spec, [f"default: {_short(default)}"])
    else:
        spec["default"] = default
        spec.pop("optional")


def _converted(schema: Any) -> tuple[dict[str, Any], bool]:  # noqa: ANN401
    """The fields of a ParameterSpec, and whether null is allowed too."""
    if not isinstance(schema, dict):
        return {"type": "any"}, False
    schema = _merged(schema)
    for key in ("anyOf", "oneOf"):
        if isinstance(schema.get(key), list) and schema[key]:
            return _union({k: v for k, v in schema.items() if k != key}, schema[key])
    kinds = schema.get("type")
    if isinstance(kinds, list):
        named = [{"type": kind} for kind in kinds if isinstance(kind, str) and kind in _TYPES]
        rest = {k: v for k, v in schema.items() if k != "type"}
        return _union(rest, [{**rest, **kind} for kind in named]) if named else _single(rest, "any")
    kind = kinds if isinstance(kinds, str) and kinds in _TYPES else _guessed(schema)
    return _single(schema, kind)


def _union(rest: dict[str, Any], options: list[Any]) -> tuple[dict[str, Any], bool]:
    real = [o for o in options if not (isinstance(o, dict) and o.get("type") == "null")]
    nullable = len(real) < len(options)
    if not real:
        return {"type": "null", **_described(rest, [])}, True
    if len(real) == 1:
        one = real[0] if isinstance(real[0], dict) else {}
        found, inner = _converted(
            {**one, **{k: v for k, v in rest.items() if k in ("description", "title")}, **one}
        )
        if rest.get("description"):
            found["description"] = " ".join(
                dict.fromkeys(filter(None, (_text(rest["description"]), found.get("description"))))
            )
        return found, nullable or inner
    members = [_member(option) for option in real]
    return {"type": "any", "anyOf": members, **_described(rest, [])}, nullable


def _member(schema: Any) -> dict[str, Any]:  # noqa: ANN401
    """A part that is not a parameter itself: null is one of its types, not a way to leave it out."""
    found, nullable = _converted(schema)
    if not nullable or found["type"] == "null":
        return found
    return {"type": "any", "anyOf": [found, {"type": "null"}]}


def _single(schema: dict[str, Any], kind: str) -> tuple[dict[str, Any], bool]:
    spec: dict[str, Any] = {"type": kind}
    nullable = False
    if "enum" in schema or "const" in schema:
        values = schema["enum"] if isinstance(schema.get("enum"), list) else [schema.get("const")]
        nullable = None in values
        fitting = [v for v in values if _may_be_listed(v, kind)]
        if fitting and len(fitting) == sum(v is not None for v in values):
            spec["enum"] = list(dict.fromkeys(fitting))
    for key in _BOUNDS.get(kind, ()):
        if "enum" not in spec and _says(key, schema.get(key)):
            spec[key] = schema[key]
    if kind == "array":
        spec["items"] = _member(schema.get("items", True))
    if kind == "object":
        parts, needed = _properties(schema)
        if parts:
            spec["properties"] = {
                k: to_parameter(v, optional=k not in needed) for k, v in parts.items()
            }
    return {**spec, **_described(schema, [k for k in spec if k != "type"])}, nullable


def _properties(schema: Mapping[str, Any]) -> tuple[dict[str, Any], set[str]]:
    parts, needed = schema.get("properties"), schema.get("required")
    named = {str(k): v for k, v in parts.items() if k} if isinstance(parts, dict) else {}
    required = (
        {k for k in needed if isinstance(k, str) and k} if isinstance(needed, list) else set()
    )
    return named | {key: {} for key in sorted(required - set(named))}, required


def _merged(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema with its ``allOf`` folded in, where that is only a matter of adding up."""
    merged = {k: v for k, v in schema.items() if k != "allOf"}
    for part in schema.get("allOf") or () if isinstance(schema.get("allOf"), list) else ():
        inner = _merged(part) if isinstance(part, dict) else {}
        parts, needed = _properties(merged)
        more, also = _properties(inner)
        merged = {**inner, **merged}
        if parts or more:
            merged |= {"properties": {**more, **parts}, "required": sorted(needed | also)}
    return merged


def _guessed(schema: Mapping[str, Any]) -> str:
    if isinstance(schema.get("properties"), dict):
        return "object"
    return "array" if isinstance(schema.get("items"), dict) else "any"


def _may_be_listed(value: Any, kind: str) -> bool:  # noqa: ANN401
    if isinstance(value, bool) or not isinstance(value, str | int):
        return False
    if kind == "string":
        return isinstance(value, str)
    return kind == "any" or (kind in ("integer", "number") and isinstance(value, int))


def _says(key: str, value: Any) -> bool:  # noqa: ANN401
    """Whether a parameter can say this keyword with this value."""
    if key == "format":
        return isinstance(value, str) and value in _FORMATS
    if key == "pattern":
        try:
            return isinstance(value, str) and bool(re.compile(value))
        except (re.error, OverflowError, RecursionError):
            return False
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return key in ("minimum", "maximum") or (isinstance(value, int) and 0 <= value < 2**31)


def _described(schema: Mapping[str, Any], said: list[str]) -> dict[str, str]:
    holder: dict[str, Any] = {"description": _text(schema.get("description"))}
    _say(holder, _in_words(schema, said))
    return {"description": holder["description"]} if holder["description"] else {}


def _in_words(schema: Mapping[str, Any], said: list[str]) -> Iterator[str]:
    for key in _IN_WORDS:
        trivial = key == "additionalProperties" and isinstance(schema.get(key), bool)
        covered = key in said or (
            "enum" in said and key in ("const", *_BOUNDS["string"], "minimum", "maximum")
        )
        if key in schema and not covered and not trivial:
            yield f"{key}: {_short(schema[key])}"


def _say(spec: dict[str, Any], words: Iterator[str] | list[str]) -> None:
    spec["description"] = "; ".join(
        filter(None, (str(spec.get("description", "")).rstrip(), *words))
    )


def _short(value: Any) -> str:  # noqa: ANN401
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 160 else f"{text[:157]}..."


def _text(value: Any) -> str:  # noqa: ANN401
    return " ".join(value.split()) if isinstance(value, str) else ""
