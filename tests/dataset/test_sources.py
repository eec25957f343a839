"""Third-party rows are read as their makers meant them, or named with what is wrong."""

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentalign_lc.dataset.conversation import Conversation
from agentalign_lc.dataset.mixing.sources import RowError, Source, parse_source, read_row
from agentalign_lc.rows import Row
from tests.dataset.third_party import as_openai, as_sharegpt, conversations, weather

SOURCE = Source(Path("data/theirs.jsonl"), "theirs")


def read(value: Any, source: Source = SOURCE) -> Conversation:
    return read_row(Row(1, value), source)


def same(read: Conversation, given: Conversation) -> bool:
    return read == replace(given, id=read.id, about=read.about)


@given(conversations())
def test_sharegpt_comes_back(conversation: Conversation) -> None:
    assert same(read(as_sharegpt(conversation)), conversation)


@given(conversations(), st.booleans(), st.booleans())
def test_openai_comes_back(conversation: Conversation, ids: bool, strings: bool) -> None:
    row = as_openai(conversation, ids=ids, strings=strings)

    assert same(read(row), conversation)
    assert same(read({**row, "tools": json.dumps(row["tools"])}), conversation)


@given(conversations())
def test_both_formats_say_the_same(conversation: Conversation) -> None:
    assert read(as_sharegpt(conversation)) == read(as_openai(conversation))


def test_provenance() -> None:
    row = {**weather("Oslo"), "license": "apache-2.0"}

    found = read_row(Row(7, row), replace(SOURCE, licence="unknown"))

    assert (found.source, found.split, found.intent) == ("theirs", "train", "")
    assert found.about == {"file": "theirs.jsonl", "line": 7, "licence": "apache-2.0"}
    assert found.id == read(row).id != read(weather("Rome")).id
    assert found.id.startswith("third-")


def calls_of(conversation: Conversation) -> list[tuple[str, dict[str, Any]]]:
    return [
        (call["name"], call["arguments"])
        for turn in conversation.messages
        for call in turn.get("calls", ())
    ]


ASK = {"from": "human", "value": "Look up 1 and 2."}
TOOLS = [{"name": "look_up", "parameters": {"type": "object"}}]
ONE, TWO = ({"name": "look_up", "arguments": {"n": n}} for n in (1, 2))


@pytest.mark.parametrize(
    "turns",
    [
        pytest.param(
            [
                {"from": "function_call", "value": json.dumps([ONE, TWO])},
                {"from": "observation", "value": '["a", {"b": 1}]'},
            ],
            id="a list, answered by a list",
        ),
        pytest.param(
            [
                {"from": "function_call", "value": [ONE, TWO]},
                {"from": "observation", "value": 'a\n</tool_response>\n<tool_response>\n{"b":1}'},
            ],
            id="a list, answered as LLaMA-Factory joins",
        ),
        pytest.param(
            [
                {"from": "tool_call", "value": json.dumps(ONE)},
                {"from": "tool_call", "value": json.dumps(TWO)},
                {"from": "tool_response", "value": "a"},
                {"from": "tool_response", "value": {"b": 1}},
            ],
            id="a turn for each",
        ),
        pytest.param(
            [
                {
                    "from": "gpt",
                    "value": f"<tool_call>\n{json.dumps(ONE)}\n</tool_call>\n<tool_call>{json.dumps(TWO)}</tool_call>",
                },
                {
                    "from": "tool",
                    "value": '<tool_response>\na\n</tool_response>\n<tool_response>\n{"b":1}\n</tool_response>',
                },
            ],
            id="Hermes",
        ),
    ],
)
def test_parallel_calls_of_sharegpt(turns: list[dict[str, Any]]) -> None:
    row = {"conversations": [ASK, *turns, {"from": "gpt", "value": "Done."}], "tools": TOOLS}

    found = read(row)

    assert [turn["role"] for turn in found.messages] == ["user", "assistant", "tool", "tool", "assistant"]  # fmt: skip
    assert calls_of(found) == [("look_up", {"n": 1}), ("look_up", {"n": 2})]
    assert [turn["content"] for turn in found.messages[2:4]] == ["a", '{"b":1}']
    assert [turn["call_id"] for turn in found.messages[2:4]] == ["call_0", "call_1"]


