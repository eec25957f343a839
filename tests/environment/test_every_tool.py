"""Every tool of the catalogue keeps the contract of its own schema, for any arguments."""

import json
import warnings

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentalign_lc.environment.catalog import load_catalog
from agentalign_lc.environment.simulate import arguments_model, compile_tool, tool_schema

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its jsonschema calls are older than jsonschema
    from hypothesis_jsonschema import from_schema

CATALOG = load_catalog()
WRONG = {"string": 7, "integer": "7", "number": "7", "boolean": "yes", "array": "x", "object": "x"}
RELAXED = settings(
    max_examples=200,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
every_tool = pytest.mark.parametrize("tool", sorted(CATALOG.tools))


def values(schema):
    """All values of a schema.

    Objects are built here: hypothesis-jsonschema 0.23 builds its own from a part of Hypothesis
    that newer ones no longer have (``many.more``). Everything else is its work.
    """
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema["type"] == "object" and "properties" in schema:
        parts = {name: values(part) for name, part in schema["properties"].items()}
        needed = {name: part for name, part in parts.items() if name in schema["required"]}
        optional = {name: part for name, part in parts.items() if name not in needed}
        return st.fixed_dictionaries(needed, optional=optional)
    if schema["type"] == "object":
        return st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.text())
    if schema["type"] == "array" and schema["items"]["type"] == "object":
        sizes = {"min_size": schema.get("minItems", 0), "max_size": schema.get("maxItems")}
        return st.lists(values(schema["items"]), **sizes)
    return from_schema(schema)


def parameters(tool):
    return tool_schema(CATALOG.tools[tool])["function"]["parameters"]


def send(bound, tool, arguments):
    """Call as an agent does: whatever the world says comes back as a message."""
    message = bound.invoke({"name": tool, "args": arguments, "id": "1", "type": "tool_call"})
    return message.status, json.loads(message.content)


@every_tool
def test_arguments_that_the_schema_allows_are_never_an_accident(tool, make_world):
    bound = compile_tool(CATALOG.tools[tool], make_world())
    model = arguments_model(CATALOG.tools[tool])

    @RELAXED
    @given(values(parameters(tool)))
    def check(arguments):
        model.model_validate(arguments)
        status, answer = send(bound, tool, arguments)
        assert isinstance(answer, dict)
        if status == "error":
            assert {"code", "message"} <= set(answer["error"]) <= {"code", "message", "field"}

    check()


@every_tool
def test_arguments_that_the_schema_forbids_are_refused_by_name(tool, make_world):
    schema = parameters(tool)
    bound = compile_tool(CATALOG.tools[tool], make_world())

    @settings(RELAXED, max_examples=5)
    @given(values(schema), st.data())
    def check(right, data):
        unknown = {**right, "not_a_parameter": 1}
        assert refused(bound, tool, unknown) == "not_a_parameter"
        if schema["required"]:
            missing = data.draw(st.sampled_from(schema["required"]))
            rest = {name: value for name, value in right.items() if name != missing}
            assert refused(bound, tool, rest) == missing
        for name, parameter in schema["properties"].items():
            assert refused(bound, tool, {**right, name: WRONG[parameter["type"]]}) == name

    check()


def refused(bound, tool, arguments):
    status, answer = send(bound, tool, arguments)
    assert status == "error"
    assert answer["error"]["code"] == "invalid_argument"
    return answer["error"]["field"]
