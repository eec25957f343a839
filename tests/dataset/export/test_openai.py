"""OpenAI's own types, and the rules of its fine-tuning that they do not say."""

import json
from typing import Any, Self

import pytest
from hypothesis import given, settings
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from agentalign_lc.dataset import Conversation
from agentalign_lc.dataset.export.openai import openai_rows
from agentalign_lc.dataset.export.openai_dpo import openai_dpo_rows
from tests.dataset.export.conversations import (
    CARRIED_OUT,
    PAIRS,
    PARALLEL,
    SHAPES,
    calls_of,
    conversations,
)

MESSAGES = TypeAdapter(list[ChatCompletionMessageParam])
TOOLS = TypeAdapter(list[ChatCompletionToolParam])
FIELDS = {
    "system": {"role", "content"},
    "user": {"role", "content"},
    "assistant": {"role", "content", "tool_calls"},
    "tool": {"role", "content", "tool_call_id"},
}


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Input(Strict):
    """Messages and tools, without fields that the API does not know."""

    messages: list[dict[str, Any]] = Field(min_length=1)
    tools: list[dict[str, Any]] | None = None
    parallel_tool_calls: bool | None = None

    @model_validator(mode="after")
    def _accepted(self) -> Self:
        check(self.messages)
        TOOLS.validate_python(self.tools or [], strict=True)
        assert (self.tools is None) == (self.parallel_tool_calls is None)
        offered = {tool["function"]["name"] for tool in self.tools or ()}
        several = False
        for message in self.messages:
            assert len(message.get("tool_calls", ())) <= 1 or self.parallel_tool_calls
            several = several or len(message.get("tool_calls", ())) > 1
        assert offered or self.tools is None
        return self


class Row(Input):
    @model_validator(mode="after")
    def _ends(self) -> Self:
        assert self.messages[-1]["role"] == "assistant"
        assert self.messages[-1].get("content")
        return self


class Pair(Strict):
    input: Input
    preferred_output: list[dict[str, Any]] = Field(min_length=1, max_length=1)
    non_preferred_output: list[dict[str, Any]] = Field(min_length=1, max_length=1)

    @model_validator(mode="after")
    def _differ(self) -> Self:
        assert self.input.messages[-1]["role"] in ("user", "tool")
        assert self.preferred_output != self.non_preferred_output
        for (message,) in (self.preferred_output, self.non_preferred_output):
            MESSAGES.validate_python([message], strict=True)
            assert message["role"] == "assistant"
        return self


def check(messages: list[dict[str, Any]]) -> None:
    """Nothing unknown, string arguments, and every call answered before anybody speaks."""
    MESSAGES.validate_python(messages, strict=True)
    waiting: set[str] = set()
    for message in messages:
        assert set(message) <= FIELDS[message["role"]]
        if message["role"] == "tool":
            waiting.remove(message["tool_call_id"])
            continue
        assert not waiting
        assert message.get("content") or message.get("tool_calls")
        for call in message.get("tool_calls", ()):
            assert isinstance(json.loads(call["function"]["arguments"]), dict)
            assert call["id"] not in waiting
            waiting.add(call["id"])


def calls_in(messages: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    made = [call["function"] for m in messages for call in m.get("tool_calls", ())]
    return [(function["name"], json.loads(function["arguments"])) for function in made]


def test_every_shape_and_the_rows_of_a_run(rows_of, kept: list[Conversation]) -> None:
    given_ones = [*SHAPES.values(), *kept]
    for conversation, row in zip(given_ones, rows_of(given_ones, "openai"), strict=True):
        Row.model_validate(row)
        assert calls_in(row["messages"]) == calls_of(conversation.messages)
        assert row.get("tools", []) == conversation.tools


def test_parallel_calls_are_allowed_where_there_are_some(rows_of) -> None:
    parallel, single = rows_of([PARALLEL, CARRIED_OUT], "openai")

    assert parallel["parallel_tool_calls"] is True
    assert single["parallel_tool_calls"] is False


@settings(max_examples=80, deadline=None)
@given(conversations())
def test_any_conversation_survives(conversation: Conversation) -> None:
    (row,) = openai_rows(conversation)

    row = json.loads(json.dumps(row))

    Row.model_validate(row)
    assert calls_in(row["messages"]) == calls_of(conversation.messages)
    assert [m.get("content", "") for m in row["messages"]] == [
        turn["content"] for turn in conversation.messages
    ]


@pytest.mark.parametrize("wrong", PAIRS)
def test_pairs(rows_of, wrong: str) -> None:
    (row,) = rows_of([PAIRS[wrong]], "openai-dpo")

    Pair.model_validate(row)


def test_no_pair_without_a_rejected_response() -> None:
    assert list(openai_dpo_rows(CARRIED_OUT)) == []
