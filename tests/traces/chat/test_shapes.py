"""One conversation in the shape of every provider and framework reads as the same messages."""

import json

import pytest
from langchain_core.messages import (
    AIMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    message_to_dict,
)
from langchain_core.messages.utils import convert_to_openai_messages

from agentalign_lc.traces.chat import read_chat, read_reply, read_result, read_tools
from agentalign_lc.traces.chat.values import kept
from agentalign_lc.traces.likeness import likeness

ARGUMENTS = {"person": "Ada", "day": "Tuesday"}
CALL = {"name": "find_slot", "args": ARGUMENTS, "id": "c1", "type": "tool_call"}
TALK = [
    SystemMessage("Be brief."),
    HumanMessage("Is Ada free on Tuesday?"),
    AIMessage("I look.", tool_calls=[CALL]),
    ToolMessage("Free at nine.", tool_call_id="c1", name="find_slot"),
    AIMessage("Yes, at nine."),
]
TEXT = json.dumps(ARGUMENTS)


def text(said: str, name: str = "text") -> dict:
    return {"type": "text", name: said}


def constructor(message) -> dict:
    kwargs = message_to_dict(message)["data"]
    names = ["langchain", "schema", "messages", type(message).__name__]
    return {"lc": 1, "type": "constructor", "id": names, "kwargs": kwargs}