def test_an_answer_that_is_a_list_stays_one_where_every_call_has_its_own() -> None:
    turns = [
        {"from": "function_call", "value": [ONE, TWO]},
        {"from": "observation", "value": "[1, 2]"},
        {"from": "observation", "value": "[3, 4]"},
    ]
    found = read(
        {"conversations": [ASK, *turns, {"from": "gpt", "value": "Done."}], "tools": TOOLS}
    )

    assert [turn["content"] for turn in found.messages[2:4]] == ["[1, 2]", "[3, 4]"]


def test_words_beside_a_call() -> None:
    call = f"Wait a moment.<tool_call>{json.dumps(ONE)}</tool_call>"
    turns = [{"from": "function_call", "value": call}, {"from": "observation", "value": "a"}]

    found = read(
        {"conversations": [ASK, *turns, {"from": "gpt", "value": "Done."}], "tools": TOOLS}
    )

    assert found.messages[1]["content"] == "Wait a moment."
    assert calls_of(found) == [("look_up", {"n": 1})]


def test_old_functions_and_parts_of_openai() -> None:
    row = {
        "messages": [
            {"role": "developer", "content": "Be short."},
            {"role": "user", "content": [{"type": "text", "text": "Look "}, {"type": "text", "text": "up."}]},
            {"role": "assistant", "content": None, "function_call": {"name": "look_up", "arguments": ""}},
            {"role": "function", "name": "look_up", "content": "none"},
            {"role": "assistant", "content": "There is none."},
        ],
        "functions": TOOLS,
    }  # fmt: skip

    found = read(row)

    assert [turn["content"] for turn in found.messages] == ["Be short.", "Look up.", "", "none", "There is none."]  # fmt: skip
    assert calls_of(found) == [("look_up", {})]
    assert found.tools == [{"type": "function", "function": TOOLS[0]}]


def test_answers_are_told_apart_by_their_ids_and_ids_are_told_apart() -> None:
    calls = [{"id": name, "function": {"name": "look_up", "arguments": {"n": name}}} for name in "ab"]  # fmt: skip
    answers = [{"role": "tool", "tool_call_id": name, "content": name} for name in "ba"]
    turn = [{"role": "user", "content": "Both."}, {"role": "assistant", "tool_calls": calls}, *answers, {"role": "assistant", "content": "Done."}]  # fmt: skip

    once = read({"messages": turn, "tools": TOOLS})
    twice = read({"messages": turn * 2, "tools": TOOLS})

    assert [turn["call_id"] for turn in once.messages[2:4]] == ["b", "a"]
    ids = [call["id"] for turn in twice.messages for call in turn.get("calls", ())]
    assert ids == ["call_0", "call_1", "call_2", "call_3"]
    assert [t["call_id"] for t in twice.messages if t["role"] == "tool"] == ["call_1", "call_0", "call_3", "call_2"]  # fmt: skip


USER = {"role": "user", "content": "Hi."}
BYE = {"role": "assistant", "content": "Bye."}
CALL = {"role": "assistant", "tool_calls": [{"id": "c", "function": ONE}]}
ANSWER = {"role": "tool", "tool_call_id": "c", "content": "a"}


def openai(*messages: object, tools: object = TOOLS) -> dict[str, Any]:
    return {"messages": list(messages), "tools": tools}


