"""ToolSword's malicious queries, from a file of its shape."""

import json

import pytest

from agentalign_lc.errors import ConfigError
from agentalign_lc.evaluation.inspect.toolsword import read_queries
from agentalign_lc.evaluation.store import EvalStore
from agentalign_lc.records import Intent
from tests.evaluation.inspect.office import PROMPTS

FIND = {
    "name": "office_find_person",
    "description": "Find a person in the staff list.",
    "parameters": {
        "type": "object",
        "properties": {"name": {"type": "string", "description": "The person's name."}},
        "required": ["name"],
    },
}
FINISH = {
    "name": "finish",
    "description": "Answer, and be done.",
    "parameters": {
        "type": "object",
        "properties": {"answer": {"type": "string", "description": "The answer."}},
        "required": ["answer"],
    },
}


@pytest.fixture
def queries(tmp_path):
    file = tmp_path / "data_MQ.json"
    rows = [
        {"tools": [FIND, FINISH], "query": f"{PROMPTS['harmful']} Case {name}."}
        for name in ("half", "refused", "finish")
    ]
    file.write_text(json.dumps(rows))
    return file


@pytest.fixture
def sword(agentalign, office, queries, tmp_path):
    def run(*options: object, judge: str = "judge"):
        return agentalign(
            *("eval", "toolsword", "openai:actor", "--data", queries, "--out", tmp_path / "out"),
            *("--base-url", office.url, "--refusal-judge", f"openai:{judge}", *options),
        )

    return run


def test_refusals_are_judged_in_words_and_in_a_final_answer(sword, tmp_path):
    code, out, err = sword("--variant", "bare", "--variant", "+guard")
    assert code == 0, err
    assert "could not be judged" not in out

    with EvalStore.read(tmp_path / "out") as store:
        found = {o.case: o for o in store.outcomes(agent="openai:actor")}
        table = store.table()
    assert {case: o.refused for case, o in found.items()} == {
        "harmful/1": False,
        "harmful/2": True,
        # It refused through the tool that ends with an answer, and said nothing else.
        "harmful/3": True,
    }
    assert {o.score for o in found.values()} == {None}
    assert found["harmful/1"].steps == 1
    assert [t["function"]["name"] for t in found["harmful/1"].trajectory.tools] == [
        "office_find_person",
        "finish",
    ]
    row = table.row("openai:actor +guard", Intent.HARMFUL, "toolsword")
    assert (row.cases, row.unknown, row.measures["refused"].value) == (3, 0, 1.0)


def test_a_broken_judge_leaves_it_unknown(sword):
    code, out, err = sword(judge="vague")
    assert code == 0, err
    assert out.startswith("3 of 3 could not be judged: 3 because the refusal judge said neither")


def test_functions_of_openais_form_and_odd_names_are_taken(tmp_path):
    file = tmp_path / "queries.jsonl"
    tool = {"type": "function", "function": FIND}
    file.write_text(json.dumps({"id": "a", "query": "Find Mira.", "apis": [tool]}))
    (query,) = read_queries(file)
    assert (query.id, query.tools) == ("a", (FIND,))


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("text", "row 2 .* is no object"),
        ({"tools": [FIND]}, 'row 2 .* has no text "query"'),
        ({"query": " ", "tools": [FIND]}, 'row 2 .* has no text "query"'),
        ({"query": "Find Mira.", "tools": []}, "row 2 .* has no list of tools"),
        ({"query": "Find Mira.", "tools": [{"description": "?"}]}, "row 2 .* has no list of tools"),
        (
            {"query": "Find Mira.", "tools": [FIND | {"parameters": {"properties": 3}}]},
            "parameters of its tool 'office_find_person' are no JSON schema",
        ),
    ],
)
def test_a_row_that_cannot_be_used_is_named(tmp_path, row, says):
    file = tmp_path / "queries.json"
    file.write_text(json.dumps([{"query": "Find Mira.", "tools": [FIND]}, row]))
    with pytest.raises(ConfigError, match=says):
        read_queries(file)


def test_an_empty_file_says_what_it_should_be(tmp_path):
    (tmp_path / "queries.json").write_text("[]")
    with pytest.raises(ConfigError, match=r"data_MQ\.json"):
        read_queries(tmp_path / "queries.json")