SHAPES = {
    "openai": {"messages": convert_to_openai_messages(TALK)},
    "openai, old function call": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Is Ada free on Tuesday?"},
        {
            "role": "assistant",
            "content": "I look.",
            "function_call": {"name": "find_slot", "arguments": TEXT},
        },
        {"role": "function", "name": "find_slot", "content": "Free at nine."},
        {"role": "assistant", "content": "Yes, at nine."},
    ],
    "openai responses": {
        "instructions": "Be brief.",
        "input": [
            {
                "role": "user",
                "content": [{"type": "input_text", "text": "Is Ada free on Tuesday?"}],
            },
            {"type": "reasoning", "id": "r1", "summary": []},
            {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "I look."}],
            },
            {"type": "function_call", "call_id": "c1", "name": "find_slot", "arguments": TEXT},
            {"type": "function_call_output", "call_id": "c1", "output": "Free at nine."},
            {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "Yes, at nine."}],
            },
        ],
    },
    "anthropic": {
        "system": [text("Be brief.")],
        "messages": [
            {"role": "user", "content": "Is Ada free on Tuesday?"},
            {
                "role": "assistant",
                "content": [
                    text("I look."),
                    {"type": "tool_use", "id": "c1", "name": "find_slot", "input": ARGUMENTS},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "c1", "content": [text("Free at nine.")]}
                ],
            },
            {"role": "assistant", "content": [text("Yes, at nine.")]},
        ],
    },
    "bedrock converse": {
        "system": [{"text": "Be brief."}],
        "messages": [
            {"role": "user", "content": [{"text": "Is Ada free on Tuesday?"}]},
            {
                "role": "assistant",
                "content": [
                    {"text": "I look."},
                    {"toolUse": {"toolUseId": "c1", "name": "find_slot", "input": ARGUMENTS}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"toolResult": {"toolUseId": "c1", "content": [{"text": "Free at nine."}]}}
                ],
            },
            {"role": "assistant", "content": [{"text": "Yes, at nine."}]},
        ],
    },
    "gemini": {
        "config": {"system_instruction": "Be brief."},
        "contents": [
            {"role": "user", "parts": [{"text": "Is Ada free on Tuesday?"}]},
            {
                "role": "model",
                "parts": [
                    {"text": "Hm.", "thought": True},
                    {"text": "I look."},
                    {"function_call": {"name": "find_slot", "args": ARGUMENTS}},
                ],
            },
            {
                "role": "user",
                "parts": [
                    {"function_response": {"name": "find_slot", "response": "Free at nine."}}
                ],
            },
            {"role": "model", "parts": [{"text": "Yes, at nine."}]},
        ],
    },
    "gemini, rest": {
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [
            {"role": "user", "parts": [{"text": "Is Ada free on Tuesday?"}]},
            {
                "role": "model",
                "parts": [
                    {"text": "I look."},
                    {"functionCall": {"id": "c1", "name": "find_slot", "args": ARGUMENTS}},
                ],
            },
            {
                "role": "user",
                "parts": [
                    {
                        "functionResponse": {
                            "id": "c1",
                            "name": "find_slot",
                            "response": "Free at nine.",
                        }
                    }
                ],
            },
            {"role": "model", "parts": [{"text": "Yes, at nine."}]},
        ],
    },
    "langchain constructors": {"messages": [[constructor(one) for one in TALK]]},
    "langchain dicts": [message_to_dict(one) for one in TALK],
    "langchain dumps": {"messages": [one.model_dump(mode="json") for one in TALK]},
    "opentelemetry": [
        {"role": "system", "parts": [text("Be brief.", "content")]},
        {"role": "user", "parts": [text("Is Ada free on Tuesday?", "content")]},
        {
            "role": "assistant",
            "parts": [
                {"type": "reasoning", "content": "Hm."},
                text("I look.", "content"),
                {"type": "tool_call", "id": "c1", "name": "find_slot", "arguments": ARGUMENTS},
            ],
        },
        {
            "role": "tool",
            "parts": [{"type": "tool_call_response", "id": "c1", "response": "Free at nine."}],
        },
        {"role": "assistant", "parts": [text("Yes, at nine.", "content")], "finish_reason": "stop"},
    ],
    "pydantic-ai": [
        {
            "kind": "request",
            "parts": [
                {"part_kind": "system-prompt", "content": "Be brief."},
                {"part_kind": "user-prompt", "content": "Is Ada free on Tuesday?"},
            ],
        },
        {
            "kind": "response",
            "parts": [
                {"part_kind": "text", "content": "I look."},
                {
                    "part_kind": "tool-call",
                    "tool_name": "find_slot",
                    "args": TEXT,
                    "tool_call_id": "c1",
                },
            ],
        },
        {
            "kind": "request",
            "parts": [
                {
                    "part_kind": "tool-return",
                    "tool_name": "find_slot",
                    "content": "Free at nine.",
                    "tool_call_id": "c1",
                }
            ],
        },
        {"kind": "response", "parts": [{"part_kind": "text", "content": "Yes, at nine."}]},
    ],
    "vercel": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [text("Is Ada free on Tuesday?")]},
        {
            "role": "assistant",
            "content": [
                text("I look."),
                {
                    "type": "tool-call",
                    "toolCallId": "c1",
                    "toolName": "find_slot",
                    "input": ARGUMENTS,
                },
            ],
        },
        {
            "role": "tool",
            "content": [
                {
                    "type": "tool-result",
                    "toolCallId": "c1",
                    "toolName": "find_slot",
                    "output": {"type": "text", "value": "Free at nine."},
                }
            ],
        },
        {"role": "assistant", "content": [text("Yes, at nine.")]},
    ],
    "inspect": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Is Ada free on Tuesday?"},
        {
            "role": "assistant",
            "content": "I look.",
            "tool_calls": [
                {"id": "c1", "function": "find_slot", "arguments": ARGUMENTS, "type": "function"}
            ],
        },
        {"role": "tool", "content": "Free at nine.", "tool_call_id": "c1", "function": "find_slot"},
        {"role": "assistant", "content": "Yes, at nine."},
    ],
    "autogen": [
        {"type": "SystemMessage", "content": "Be brief."},
        {"type": "UserMessage", "content": "Is Ada free on Tuesday?", "source": "user"},
        {
            "type": "AssistantMessage",
            "content": ["I look.", {"id": "c1", "name": "find_slot", "arguments": TEXT}],
            "source": "desk",
        },
        {
            "type": "FunctionExecutionResultMessage",
            "content": [{"content": "Free at nine.", "name": "find_slot", "call_id": "c1"}],
        },
        {"type": "AssistantMessage", "content": "Yes, at nine.", "source": "desk"},
    ],
    "llamaindex": [
        {"role": "system", "blocks": [{"block_type": "text", "text": "Be brief."}]},
        {"role": "user", "blocks": [{"block_type": "text", "text": "Is Ada free on Tuesday?"}]},
        {
            "role": "assistant",
            "blocks": [{"block_type": "text", "text": "I look."}],
            "additional_kwargs": {
                "tool_calls": [{"id": "c1", "function": {"name": "find_slot", "arguments": TEXT}}]
            },
        },
        {
            "role": "tool",
            "blocks": [{"block_type": "text", "text": "Free at nine."}],
            "additional_kwargs": {"tool_call_id": "c1"},
        },
        {"role": "assistant", "blocks": [{"block_type": "text", "text": "Yes, at nine."}]},
    ],
    "strands events": [
        {"event.name": "gen_ai.system.message", "content": "Be brief."},
        {"event.name": "gen_ai.user.message", "content": '[{"text": "Is Ada free on Tuesday?"}]'},
        {
            "event.name": "gen_ai.assistant.message",
            "content": json.dumps(
                [
                    {"text": "I look."},
                    {"toolUse": {"toolUseId": "c1", "name": "find_slot", "input": ARGUMENTS}},
                ]
            ),
        },
        {
            "event.name": "gen_ai.tool.message",
            "content": json.dumps(
                [{"toolResult": {"toolUseId": "c1", "content": [{"text": "Free at nine."}]}}]
            ),
        },
        {"event.name": "gen_ai.choice", "message": '[{"text": "Yes, at nine."}]'},
    ],
}


