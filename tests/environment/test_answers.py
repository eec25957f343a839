"""A tool that declares no effect answers by its schema, and does not contradict the call."""

from agentalign_lc.environment.answers import answer_call, schema_value
from agentalign_lc.environment.spec import ToolSpec


def tool(output=None) -> ToolSpec:
    return ToolSpec(
        name="t", capability="x.y", description="Any tool, really.", parameters={}, output=output
    )


def test_without_a_schema_the_arguments_are_echoed() -> None:
    assert answer_call(tool(), "s", {"a": 1, "b": None}) == {"status": "ok", "a": 1}


def test_the_same_call_has_the_same_answer_and_another_another() -> None:
    spec = tool({"type": "object", "properties": {"token": {"type": "string"}}})

    assert answer_call(spec, "s", {"a": 1}) == answer_call(spec, "s", {"a": 1})
    assert answer_call(spec, "s", {"a": 1}) != answer_call(spec, "s", {"a": 2})
    assert answer_call(spec, "s", {"a": 1}) != answer_call(spec, "t", {"a": 1})


def test_names_that_agree_are_repeated() -> None:
    part = {"type": "object", "properties": {"userId": {"type": "string"}, "name": {"type": "string"}}}  # fmt: skip
    schema = {"type": "object", "properties": {"user": part, "count": {"type": "integer"}}}

    answer = answer_call(tool(schema), "s", {"user_id": "u7", "name": "Ana", "count": "many"})

    assert answer["user"] == {"userId": "u7", "name": "Ana"}
    assert isinstance(answer["count"], int), "a word is no number"


def test_what_operations_gave_is_repeated_too() -> None:
    row = {"type": "object", "properties": {"url": {"type": "string"}}}
    schema = {"type": "object", "properties": {"results": {"type": "array", "items": row}}}
    found = {"results": [{"url": "https://a.example"}, {"url": "https://b.example"}]}

    answer = answer_call(tool(schema), "s", {}, [found])

    assert answer == found


def test_values_keep_to_their_schema() -> None:
    schema = {
        "properties": {
            "rating": {"type": "integer", "minimum": 4, "maximum": 5},
            "share": {"type": "number", "exclusiveMaximum": 1, "minimum": 0},
            "kind": {"enum": ["a", "b"]},
            "mail": {"type": ["null", "string"], "format": "email"},
            "parts": {"type": "array", "minItems": 3, "items": {"type": "boolean"}},
            "short": {"type": "string", "maxLength": 4},
        }
    }

    value = schema_value(schema, "s")

    assert value["rating"] in (4, 5)
    assert 0 <= value["share"] <= 1
    assert value["kind"] in ("a", "b")
    assert "@" in value["mail"]
    assert value["parts"] == [True, True, True]
    assert len(value["short"]) <= 4
