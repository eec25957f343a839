"""Every tool of the catalogue keeps the contract of its own schema, for any arguments."""

import json
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentalign_lc.environment.arguments import arguments_model
from agentalign_lc.environment.catalog import load_catalog
from agentalign_lc.environment.simulate import compile_tool
from tests.environment import walk
from tests.environment.walk import values

CATALOG = load_catalog()
WRONG = {"string": 7, "integer": "7", "number": "7", "boolean": "yes", "array": "x", "object": "x"}
INVALID = 50
RELAXED = settings(
    max_examples=200,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
every_tool = pytest.mark.parametrize("tool", sorted(CATALOG.tools))


def parameters(tool):
    return walk.parameters(CATALOG, tool)


def send(bound, tool, arguments):
    """Call as an agent does: whatever the world says comes back as a message."""
    message = bound.invoke({"name": tool, "args": arguments, "id": "1", "type": "tool_call"})
    return message.status, json.loads(message.content)


@every_tool
def test_arguments_that_the_schema_allows_are_never_an_accident(tool, make_world, tool_table):
    bound = compile_tool(CATALOG.tools[tool], make_world())
    model = arguments_model(CATALOG.tools[tool])
    counts: Counter[str] = Counter()

    @RELAXED
    @given(values(parameters(tool)))
    def check(arguments):
        model.model_validate(arguments)
        status, answer = send(bound, tool, arguments)
        counts["valid"] += 1
        assert isinstance(answer, dict)
        if status == "error":
            assert {"code", "message"} <= set(answer["error"]) <= {"code", "message", "field"}
            assert answer["error"]["code"] != "internal"
            counts[answer["error"]["code"]] += 1
        else:
            counts["answered"] += 1

    check()
    tool_table[tool].update(counts)


@every_tool
def test_arguments_that_the_schema_forbids_are_refused_by_name(tool, make_world, tool_table):
    schema = parameters(tool)
    bound = compile_tool(CATALOG.tools[tool], make_world())
    wrong = {
        name: WRONG[part.get("type", "any")]
        for name, part in schema["properties"].items()
        if part.get("type", "any") in WRONG
    }
    ways = 1 + bool(schema["required"]) + len(wrong)
    counts: Counter[str] = Counter()

    # Too few distinct valid sets exist for some tools, so the invalid part varies too.
    @settings(RELAXED, max_examples=-(-INVALID // ways))
    @given(values(schema), st.data(), st.integers())
    def check(right, data, value):
        def refuse(field, arguments):
            assert refused(bound, tool, arguments) == field
            counts["refused"] += 1

        refuse("not_a_parameter", {**right, "not_a_parameter": value})
        if schema["required"]:
            missing = data.draw(st.sampled_from(schema["required"]))
            refuse(missing, {name: v for name, v in right.items() if name != missing})
        for name, ill in wrong.items():
            refuse(name, {**right, name: ill})

    check()
    assert counts["refused"] >= INVALID
    tool_table[tool].update(counts)


def refused(bound, tool, arguments):
    status, answer = send(bound, tool, arguments)
    assert status == "error"
    assert answer["error"]["code"] == "invalid_argument"
    return answer["error"]["field"]
