"""mistral-common's validator and tokenizers take our rows in fine-tuning mode."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from mistral_common.protocol.instruct.messages import (
    FinetuningAssistantMessage,
    SystemMessage,
    ToolMessage,
    UserMessage,
)
from mistral_common.protocol.instruct.request import ChatCompletionRequest
from mistral_common.protocol.instruct.tool_calls import Tool
from mistral_common.protocol.instruct.validator import MistralRequestValidatorV3, ValidationMode
from mistral_common.tokens.tokenizers.base import SpecialTokenPolicy
from mistral_common.tokens.tokenizers.mistral import MistralTokenizer

from agentalign_lc.dataset import Conversation
from agentalign_lc.dataset.export.mistral import mistral_rows
from tests.dataset.export.conversations import SHAPES, TOOLS, calls_of, conversations, says

KINDS = {
    "system": SystemMessage,
    "user": UserMessage,
    "assistant": FinetuningAssistantMessage,
    "tool": ToolMessage,
}


@pytest.fixture(scope="session")
def mistral() -> MistralTokenizer:
    """Version 3, with which mistral-finetune trains tool calls; it ships with mistral-common."""
    made = MistralTokenizer.v3(is_tekken=True)
    made._chat_completion_request_validator = MistralRequestValidatorV3(ValidationMode.finetuning)
    return made


def validated(row: dict[str, Any]) -> ChatCompletionRequest[Any]:
    """The row as mistral-finetune parses it, which the validator has let through."""
    for message in row["messages"]:
        for call in message.get("tool_calls", ()):
            assert isinstance(call["function"]["arguments"], str)
    for tool in row.get("tools", ()):
        assert {"name", "description", "parameters"} <= set(tool["function"])
    messages = [KINDS[message["role"]].model_validate(message) for message in row["messages"]]
    request = ChatCompletionRequest[Any].model_construct(messages=messages, tools=None)
    request.tools = [Tool.model_validate(tool) for tool in row.get("tools", ())] or None
    validator = MistralRequestValidatorV3(ValidationMode.finetuning)
    return validator.validate_request(request)


def calls_in(messages: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    made = [call["function"] for m in messages for call in m.get("tool_calls", ())]
    return [(function["name"], json.loads(function["arguments"])) for function in made]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_validates_and_is_encoded(mistral, rows_of, shape: str) -> None:
    conversation = SHAPES[shape]
    rows = rows_of([conversation], "mistral")

    assistants = [turn for turn in conversation.messages if turn["role"] == "assistant"]
    assert len(rows) == (len(assistants) if conversation.tools else 1)
    for row in rows:
        validated(row)
        tokens = mistral.encode_chat_completion(validated(row)).tokens
        text = mistral.decode(tokens, special_token_policy=SpecialTokenPolicy.KEEP)
        assert all(says(text, arguments) for _, arguments in calls_in(row["messages"][-1:]))
        assert row["messages"][-1].get("content", "") in text
    assert calls_in(rows[-1]["messages"]) == calls_of(conversation.messages)


def test_each_assistant_turn_is_the_last_of_one_row(rows_of, kept: list[Conversation]) -> None:
    rows = rows_of(kept, "mistral")

    for row in rows:
        validated(row)
    last = [row["messages"][-1] for row in rows]
    turns = [t for c in kept for t in c.messages if t["role"] == "assistant"]
    assert len(last) == len(turns)
    for message, turn in zip(last, turns, strict=True):
        assert calls_in([message]) == calls_of([turn])
        assert message.get("content", "") == turn["content"]


@settings(max_examples=80, deadline=None)
@given(conversations())
def test_any_conversation_survives(conversation: Conversation) -> None:
    rows = [json.loads(json.dumps(row)) for row in mistral_rows(conversation)]

    for row in rows:
        request = validated(row)
        made = [
            c.id for m in request.messages if hasattr(m, "tool_calls") for c in m.tool_calls or ()
        ]
        answered = [m.tool_call_id for m in request.messages if isinstance(m, ToolMessage)]
        assert all(re.fullmatch("[a-zA-Z0-9]{9}", id) for id in made)
        assert len(set(made)) == len(made)
        assert answered == made[: len(answered)]
    (whole,) = rows[-1:]
    assert calls_in(whole["messages"]) == calls_of(conversation.messages)
    for message, turn in zip(whole["messages"], conversation.messages, strict=True):
        if not turn.get("calls"):
            assert message["content"] == turn["content"]


def test_a_row_is_one_of_mistrals_own_fine_tuning_messages(rows_of) -> None:
    (first, *_) = rows_of([SHAPES["parallel calls"]], "mistral")

    message = FinetuningAssistantMessage.model_validate(first["messages"][-1])
    assert [call.function.name for call in message.tool_calls or ()] == ["look", "pay"]
    assert first["tools"] == TOOLS
