"""ShareGPT conversations, with calls in turns of their own as LLaMA-Factory has them."""

from typing import Any

from agentalign_lc.dataset.conversation import Call, Turn
from agentalign_lc.dataset.sources.turns import RowError, plain_text, read_call, read_tools
from agentalign_lc.rows import parse_json

__all__ = ["read_sharegpt"]

_ROLES = {
    "system": "system",
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "function_call": "call",
    "tool_call": "call",
    "observation": "tool",
    "tool": "tool",
    "tool_response": "tool",
    "function_response": "tool",
}


def read_sharegpt(row: dict[str, Any]) -> tuple[list[Turn], list[dict[str, Any]]]:
    """Read the turns and the tools of a row with ``conversations``.

    Calls that follow each other, and words of the assistant just before them, are
    one turn. Where several calls have a single answer that is a JSON list of their
    number, each gets its own.

    Raises:
        RowError: something is missing or cannot be read.

    Example:
        >>> call = {"from": "function_call", "value": '{"name": "ping", "arguments": {}}'}
        >>> turns, _ = read_sharegpt({"conversations": [{"from": "gpt", "value": "Wait."}, call]})
        >>> turns
        [{'role': 'assistant', 'content': 'Wait.', 'calls': [{'id': '', 'name': 'ping', 'arguments': {}}]}]
    """
    given = row.get("conversations", row.get("messages"))
    if not isinstance(given, list):
        raise RowError("no list of `conversations`")
    turns: list[Turn] = []
    for number, item in enumerate(given, 1):
        role, value = _said(item, number)
        last = turns[-1] if turns else None
        if role != "call":
            turns.append(Turn(role=role, content=plain_text(value)))
        elif last is not None and last["role"] == "assistant":
            last["calls"] = [*last.get("calls", ()), *_calls(value)]
        else:
            turns.append(Turn(role="assistant", content="", calls=_calls(value)))
    system = row.get("system")
    if isinstance(system, str) and system and (not turns or turns[0]["role"] != "system"):
        turns.insert(0, Turn(role="system", content=system))
    return _answered(turns), read_tools(row.get("tools"))


def _said(item: object, number: int) -> tuple[str, Any]:
    if not isinstance(item, dict) or "from" not in item or item.get("value") is None:
        raise RowError("a turn without `from` and `value`", f"turn {number}")
    role = _ROLES.get(str(item["from"]))
    if role is None:
        raise RowError("an unknown role", f"turn {number}, {str(item['from'])[:40]!r}")
    return role, item["value"]


def _calls(value: object) -> list[Call]:
    if isinstance(value, str):
        try:
            value = parse_json(value)
        except ValueError as error:
            raise RowError("a call that is no JSON") from error
    return [read_call(call) for call in (value if isinstance(value, list) else [value])]


def _answered(turns: list[Turn]) -> list[Turn]:
    result: list[Turn] = []
    for place, turn in enumerate(turns):
        calls = turns[place - 1].get("calls", ()) if place else ()
        alone = place + 1 == len(turns) or turns[place + 1]["role"] != "tool"
        if turn["role"] == "tool" and len(calls) > 1 and alone:
            result += [Turn(role="tool", content=text) for text in _split(turn["content"])]
        else:
            result.append(turn)
    return result


def _split(text: str) -> list[str]:
    try:
        parts = parse_json(text)
    except ValueError:
        return [text]
    return [plain_text(part) for part in parts] if isinstance(parts, list) else [text]