def sharegpt(*turns: object) -> dict[str, Any]:
    return {"conversations": [ASK, *turns], "tools": TOOLS}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ([], "no object"),
        ({}, "neither `messages` nor `conversations`"),
        ({"messages": []}, "neither `messages` nor `conversations`"),
        ({"messages": "Hi."}, "neither `messages` nor `conversations`"),
        (openai(USER, 7), r"a message without a role \(turn 2\)"),
        (openai({"role": "user"}, BYE), r"a message without content \(turn 1, user\)"),
        (openai({"role": "narrator", "content": "x"}), r"an unknown role \(turn 1, 'narrator'\)"),
        (openai(USER), "no assistant turn at the end"),
        (openai(BYE), r"turns that do not alternate \(turn 1, assistant\)"),
        (openai(USER, USER, BYE), r"turns that do not alternate \(turn 2, user\)"),
        (openai(USER, BYE, BYE), r"turns that do not alternate \(turn 3, assistant\)"),
        (openai(USER, {"role": "system", "content": "x"}, BYE), r"turns that do not alternate \(turn 2, system\)"),
        (openai(USER, CALL), r"a call without an answer \('look_up'\)"),
        (openai(USER, CALL, USER, BYE), "a call without an answer"),
        (openai(USER, ANSWER, BYE), r"an answer without a call \(turn 2\)"),
        (openai(USER, CALL, {**ANSWER, "tool_call_id": "d"}, BYE), "an answer without a call"),
        (openai(USER, CALL, ANSWER), "no assistant turn at the end"),
        (openai(USER, CALL, ANSWER, BYE, tools=None), r"a call to a tool that is not in `tools` \('look_up'\)"),
        (openai(USER, BYE, tools="{"), "`tools` is no list of function schemas"),
        (openai(USER, BYE, tools=[{"type": "function"}]), "`tools` is no list of function schemas"),
        (openai(USER, BYE, tools={"name": "x"}), "`tools` is no list of function schemas"),
        (openai(USER, {"role": "assistant", "content": " "}), r"a turn that says nothing \(turn 2, assistant\)"),
        (openai({"role": "user", "content": [{"type": "image_url"}]}, BYE), "content that is no text"),
        (openai(USER, {"role": "assistant", "tool_calls": {}, "function_call": {"arguments": {}}}), "a call without a name"),
        (openai(USER, {"role": "assistant", "tool_calls": [{"function": {"name": "look_up", "arguments": "{"}}]}), "arguments that are no JSON"),
        (openai(USER, {"role": "assistant", "tool_calls": [{"function": {"name": "look_up", "arguments": "[1]"}}]}), "arguments that are no JSON object"),
        (openai({"role": "user", "content": "\ud800"}, BYE), "half a surrogate pair"),
        (sharegpt({"from": "gpt"}), r"a turn without `from` and `value` \(turn 2\)"),
        (sharegpt({"from": "pilot", "value": "x"}), r"an unknown role \(turn 2, 'pilot'\)"),
        (sharegpt({"from": "function_call", "value": "look_up(1)"}), "a call that is no JSON"),
        (sharegpt({"from": "function_call", "value": "[]"}, {"from": "gpt", "value": "x"}), "a list of calls with none in it"),
        (sharegpt({"from": "gpt", "value": "<tool_call>{}"}), "a <tool_call> without its end"),
        (sharegpt({"from": "function_call", "value": [ONE, TWO]}, {"from": "observation", "value": "a"}, {"from": "gpt", "value": "x"}), "a call without an answer"),
    ],
)  # fmt: skip
def test_what_cannot_be_trained_on_says_why(row: Any, reason: str) -> None:
    with pytest.raises(RowError, match=f"^{reason}"):
        read(row)


def test_what_a_row_calls_itself_reaches_no_terminal() -> None:
    call = {"role": "assistant", "tool_calls": [{"function": {"name": "\x1b[31m" + "x" * 500}}]}

    with pytest.raises(RowError) as caught:
        read(openai(USER, call, {"role": "tool", "content": "a"}, BYE))

    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


def test_nesting_as_deep_as_the_parser_allows() -> None:
    deep: Any = 1
    for _ in range(5000):
        deep = {"a": deep}
    call = {"role": "assistant", "tool_calls": [{"function": {"name": "look_up", "arguments": deep}}]}  # fmt: skip

    with pytest.raises(RowError, match="nested too deeply"):
        read(openai(USER, call, {"role": "tool", "content": "a"}, BYE))


_keys = st.sampled_from(["messages", "conversations", "role", "from", "value", "content", "tools", "tool_calls", "function", "name", "arguments", "system", "id"])  # fmt: skip
_leaves = st.none() | st.integers() | st.sampled_from(["user", "gpt", "human", "assistant", "tool", "function_call", "{}", "[]", "look_up", "\ud800", '{"name": 1}'])  # fmt: skip
_anything = st.recursive(
    _leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_keys, inner), max_leaves=20
)  # fmt: skip


@given(_anything, st.sampled_from([None, "openai", "sharegpt"]))
def test_no_row_stops_it(value: Any, name: str | None) -> None:
    with suppress(RowError):
        read(value, replace(SOURCE, format=name))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a/b.jsonl.gz", Source(Path("a/b.jsonl.gz"), "b")),
        ("glaive=b.json", Source(Path("b.json"), "glaive")),
        ("openai:b.json", Source(Path("b.json"), "b", "openai")),
        ("x=sharegpt:b.json", Source(Path("b.json"), "x", "sharegpt")),
        ("other:b.json", Source(Path("other:b.json"), "other:b")),
        ("a/b=c.json", Source(Path("a/b=c.json"), "b=c")),
    ],
)
def test_how_a_source_is_written(text: str, expected: Source) -> None:
    assert parse_source(text) == expected


def test_a_file_with_an_equals_sign_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("a=b.jsonl").write_text("")

    assert parse_source("a=b.jsonl").file == Path("a=b.jsonl")
