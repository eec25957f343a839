r"""Export for OpenAI's supervised fine-tuning, whose validator wants nothing it does not know.

``{"messages": [..., {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function",
"function": {"name": "f", "arguments": "{\"a\": 1}"}}]}, {"role": "tool", "tool_call_id": "c1",
"content": "{}"}, ...], "tools": [...], "parallel_tool_calls": false}``

Arguments are strings, every call is answered by its id, and no row says where
it comes from: that stands in the file beside it. ``parallel_tool_calls`` is
true in a conversation that has some, so that the model learns them under the
setting that allows them.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from agentalign_lc.dataset.conversation import Call, Conversation, Turn

__all__ = ["openai_messages", "openai_rows", "openai_tools"]


def openai_rows(conversation: Conversation) -> Iterator[dict[str, Any]]:
    """One row: ``messages``, and if tools are offered ``tools`` and ``parallel_tool_calls``."""
    turns = conversation.messages
    yield {"messages": openai_messages(turns), **openai_tools(conversation, turns)}


def openai_tools(conversation: Conversation, turns: Sequence[Turn]) -> dict[str, Any]:
    """The tools, and whether some of the turns call several at once; empty without tools."""
    if not conversation.tools:
        return {}
    parallel = any(len(turn.get("calls", ())) > 1 for turn in turns)
    return {"tools": conversation.tools, "parallel_tool_calls": parallel}


def openai_messages(turns: Sequence[Turn]) -> list[dict[str, Any]]:
    """Messages as OpenAI's API takes them.

    Example:
        >>> call = {"id": "c1", "name": "f", "arguments": {"a": "é"}}
        >>> openai_messages([{"role": "assistant", "content": "", "calls": [call]}])
        [{'role': 'assistant', 'tool_calls': [{'id': 'c1', 'type': 'function',
          'function': {'name': 'f', 'arguments': '{"a": "é"}'}}]}]
    """
    return [_message(turn) for turn in turns]


def _message(turn: Turn) -> dict[str, Any]:
    message: dict[str, Any] = {"role": turn["role"], "content": turn["content"]}
    if turn["role"] == "tool":
        message["tool_call_id"] = turn.get("call_id", "")
    elif turn.get("calls"):
        message["tool_calls"] = [_call(call) for call in turn["calls"]]
        if not turn["content"]:
            del message["content"]
    return message


def _call(call: Call) -> dict[str, Any]:
    arguments = json.dumps(call["arguments"], ensure_ascii=False)
    return {
        "id": call["id"],
        "type": "function",
        "function": {"name": call["name"], "arguments": arguments},
    }
