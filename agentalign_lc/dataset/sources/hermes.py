"""Hermes: ShareGPT conversations whose calls and answers stand in the text, between tags."""

import re
from typing import Any

from agentalign_lc.dataset.conversation import Turn
from agentalign_lc.dataset.sources.sharegpt import read_sharegpt
from agentalign_lc.dataset.sources.turns import RowError

__all__ = ["CALL_TAG", "read_hermes"]

CALL_TAG = "<tool_call>"
"""What begins a call inside a text."""

_CALL = re.compile(r"<tool_call>\s*(.*?)\s*</tool_call>", re.DOTALL)
_ANSWER = re.compile(r"<tool_response>\s*(.*?)\s*</tool_response>", re.DOTALL)


def read_hermes(row: dict[str, Any]) -> tuple[list[Turn], list[dict[str, Any]]]:
    """Read the turns and the tools of a row with ``<tool_call>`` in its conversations.

    Raises:
        RowError: something is missing or cannot be read.

    Example:
        >>> call = '<tool_call>{"name": "ping", "arguments": {}}</tool_call>'
        >>> turns, _ = read_hermes({"conversations": [{"from": "gpt", "value": "Wait. " + call}]})
        >>> turns
        [{'role': 'assistant', 'content': 'Wait.', 'calls': [{'id': '', 'name': 'ping', 'arguments': {}}]}]
    """
    given = row.get("conversations", row.get("messages"))
    if not isinstance(given, list):
        raise RowError("no list of `conversations`")
    return read_sharegpt(
        {**row, "conversations": [part for turn in given for part in _parts(turn)]}
    )


def _parts(turn: Any) -> list[Any]:  # noqa: ANN401 - whatever the file holds
    value = turn.get("value") if isinstance(turn, dict) else None
    if not isinstance(value, str):
        return [turn]
    if turn.get("from") in {"gpt", "assistant"} and CALL_TAG in value:
        said = _CALL.sub("", value).strip()
        if CALL_TAG in said:
            raise RowError("a <tool_call> without its end")
        calls = [{"from": "function_call", "value": call} for call in _CALL.findall(value)]
        return [{"from": "gpt", "value": said}, *calls]
    if turn.get("from") in {"tool", "tool_response"} and (answers := _ANSWER.findall(value)):
        return [{"from": "tool", "value": answer} for answer in answers]
    return [turn]
