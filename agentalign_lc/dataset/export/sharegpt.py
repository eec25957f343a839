r"""Export for LLaMA-Factory's ``sharegpt`` data sets.

``{"conversations": [{"from": "human", "value": "..."}, {"from": "function_call",
"value": "{\"name\": \"f\", \"arguments\": {...}}"}, {"from": "observation", "value": "..."},
{"from": "gpt", "value": "..."}], "system": "...", "tools": "[{\"name\": \"f\", ...}]"}``

Person and tools alternate strictly with the assistant, so what comes from one
side in a row is joined:

- calls made at once are a JSON list in one ``function_call``;
- their results are one ``observation``, joined as LLaMA-Factory's own
  converter of OpenAI messages joins them;
- text beside a call stands before it, which is then marked with
  ``<tool_call>``; LLaMA-Factory reads both (except under its ``lfm2``
  templates, which mark calls otherwise).

A conversation that cannot alternate (a person who speaks right after a tool)
gives no row.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from agentalign_lc.dataset.conversation import Call, Conversation, Turn
from agentalign_lc.dataset.export.origin import origin

__all__ = ["SHAREGPT_COLUMNS", "dataset_info", "sharegpt_part", "sharegpt_rows", "sharegpt_turns"]

SHAREGPT_COLUMNS = {"messages": "conversations", "system": "system", "tools": "tools"}
"""Columns as ``dataset_info.json`` names them."""

_NEXT_RESULT = "\n</tool_response>\n<tool_response>\n"


def sharegpt_rows(conversation: Conversation) -> Iterator[dict[str, Any]]:
    """One row, or none if the turns cannot alternate."""
    part = sharegpt_part(conversation, conversation.messages)
    if part and len(part["conversations"]) % 2 == 0:
        yield {**part, **origin(conversation)}


def sharegpt_part(conversation: Conversation, turns: Sequence[Turn]) -> dict[str, Any] | None:
    """``conversations``, ``system`` and ``tools``; None if the turns cannot alternate."""
    said = sharegpt_turns([turn for turn in turns if turn["role"] != "system"])
    if not said or said[0]["from"] != "human":
        return None
    system = "\n\n".join(turn["content"] for turn in turns if turn["role"] == "system")
    tools = [_tool(tool["function"]) for tool in conversation.tools]
    return {
        "conversations": said,
        "system": system,
        "tools": json.dumps(tools, ensure_ascii=False) if tools else "",
    }


def sharegpt_turns(turns: Sequence[Turn]) -> list[dict[str, str]] | None:
    """Turns that alternate; None if they cannot.

    Example:
        >>> call = {"id": "c1", "name": "f", "arguments": {"a": 1}}
        >>> sharegpt_turns([{"role": "assistant", "content": "", "calls": [call, call]}])
        [{'from': 'function_call',
          'value': '[{"name": "f", "arguments": {"a": 1}}, {"name": "f", "arguments": {"a": 1}}]'}]
    """
    said = []
    for speaks, group in groupby(turns, lambda turn: turn["role"] == "assistant"):
        side = list(group)
        turn = _assistant(side) if speaks else _other(side)
        if turn is None:
            return None
        said.append(turn)
    return said


def dataset_info(names: Sequence[str], suffix: str, *, ranking: bool) -> str:
    """What LLaMA-Factory must be told about the files of a folder: its ``dataset_info.json``."""
    columns = SHAREGPT_COLUMNS
    if ranking:
        columns = {**columns, "chosen": "chosen", "rejected": "rejected"}
    about = {"formatting": "sharegpt", "ranking": ranking, "columns": columns}
    told = {f"agentalign_{name}": {"file_name": f"{name}{suffix}", **about} for name in names}
    return json.dumps(told, indent=2) + "\n"


def _other(side: Sequence[Turn]) -> dict[str, str] | None:
    roles = {turn["role"] for turn in side}
    texts = [turn["content"] for turn in side]
    if roles == {"user"}:
        return {"from": "human", "value": "\n\n".join(texts)}
    if roles == {"tool"}:
        return {"from": "observation", "value": _NEXT_RESULT.join(texts)}
    return None


def _assistant(side: Sequence[Turn]) -> dict[str, str]:
    text = "\n\n".join(turn["content"] for turn in side if turn["content"])
    calls = [call for turn in side for call in turn.get("calls", ())]
    if not calls:
        return {"from": "gpt", "value": text}
    value = _calls(calls)
    if "<tool_call>" in text:
        # The first mark must be ours; LLaMA-Factory puts text before calls wherever it stood.
        value = f"<tool_call>{value}</tool_call>{text}"
    elif text:
        value = f"{text}<tool_call>{value}</tool_call>"
    return {"from": "function_call", "value": value}


def _calls(calls: Sequence[Call]) -> str:
    made = [{"name": call["name"], "arguments": call["arguments"]} for call in calls]
    text = json.dumps(made if len(made) > 1 else made[0], ensure_ascii=False)
    # LLaMA-Factory looks for <think> and <tool_call> in here; an argument may say either.
    return text.replace("<", "\\u003c")


def _tool(function: dict[str, Any]) -> dict[str, Any]:
    schema = function.get("parameters") or {}
    fields = {name: _field(field) for name, field in (schema.get("properties") or {}).items()}
    return {
        "name": function["name"],
        "description": function.get("description", ""),
        "parameters": {"type": "object", **schema, "properties": fields},
    }


def _field(field: dict[str, Any]) -> dict[str, Any]:
    # Templates without a tool format of their own join the options of an enum as strings.
    options = field.get("enum")
    if not options or all(isinstance(option, str) for option in options):
        return field
    rest = {key: value for key, value in field.items() if key != "enum"}
    return {**rest, "oneOf": [{"const": option} for option in options]}