@pytest.mark.parametrize("encoded", [0, 1, 2], ids=["value", "json", "json of json"])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_reads_as_the_same_conversation(shape: str, encoded: int) -> None:
    value = SHAPES[shape]
    for _ in range(encoded):
        value = json.dumps(value)

    messages = read_chat(value).messages

    assert [*map(likeness, messages)] == [*map(likeness, TALK)]
    call, result = messages[2].tool_calls[0], messages[3]
    assert call["args"] == ARGUMENTS
    assert (call["id"] or "") == result.tool_call_id


ANSWERS = {
    "openai": {"choices": [{"message": {"role": "assistant", "content": "Yes."}}]},
    "completion": {"choices": [{"text": "Yes.", "index": 0}]},
    "responses": {
        "output": [
            {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "Yes."}],
            }
        ]
    },
    "anthropic": {"id": "m", "type": "message", "role": "assistant", "content": [text("Yes.")]},
    "gemini": {"candidates": [{"content": {"role": "model", "parts": [{"text": "Yes."}]}}]},
    "adk": {"content": {"role": "model", "parts": [{"text": "Yes."}]}, "finish_reason": "STOP"},
    "langchain": {"generations": [[{"text": "Yes.", "message": constructor(AIMessage("Yes."))}]]},
    "genai event": {"index": 0, "message": {"content": "Yes."}},
    "bedrock": {"output": {"message": {"role": "assistant", "content": [{"text": "Yes."}]}}},
    "chunks": [
        {"choices": [{"delta": {"role": "assistant", "content": "Ye"}}]},
        {"choices": [{"delta": {"content": "s."}}]},
        {"choices": []},
    ],
    "anthropic events": [
        {"type": "message_start", "message": {}},
        {"type": "content_block_start", "index": 0, "content_block": text("")},
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "text_delta", "text": "Yes."},
        },
    ],
    "text": "Yes.",
    "text in an object": {"text": "Yes.", "finish_reason": "stop"},
}


@pytest.mark.parametrize("shape", ANSWERS)
def test_every_answer_reads_as_the_same_reply(shape: str) -> None:
    assert read_reply(ANSWERS[shape]).content == "Yes."


def test_a_streamed_call_is_put_together() -> None:
    pieces = [
        {"index": 0, "id": "c1", "function": {"name": "find_slot", "arguments": '{"person": '}},
        {"index": 0, "function": {"arguments": '"Ada"}'}},
    ]

    reply = read_reply([{"choices": [{"delta": {"tool_calls": [one]}}]} for one in pieces])

    assert [(one["name"], one["args"], one["id"]) for one in reply.tool_calls] == [
        ("find_slot", {"person": "Ada"}, "c1")
    ]


def test_parallel_calls_of_the_responses_api_are_one_message() -> None:
    calls = [
        {"type": "function_call", "call_id": str(n), "name": "find_slot", "arguments": "{}"}
        for n in range(3)
    ]

    (reply,) = read_chat({"output": calls}, "assistant").messages

    assert [one["id"] for one in reply.tool_calls] == ["0", "1", "2"]


def test_refusals_reasoning_and_failures_are_kept_apart_from_what_is_said() -> None:
    refused = read_reply(
        {"choices": [{"message": {"role": "assistant", "content": None, "refusal": "No."}}]}
    )
    failed = read_chat(
        [
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "1",
                        "content": "Gone.",
                        "is_error": True,
                    }
                ],
            }
        ]
    )
    thought = read_reply(
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "Hm."}, text("Yes.")]}
    )

    assert (refused.content, refused.additional_kwargs["refusal"]) == ("", "No.")
    assert failed.messages[0].status == "error"
    assert (thought.content, thought.additional_kwargs["reasoning_content"]) == ("Yes.", "Hm.")


