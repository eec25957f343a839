"""Any JSON Schema becomes a parameter that loads; what it cannot say is said in words."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from agentalign_lc.environment.answers import schema_value
from agentalign_lc.environment.arguments import arguments_model, parameter_type
from agentalign_lc.environment.imports.foreign import ForeignTool
from agentalign_lc.environment.imports.schema import (
    resolve_references,
    to_parameter,
    to_parameters,
)
from agentalign_lc.environment.simulate import tool_schema
from agentalign_lc.environment.spec import ParameterSpec, ToolSpec

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
NUMBERS = st.integers(-5, 40) | st.floats(-5, 5) | JSON
TYPES = st.sampled_from(
    ["string", "integer", "number", "boolean", "array", "object", "null", "file"]
)
REFERENCES = st.sampled_from(["#", "#/$defs/a", "#/$defs/b", "#/nowhere", "http://x/y", ""])


def schemas(inner):
    """Schemas with every keyword, right and wrong ones."""
    names = st.sampled_from(
        ["id", "a-b", "$filter", "model_dump", "_x", "schema", "class", "a b", ""]
    )
    parts = {
        "type": TYPES | st.lists(TYPES, max_size=3) | JSON,
        "$ref": REFERENCES,
        "description": st.text(max_size=5) | JSON,
        "default": JSON,
        "enum": st.lists(JSON, max_size=4) | JSON,
        "const": JSON,
        "pattern": st.sampled_from(["^a+$", "(", r"\p{L}"]) | JSON,
        "format": st.sampled_from(["email", "uuid", "date-time"]) | JSON,
        "items": inner | st.booleans() | st.lists(inner, max_size=2),
        "properties": st.dictionaries(names, inner, max_size=3) | JSON,
        "required": st.lists(names, max_size=2) | JSON,
        "additionalProperties": inner | st.booleans(),
        "uniqueItems": st.booleans(),
        "not": inner,
        **{key: st.lists(inner, max_size=3) | JSON for key in ("anyOf", "oneOf", "allOf")},
        **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "multipleOf", "minLength", "maxLength", "minItems", "maxItems"), NUMBERS),
    }  # fmt: skip
    return st.fixed_dictionaries({}, optional=parts)


SCHEMA = st.recursive(st.fixed_dictionaries({}, optional={"type": TYPES}), schemas, max_leaves=6)
WHOLE = st.fixed_dictionaries(
    {"$defs": st.fixed_dictionaries({"a": SCHEMA, "b": SCHEMA}), "properties": st.just({})}
)


@pytest.mark.slow
@settings(max_examples=400, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))  # fmt: skip
@given(SCHEMA, WHOLE)
def test_any_schema_becomes_a_parameter_that_loads(schema, root) -> None:
    resolved = resolve_references(schema, root)

    spec = to_parameter(resolved)

    again = ParameterSpec.model_validate(
        spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    )
    assert again == spec
    tool = ToolSpec(name="t", capability="x.y", description="A tool, any.", parameters={"p": spec})
    arguments_model(tool)
    tool_schema(tool)
    schema_value(resolved, "a seed") if isinstance(resolved, dict) else None
    to_parameters(resolved if isinstance(resolved, dict) else {})


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string", "minLength": 2}, {"type": "string", "minLength": 2}),
        ({"type": ["integer", "null"]}, {"type": "integer", "optional": True}),
        (
            {"anyOf": [{"type": "string", "format": "email"}, {"type": "null"}], "description": "Who"},
            {"type": "string", "format": "email", "optional": True, "description": "Who"},
        ),
        (
            {"oneOf": [{"type": "integer"}, {"type": "boolean"}]},
            {"type": "any", "anyOf": [{"type": "integer"}, {"type": "boolean"}]},
        ),
        ({"const": "a"}, {"type": "any", "enum": ["a"]}),
        ({"enum": ["a", None]}, {"type": "any", "enum": ["a"], "optional": True}),
        ({"enum": [1.5, 2.5], "type": "number"}, {"type": "number", "description": "enum: [1.5, 2.5]"}),
        ({"type": "string", "format": "uuid"}, {"type": "string", "description": "format: \"uuid\""}),
        ({"type": "string", "default": "x"}, {"type": "string", "default": "x"}),
        (
            {"type": "string", "default": 3},
            {"type": "string", "optional": True, "description": "default: 3"},
        ),
        (
            {"type": "array", "items": {"type": ["string", "null"]}},
            {"type": "array", "items": {"type": "any", "anyOf": [{"type": "string"}, {"type": "null"}]}},
        ),
        (
            {"allOf": [{"properties": {"a": {"type": "integer"}}, "required": ["a"]}], "type": "object"},
            {"type": "object", "properties": {"a": {"type": "integer"}}},
        ),
        (True, {"type": "any"}),
    ],
)  # fmt: skip
def test_what_becomes_what(schema, expected) -> None:
    made = to_parameter(schema).model_dump(mode="json", by_alias=True, exclude_defaults=True)

    assert made == expected


def test_a_union_takes_each_of_its_types_and_nothing_else() -> None:
    spec = to_parameter(
        {"anyOf": [{"type": "integer"}, {"type": "array", "items": {"type": "string"}}]}
    )
    adapter = TypeAdapter(parameter_type("p", spec))

    assert adapter.validate_python(3, strict=True) == 3
    assert adapter.validate_python(["a"], strict=True) == ["a"]
    with pytest.raises(ValueError, match="valid"):
        adapter.validate_python("3", strict=True)


def test_references_that_double_at_every_level_end() -> None:
    definitions = {
        f"l{n}": {"properties": {s: {"$ref": f"#/$defs/l{n + 1}"} for s in "abc"}}
        for n in range(30)
    }

    resolved = resolve_references({"$defs": definitions, "$ref": "#/$defs/l0"})

    assert len(str(resolved)) < 1_000_000


def test_a_property_may_be_called_as_a_keyword() -> None:
    schema = {"properties": {"$ref": {"type": "string"}, "default": {"$ref": "#/$defs/D"}}, "$defs": {"D": {"type": "integer"}}}  # fmt: skip

    made = to_parameters(resolve_references(schema))

    assert {name: spec.type for name, spec in made.items()} == {
        "$ref": "string",
        "default": "integer",
    }


def test_a_foreign_tool_needs_only_a_name() -> None:
    assert to_parameters(ForeignTool(name="x", description="").parameters) == {}
