"""TRL's own chat templates render our rows: arguments come back equal, and calls are trained."""

import json
from pathlib import Path
from typing import Any

import pytest
import trl
from hypothesis import given, settings
from trl.chat_template_utils import has_generation_markers, supports_tool_calling
from trl.data_utils import is_conversational, maybe_apply_chat_template, maybe_extract_prompt

from agentalign_lc.dataset import Conversation
from agentalign_lc.dataset.export.schemas import portable_tools
from agentalign_lc.dataset.export.trl import trl_rows
from tests.dataset.export.byte_tokenizer import byte_tokenizer
from tests.dataset.export.conversations import (
    PAIRS,
    SHAPES,
    calls_of,
    conversations,
    says,
)


def _calls_tools(file: Path) -> bool:
    tokenizer = byte_tokenizer()
    tokenizer.chat_template = file.read_text(encoding="utf-8")
    return bool(supports_tool_calling(tokenizer))


# Every template of which TRL says that it has tool calls. deepseekv3 wants strings;
# for training TRL puts its twin in its place, which takes objects.
TEMPLATES = [
    file
    for file in sorted((Path(trl.__file__).parent / "chat_templates").glob("*.jinja"))
    if file.name != "deepseekv3.jinja" and _calls_tools(file)
]
# What these templates cannot say, whatever a row looks like.
ONE_CALL_ONLY = ("gptoss", "llama3_1", "llama3_2")
NO_TEXT_BESIDE = ("gptoss", "llama3_1", "llama3_2", "muse_glimmer")


@pytest.fixture(scope="module")
def shapes(load) -> dict[str, dict[str, Any]]:
    """Each shape as a loaded row."""
    return dict(zip(SHAPES, load(SHAPES.values(), "trl"), strict=True))


@pytest.fixture(scope="module")
def pairs(load) -> dict[str, dict[str, Any]]:
    return dict(zip(PAIRS, load(PAIRS.values(), "trl-dpo"), strict=True))


@pytest.fixture(scope="module")
def kept_rows(load, kept: list[Conversation]) -> list[dict[str, Any]]:
    return load(kept, "trl")


@pytest.fixture(params=TEMPLATES, ids=lambda file: file.stem)
def template(request, tokenizer, monkeypatch) -> str:
    monkeypatch.setattr(tokenizer, "chat_template", request.param.read_text(encoding="utf-8"))
    return request.param.stem


def rendered(tokenizer, row: dict[str, Any]) -> str:
    """What is trained of a row; all of it, where a template does not mark what is."""
    marked = has_generation_markers(tokenizer.chat_template)
    made = tokenizer.apply_chat_template(
        row["messages"],
        tools=json.loads(row["tools"]),
        return_dict=True,
        return_assistant_tokens_mask=marked,
    )
    mask = made["assistant_masks"] if marked else [1] * len(made["input_ids"])
    return tokenizer.decode([i for i, on in zip(made["input_ids"], mask, strict=True) if on])


def test_the_templates_are_many() -> None:
    marked = [file for file in TEMPLATES if has_generation_markers(file.read_text("utf-8"))]

    assert len(TEMPLATES) >= 40
    assert len(marked) >= 20


@pytest.mark.parametrize("shape", SHAPES)
def test_calls_and_answers_are_inside_the_loss_mask(
    template: str, tokenizer, shapes, shape: str
) -> None:
    if shape == "parallel calls" and template.startswith(ONE_CALL_ONLY):
        pytest.skip("the template has one call at a time")
    conversation = SHAPES[shape]
    text = rendered(tokenizer, shapes[shape])

    assert all(says(text, arguments) for _, arguments in calls_of(conversation.messages))
    for turn in conversation.messages:
        beside = turn.get("calls") and template.startswith(NO_TEXT_BESIDE)
        if turn["role"] == "assistant" and not beside:
            assert turn["content"] in text
        if turn["role"] in ("system", "user", "tool") and has_generation_markers(
            tokenizer.chat_template
        ):
            assert turn["content"] not in text, "only what the assistant says is trained"


def test_the_rows_of_a_run_render_under_every_template(
    template: str, tokenizer, kept_rows, kept: list[Conversation]
) -> None:
    for conversation, row in zip(kept, kept_rows, strict=True):
        text = rendered(tokenizer, row)
        assert all(says(text, arguments) for _, arguments in calls_of(conversation.messages))


def test_datasets_gives_back_what_went_in(load, kept: list[Conversation]) -> None:
    given_back = load([*kept, *SHAPES.values()], "trl")

    for conversation, row in zip([*kept, *SHAPES.values()], given_back, strict=True):
        calls = [call for m in row["messages"] for call in m.get("tool_calls") or []]
        found = [(call["function"]["name"], call["function"]["arguments"]) for call in calls]
        assert found == calls_of(conversation.messages)
        assert json.loads(row["tools"]) == portable_tools(conversation.tools)
        assert [m["content"] for m in row["messages"]] == [
            turn["content"] for turn in conversation.messages
        ]
        assert row["split"] == "train"
        assert "canary" in row["canary"]


@settings(max_examples=60, deadline=None)
@given(conversations())
def test_any_conversation_survives(tokenizer, conversation: Conversation) -> None:
    template = next(file for file in TEMPLATES if file.stem == "qwen2_5_training")
    tokenizer.chat_template = template.read_text(encoding="utf-8")
    (row,) = trl_rows(conversation)

    row = json.loads(json.dumps(row))

    assert [m["content"] for m in row["messages"]] == [t["content"] for t in conversation.messages]
    text = rendered(tokenizer, row)
    for name, arguments in calls_of(conversation.messages):
        made = f'{{"name": "{name}", "arguments": {json.dumps(arguments, ensure_ascii=False)}}}'
        assert made in text


@pytest.mark.parametrize("wrong", PAIRS)
def test_a_pair_goes_through_dpos_own_preparation(
    template: str, tokenizer, pairs, wrong: str
) -> None:
    conversation = PAIRS[wrong]
    row = pairs[wrong]

    assert is_conversational(row)
    assert maybe_extract_prompt(row) == row, "the prompt is explicit"
    made = maybe_apply_chat_template(row, tokenizer, tools=json.loads(row["tools"]))

    for part in ("chosen", "rejected"):
        (message,) = row[part]
        assert message["content"] in made[part]
        calls = message.get("tool_calls") or []
        assert all(says(made[part], call["function"]["arguments"]) for call in calls)
    assert made["chosen"] != made["rejected"]
    assert made["prompt"].count(conversation.messages[1]["content"]) == 1


def test_without_a_rejected_response_there_is_no_pair(rows_of) -> None:
    rows = rows_of([*SHAPES.values(), *PAIRS.values()], "trl-dpo")

    assert len(rows) == len([c for c in (*SHAPES.values(), *PAIRS.values()) if c.rejected])
