"""OpenAI messages, as providers return them and trainers take them; the old function calls too."""

from typing import Any

from agentalign_lc.dataset.conversation import Call, Turn
from agentalign_lc.dataset.mixing.sources.turns import RowError, plain_text, read_call, read_tools

__all__ = ["read_openai"]

_ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}


def read_openai(row: dict[str, Any]) -> tuple[list[Turn], list[dict[str, Any]]]:
    """Read the turns and the tools of a row with ``messages``.

    Arguments may be strings or objects, content may be parts, ids may be missing.

    Raises:
        RowError: something is missing or cannot be read.

    Example:
        >>> call = {"type": "function", "function": {"name": "ping", "arguments": "{}"}}
        >>> turns, _ = read_openai({"messages": [{"role": "assistant", "tool_calls": [call]}]})
        >>> turns
        [{'role': 'assistant', 'content': '', 'calls': [{'id': '', 'name': 'ping', 'arguments': {}}]}]
    """
    messages = row.get("messages", row.get("conversations"))
    if not isinstance(messages, list):
        raise RowError("no list of `messages`")
    turns = [_turn(message, number) for number, message in enumerate(messages, 1)]
    return turns, read_tools(row.get("tools") or row.get("functions"))


def _turn(message: object, number: int) -> Turn:
    if not isinstance(message, dict) or "role" not in message:
        raise RowError("a message without a role", f"turn {number}")
    role = _ROLES.get(str(message["role"]))
    if role is None:
        raise RowError("an unknown role", f"turn {number}, {str(message['role'])[:40]!r}")
    if "content" not in message and role != "assistant":
        raise RowError("a message without content", f"turn {number}, {role}")
    turn = Turn(role=role, content=plain_text(message.get("content")))
    if role == "assistant" and (calls := _calls(message)):
        turn["calls"] = calls
    if role == "tool" and message.get("tool_call_id"):
        turn["call_id"] = str(message["tool_call_id"])
    return turn


def _calls(message: dict[str, Any]) -> list[Call]:
    given = message.get("tool_calls") or []
    if not isinstance(given, list):
        raise RowError("`tool_calls` is no list")
    if message.get("function_call"):
        given = [*given, message["function_call"]]
    return [_call(item) for item in given]


def _call(item: object) -> Call:
    if not isinstance(item, dict):
        raise RowError("a call without a name")
    return read_call(item.get("function", item), str(item.get("id") or ""))