def test_arguments_that_are_no_object_stay_as_an_invalid_call() -> None:
    calls = [{"id": "1", "type": "function", "function": {"name": "go", "arguments": '{"a": '}}]

    reply = read_reply({"role": "assistant", "content": "", "tool_calls": calls})

    assert reply.tool_calls == []
    assert (reply.invalid_tool_calls[0]["name"], reply.invalid_tool_calls[0]["args"]) == (
        "go",
        '{"a": ',
    )


TOOLS = {
    "openai": {
        "tools": [
            {
                "type": "function",
                "function": {"name": "go", "description": "Go.", "parameters": {"type": "object"}},
            }
        ]
    },
    "responses": {
        "tools": [
            {
                "type": "function",
                "name": "go",
                "description": "Go.",
                "parameters": {"type": "object"},
            }
        ]
    },
    "anthropic": {
        "tools": [{"name": "go", "description": "Go.", "input_schema": {"type": "object"}}]
    },
    "gemini": {
        "config": {
            "tools": [
                {
                    "function_declarations": [
                        {
                            "name": "go",
                            "description": "Go.",
                            "parameters_json_schema": {"type": "object"},
                        }
                    ]
                }
            ]
        }
    },
    "bedrock": {
        "toolConfig": {
            "tools": [
                {
                    "toolSpec": {
                        "name": "go",
                        "description": "Go.",
                        "inputSchema": {"json": {"type": "object"}},
                    }
                }
            ]
        }
    },
    "vercel": {
        "tools": [
            json.dumps(
                {
                    "type": "function",
                    "name": "go",
                    "description": "Go.",
                    "inputSchema": {"type": "object"},
                }
            )
        ]
    },
    "langchain": {
        "invocation_params": {
            "tools": [
                {
                    "type": "function",
                    "function": {
                        "name": "go",
                        "description": "Go.",
                        "parameters": {"type": "object"},
                    },
                }
            ]
        }
    },
    "langfuse": [
        {
            "role": "tool",
            "content": {
                "type": "function",
                "function": {"name": "go", "description": "Go.", "parameters": {"type": "object"}},
            },
        }
    ],
}


@pytest.mark.parametrize("shape", TOOLS)
def test_every_tool_schema_reads_as_openai_s(shape: str) -> None:
    assert read_chat(TOOLS[shape]).tools == (TOOLS["openai"]["tools"][0],)


@pytest.mark.parametrize(
    "value", [None, "", [], {}, 7, "plain", {"pets": [{"name": "Rex"}]}, [[[]]]]
)
def test_what_is_no_chat_has_no_messages(value: object) -> None:
    assert read_chat(value).messages == ()


@pytest.mark.parametrize("empty", [{"choices": []}, {"candidates": None}, {"generations": [[]]}])
def test_an_answer_with_nothing_in_it_is_no_reply(empty: dict) -> None:
    assert read_reply(empty) is None


def test_a_tool_of_the_provider_s_own_is_named_by_its_kind() -> None:
    (tool,) = read_tools([{"type": "web_search", "filters": {}}, {"type": "function"}])
    assert tool["function"]["name"] == "web_search"


def test_a_text_that_was_cut_before_still_says_how_long_it_was() -> None:
    assert kept(f"{'x' * 70_000}[cut: 9,000,000 characters]").endswith("x[cut: 9,000,000 characters]")  # fmt: skip
    assert kept("x" * 70_000).endswith("x[cut: 70,000 characters]")


ANSWER = {"type": "tool", "content": "Sent.", "tool_call_id": "c1"}


class TestResults:
    def test_a_command_that_repeats_the_conversation_has_the_last_results(self) -> None:
        before = {**ANSWER, "content": "Before.", "tool_call_id": "c0"}
        talk = [before, {"type": "ai", "content": "", "tool_calls": [CALL]}, ANSWER]
        assert read_result({"output": {"update": {"messages": talk}}}).text == "Sent."

    def test_several_results_are_joined_unless_one_is_to_the_call(self) -> None:
        other = {**ANSWER, "content": "Broken.", "tool_call_id": "c2", "status": "error"}
        command = {"update": {"messages": [ANSWER, other]}}
        assert read_result([command]).text == "Sent.\nBroken."
        assert read_result([command]).failed
        assert read_result(command, "c1") == read_result(ANSWER)

    @pytest.mark.parametrize("said", ["{'a': None}", '{"a":1}', "[1,2]", '"quoted"'])
    def test_a_text_that_looks_like_data_stays_as_the_model_read_it(self, said: str) -> None:
        assert read_result({"output": said}).text == said
        assert read_result(said).text == said
