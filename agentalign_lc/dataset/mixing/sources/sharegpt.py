"""ShareGPT conversations: calls in turns of their own (LLaMA-Factory), or between tags (Hermes)."""

import re
from typing import Any

from agentalign_lc.dataset.conversation import Call, Turn
from agentalign_lc.dataset.mixing.sources.turns import RowError, plain_text, read_call, read_tools
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
_CALL = re.compile(r"<tool_call>(.*?)</tool_call>", re.DOTALL)
_NEXT_ANSWER = re.compile(r"\s*</tool_response>\s*<tool_response>\s*")


def read_sharegpt(row: dict[str, Any]) -> tuple[list[Turn], list[dict[str, Any]]]:
    """Read the turns and the tools of a row with ``conversations``.

    A call is JSON in a turn of its own or between ``<tool_call>`` tags in a text;
    several are a list, several pairs of tags or several turns. Calls that follow
    each other, and words of the assistant just before them, are one turn. A
    single answer to several calls is split where it is a JSON list of their
    number, or has ``<tool_response>`` tags.

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
        if role == "call" and last is not None and last["role"] == "assistant":
            more = _assistant(value, calls=True)
            last["content"] = "\n\n".join(filter(None, (last["content"], more["content"])))
            last["calls"] = [*last.get("calls", ()), *more["calls"]]
        elif role in {"call", "assistant"}:
            turns.append(_assistant(value, calls=role == "call"))
        elif role == "tool" and last is not None:
            alone = number == len(given) or _said(given[number], number + 1)[0] != "tool"
            answers = _answers(plain_text(value), len(last.get("calls", ())) if alone else 1)
            turns += [Turn(role="tool", content=answer) for answer in answers]
        else:
            turns.append(Turn(role=role, content=plain_text(value)))
    system = row.get("system")
    if isinstance(system, str) and system and (not turns or turns[0]["role"] != "system"):
        turns.insert(0, Turn(role="system", content=system))
    return turns, read_tools(row.get("tools"))


def _said(item: object, number: int) -> tuple[str, Any]:
    if not isinstance(item, dict) or "from" not in item or item.get("value") is None:
        raise RowError("a turn without `from` and `value`", f"turn {number}")
    role = _ROLES.get(str(item["from"]))
    if role is None:
        raise RowError("an unknown role", f"turn {number}, {str(item['from'])[:40]!r}")
    return role, item["value"]


def _assistant(value: object, *, calls: bool) -> Turn:
    if not isinstance(value, str):
        return (
            Turn(role="assistant", content="", calls=_calls(value))
            if calls
            else Turn(role="assistant", content=plain_text(value))
        )
    tagged = _CALL.findall(value)
    if tagged:
        words = _CALL.sub("", value).strip()
        made = [call for text in tagged for call in _calls(text)]
        return Turn(role="assistant", content=words, calls=made)
    if calls:
        return Turn(role="assistant", content="", calls=_calls(value))
    if "<tool_call>" in value:
        raise RowError("a <tool_call> without its end")
    return Turn(role="assistant", content=value)


def _calls(value: object) -> list[Call]:
    if isinstance(value, str):
        try:
            value = parse_json(value)
        except ValueError as error:
            raise RowError("a call that is no JSON") from error
    if value == []:
        raise RowError("a list of calls with none in it")
    return [read_call(call) for call in (value if isinstance(value, list) else [value])]


def _answers(text: str, calls: int) -> list[str]:
    tagged = text.strip()
    if tagged.startswith("<tool_response>") and tagged.endswith("</tool_response>"):
        text = tagged.removeprefix("<tool_response>").removesuffix("</tool_response>").strip()
    if calls < 2:
        return [text]
    parts = _NEXT_ANSWER.split(text)
    if len(parts) == calls:
        return parts
    try:
        listed = parse_json(text)
    except ValueError:
        return [text]
    alike = isinstance(listed, list) and len(listed) == calls
    return [plain_text(part) for part in listed] if alike else [text]
