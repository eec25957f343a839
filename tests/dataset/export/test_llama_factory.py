"""LLaMA-Factory's own converter and templates take our rows: nothing is dropped, calls come back equal."""

import json
import sys
import warnings
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings

from agentalign_lc.dataset import Conversation
from agentalign_lc.dataset.export.sharegpt import dataset_info, sharegpt_rows
from agentalign_lc.dataset.export.sharegpt_dpo import sharegpt_dpo_rows
from agentalign_lc.dataset.export.trl import trl_messages
from tests.dataset.export.conversations import (
    LOOK,
    LOOKED,
    PAIRS,
    PARALLEL,
    SHAPES,
    call,
    calls_of,
    conversation,
    conversations,
    result,
    say,
    says,
    user,
)

pytest.importorskip("peft")


def _factory() -> SimpleNamespace:
    # It loads a library for sound on import, which no text needs.
    sound = ModuleType("torchaudio")
    sound.__spec__ = ModuleSpec("torchaudio", None)
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setitem(sys.modules, "torchaudio", sound)
        pytest.importorskip("llamafactory")
        from llamafactory.data import converter, parser, template  # noqa: PLC0415 - as it loads

    return SimpleNamespace(converter=converter, parser=parser, templates=template.TEMPLATES)


FACTORY = _factory()


def aligned(row: dict[str, Any], *, ranking: bool = False) -> dict[str, Any]:
    """What the trainer makes of a row, told what our ``dataset_info.json`` tells it."""
    told = json.loads(dataset_info(["train"], ".jsonl", ranking=ranking))["agentalign_train"]
    about = FACTORY.parser.DatasetAttr("file", dataset_name=told["file_name"])
    about.join(told)
    convert = FACTORY.converter.get_dataset_converter(
        about.formatting, about, SimpleNamespace(media_dir="")
    )
    made = convert(row)
    assert made["_prompt"], "the converter drops what it takes for broken"
    return made


def parsed(turns: list[dict[str, str]]) -> list[tuple[str, dict[str, Any]]]:
    """The calls as a template that looks for thoughts and marks in them writes them."""
    formatter = FACTORY.templates["qwen"].format_function
    words = {
        "thought_words": ("<think>", "</think>"),
        "tool_call_words": ("<tool_call>", "</tool_call>"),
    }
    written = [
        formatter.apply(content=turn["content"], **words)[0]
        for turn in turns
        if turn["role"] == "function"
    ]
    # Qwen's own end of a call, which JSON cannot hold: a line of its own.
    lines = [line for text in written for line in text.split("\n") if line.startswith("{")]
    made = [json.loads(line) for line in lines]
    return [(call["name"], call["arguments"]) for call in made]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_converter_reads_every_shape(load, shape: str) -> None:
    given_row = SHAPES[shape]
    (row,) = load([given_row], "sharegpt")

    made = aligned(row)

    assert parsed(made["_prompt"] + made["_response"]) == calls_of(given_row.messages)
    assert made["_response"] == [
        {"role": "assistant", "content": given_row.messages[-1]["content"]}
    ]
    assert made["_system"] == ("" if shape == "no tools" else "You assist Ana.")
    assert len(json.loads(made["_tools"] or "[]")) == len(given_row.tools)


@pytest.mark.parametrize("name", sorted(FACTORY.templates))
def test_every_template_trains_the_calls(tokenizer, name: str) -> None:
    template = FACTORY.templates[name]
    one_call_only = "GLM4ToolUtils" in str(getattr(template.format_tools, "tool_utils", ""))
    for shape in SHAPES.values():
        if shape is PARALLEL and one_call_only:
            continue
        (row,) = sharegpt_rows(shape)
        made = aligned(row)

        pairs = template.encode_multiturn(
            tokenizer, made["_prompt"] + made["_response"], made["_system"], made["_tools"]
        )

        trained = "\n".join(tokenizer.decode(response) for _, response in pairs)
        assert all(says(trained, arguments) for _, arguments in calls_of(shape.messages))
        assert shape.messages[-1]["content"] in trained


def test_the_rows_of_a_run(kept: list[Conversation], tokenizer) -> None:
    template = FACTORY.templates["default"]
    for conversation_ in kept:
        (row,) = sharegpt_rows(conversation_)
        made = aligned(row)
        turns = made["_prompt"] + made["_response"]
        assert parsed(turns) == calls_of(conversation_.messages)
        template.encode_multiturn(tokenizer, turns, made["_system"], made["_tools"])


def test_results_are_joined_as_its_own_converter_does() -> None:
    about = FACTORY.parser.DatasetAttr("file", dataset_name="x", formatting="openai", messages="messages",
                                       role_tag="role", content_tag="content", user_tag="user", assistant_tag="assistant",
                                       observation_tag="tool", function_tag="function", system_tag="system")  # fmt: skip
    convert = FACTORY.converter.get_dataset_converter(
        "openai", about, SimpleNamespace(media_dir="")
    )

    theirs = convert({"messages": trl_messages(PARALLEL.messages)})
    ours = aligned(next(sharegpt_rows(PARALLEL)))

    assert ours["_prompt"][2] == theirs["_prompt"][2]
    assert "second" in ours["_prompt"][2]["content"]


@pytest.mark.parametrize("wrong", PAIRS)
def test_pairs(load, tokenizer, wrong: str) -> None:
    (row,) = load([PAIRS[wrong]], "sharegpt-dpo")

    made = aligned(row, ranking=True)

    assert len(made["_prompt"]) % 2 == 1
    chosen, rejected = made["_response"]
    assert chosen != rejected
    for response in (chosen, rejected):
        turns = [*made["_prompt"], response]
        FACTORY.templates["qwen"].encode_oneturn(tokenizer, turns, made["_system"], made["_tools"])


@settings(max_examples=80, deadline=None)
@given(conversations())
def test_any_conversation_survives(conversation: Conversation) -> None:
    (row,) = sharegpt_rows(conversation)

    made = aligned(json.loads(json.dumps(row)))

    turns = made["_prompt"] + made["_response"]
    assert parsed(turns) == calls_of(conversation.messages)
    said = "\n".join(turn["content"] for turn in turns) + made["_system"]
    assert all(turn["content"] in said for turn in conversation.messages if not turn.get("calls"))


def test_what_cannot_alternate_gives_no_row() -> None:
    interrupted = conversation(user("Look."), LOOK, LOOKED, user("Stop."), say("Stopped."))
    unfinished = conversation(user("Look."), say("Yes?"), user("Now."))
    begun = conversation(say("Hello."), user("Look."), say("Yes."))

    for odd in (interrupted, unfinished, begun):
        assert list(sharegpt_rows(odd)) == []


def test_what_comes_from_one_side_in_a_row_is_joined() -> None:
    turns = (user("Look."), user("Now."), say("I do."), call(("1", "look", {"place": "x"})),
             result("1", "look", "{}"), say("Here"), say("you are."))  # fmt: skip
    (row,) = sharegpt_rows(conversation(*turns))

    assert [turn["from"] for turn in row["conversations"]] == ["human", "function_call", "observation", "gpt"]  # fmt: skip
    assert row["conversations"][0]["value"] == "Look.\n\nNow."
    assert row["conversations"][1]["value"].startswith('{"name": "look"')
    assert aligned(row)["_response"][0]["content"] == "Here\n\nyou are."


def test_no_pair_without_a_rejected_response() -> None:
    assert list(sharegpt_dpo_rows(PARALLEL)) == []
