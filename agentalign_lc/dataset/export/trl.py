"""Export for TRL's SFTTrainer: one conversation a line, arguments as objects, tools beside it.

Before, two turns of a conversation:
``{"role": "assistant", "content": "", "calls": [{"id": "c1", "name": "f", "arguments": {"a": 1}}]}``
``{"role": "tool", "content": "{}", "call_id": "c1", "name": "f"}``

After: ``{"role": "assistant", "content": "", "tool_calls": [{"id": "c1", "type": "function",
"function": {"name": "f", "arguments": {"a": 1}}}]}``
``{"role": "tool", "name": "f", "tool_call_id": "c1", "content": "{}"}``

TRL wants arguments as objects (with strings its shipped templates crash or
encode twice). ``tools`` is a JSON string, which TRL reads as well as a list:
Arrow would fill one tool's schema with the nulls of all the others. Some
templates look up by its id which call of several a result answers.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from agentalign_lc.dataset.conversation import Conversation, Turn
from agentalign_lc.dataset.export.origin import origin
from agentalign_lc.seeds import canonical_json

__all__ = ["trl_messages", "trl_rows"]


def trl_rows(conversation: Conversation) -> Iterator[dict[str, Any]]:
    """One row: ``messages``, ``tools`` and where it comes from."""
    yield {
        "messages": trl_messages(conversation.messages),
        "tools": canonical_json(conversation.tools),
        **origin(conversation),
    }


def trl_messages(turns: Sequence[Turn]) -> list[dict[str, Any]]:
    """Messages as Hugging Face chat templates take them.

    Example:
        >>> call = {"id": "c1", "name": "f", "arguments": {"a": 1}}
        >>> trl_messages([{"role": "assistant", "content": "", "calls": [call]}])[0]["tool_calls"]
        [{'id': 'c1', 'type': 'function', 'function': {'name': 'f', 'arguments': {'a': 1}}}]
    """
    return [_message(turn) for turn in turns]


def _message(turn: Turn) -> dict[str, Any]:
    if turn["role"] == "tool":
        return {
            "role": "tool",
            "name": turn.get("name", "unknown"),
            "tool_call_id": turn.get("call_id", ""),
            "content": turn["content"],
        }
    message: dict[str, Any] = {"role": turn["role"], "content": turn["content"]}
    if turn.get("calls"):
        message["tool_calls"] = [
            {
                "id": call["id"],
                "type": "function",
                "function": {"name": call["name"], "arguments": call["arguments"]},
            }
            for call in turn["calls"]
        ]
    return message
