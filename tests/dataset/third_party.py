"""Conversations of third parties for tests: drawn at random, and written as others write them."""

import json
from typing import Any

from hypothesis import strategies as st

from agentalign_lc.dataset.conversation import Conversation, Turn

__all__ = ["as_openai", "as_sharegpt", "conversations", "weather"]

_words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20).filter(
    lambda text: text.strip() and "<tool_" not in text
)
_names = st.sampled_from(["look_up", "send", "list_all"])
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-1e9, 1e9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@st.composite
def conversations(draw: st.DrawFn) -> Conversation:
    """A system message perhaps, and user turns that are each answered, by way of calls or not."""
    turns = [Turn(role="system", content=draw(_words))] if draw(st.booleans()) else []
    count = 0
    for _ in range(draw(st.integers(1, 3))):
        turns.append(Turn(role="user", content=draw(_words)))
        for parallel in draw(st.lists(st.integers(1, 3), max_size=2)):
            calls = [
                {
                    "id": f"call_{count + n}",
                    "name": draw(_names),
                    "arguments": draw(st.dictionaries(st.text(max_size=5), _json, max_size=3)),
                }
                for n in range(parallel)
            ]
            count += parallel
            said = draw(st.just("") | _words)
            turns.append(Turn(role="assistant", content=said, calls=calls))
            turns += [
                Turn(role="tool", content=draw(_words), call_id=call["id"], name=call["name"])
                for call in calls
            ]
        turns.append(Turn(role="assistant", content=draw(_words)))
    tools = [
        {"type": "function", "function": {"name": name, "description": draw(_words)}}
        for name in ("look_up", "send", "list_all")
    ]
    return Conversation(id="", messages=turns, tools=tools, source="theirs")


def as_sharegpt(conversation: Conversation) -> dict[str, Any]:
    """As LLaMA-Factory has it, with every answer in a turn of its own."""
    said = []
    for turn in conversation.messages:
        if turn["role"] == "tool":
            said.append({"from": "observation", "value": turn["content"]})
        elif turn["role"] == "assistant":
            if turn["content"] or not turn.get("calls"):
                said.append({"from": "gpt", "value": turn["content"]})
            if calls := turn.get("calls"):
                made = [{"name": c["name"], "arguments": c["arguments"]} for c in calls]
                value = json.dumps(made if len(made) > 1 else made[0])
                said.append({"from": "function_call", "value": value})
        else:
            name = "human" if turn["role"] == "user" else "system"
            said.append({"from": name, "value": turn["content"]})
    return {
        "conversations": said,
        "tools": json.dumps([tool["function"] for tool in conversation.tools]),
    }


def as_openai(
    conversation: Conversation, *, ids: bool = True, strings: bool = True
) -> dict[str, Any]:
    """As OpenAI's fine-tuning has it; without ids and strings, as TRL has it."""
    messages: list[dict[str, Any]] = []
    for turn in conversation.messages:
        message: dict[str, Any] = {"role": turn["role"], "content": turn["content"]}
        if turn.get("calls"):
            message["tool_calls"] = [
                {
                    "type": "function",
                    **({"id": call["id"]} if ids else {}),
                    "function": {
                        "name": call["name"],
                        "arguments": json.dumps(call["arguments"])
                        if strings
                        else call["arguments"],
                    },
                }
                for call in turn["calls"]
            ]
        if turn["role"] == "tool":
            message |= {"tool_call_id": turn["call_id"]} if ids else {"name": turn["name"]}
        messages.append(message)
    return {"messages": messages, "tools": conversation.tools}


def weather(town: str) -> dict[str, Any]:
    """A ShareGPT row with one call."""
    return {
        "conversations": [
            {"from": "human", "value": f"What is the weather in {town}?"},
            {
                "from": "function_call",
                "value": json.dumps({"name": "look_up", "arguments": {"town": town}}),
            },
            {"from": "observation", "value": '{"sky": "clear"}'},
            {"from": "gpt", "value": f"It is clear in {town}."},
        ],
        "tools": '[{"name": "look_up"}]',
    }
