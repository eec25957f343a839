"""What every format of third-party data comes down to: turns that a model can be trained on."""

from collections.abc import Sequence
from typing import Any

from agentalign_lc.dataset.conversation import Call, Turn
from agentalign_lc.rows import parse_json
from agentalign_lc.seeds import canonical_json

__all__ = [
    "RowError",
    "check_turns",
    "numbered",
    "plain_text",
    "read_arguments",
    "read_call",
    "read_tools",
]

_BEFORE = {
    "user": ("", "system", "assistant"),
    "assistant": ("user", "tool"),
    "tool": ("assistant", "tool"),
}
"""What may stand before a role; nothing is the beginning."""

_MEDIA = {
    "audio",
    "file",
    "image",
    "image_url",
    "input_audio",
    "input_file",
    "input_image",
    "video",
}


class RowError(ValueError):
    """Why a row cannot be used.

    Args:
        reason: The kind of mistake, the same for all rows that make it.
        detail: Where and what, for a person to find it.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        # A file's own words are quoted: they may hold anything, a terminal's codes too.
        super().__init__(f"{reason} ({detail[:100]})" if detail else reason)
        self.reason = reason


def read_tools(value: object) -> list[dict[str, Any]]:
    """Read the tools of a row: a list or its JSON string, each bare or wrapped as OpenAI does.

    Raises:
        RowError: it is no list of schemas with names.

    Example:
        >>> read_tools('[{"name": "look_up"}]')
        [{'type': 'function', 'function': {'name': 'look_up'}}]
    """
    wrong = RowError("`tools` is no list of function schemas")
    if isinstance(value, str) and value.strip():
        try:
            value = parse_json(value)
        except ValueError as error:
            raise wrong from error
    tools = []
    for tool in _items(value or [], wrong):
        function = tool.get("function", tool)
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise wrong
        tools.append({"type": "function", "function": function})
    return tools


def read_arguments(value: object) -> dict[str, Any]:
    """Read the arguments of a call: an object or its JSON string; nothing is an empty object.

    Raises:
        RowError: they are something else.
    """
    if isinstance(value, str) and value.strip():
        try:
            value = parse_json(value)
        except ValueError as error:
            raise RowError("arguments that are no JSON") from error
    if value is None or value == "":
        return {}
    if not isinstance(value, dict):
        raise RowError("arguments that are no JSON object")
    return value


def read_call(value: object, name: str = "") -> Call:
    """Read ``{"name": ..., "arguments": ...}`` as a call.

    Raises:
        RowError: it has no name, or its arguments are no object.
    """
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        raise RowError("a call without a name")
    return Call(id=name, name=value["name"], arguments=read_arguments(value.get("arguments")))


def numbered(turns: Sequence[Turn]) -> list[Turn]:
    """Give calls the ids ``call_0``, ``call_1``, where some have none or two have the same.

    Answers without an id answer the calls before them in their order.

    Raises:
        RowError: there is an answer without a call, or a call without an answer.
    """
    ids = [call["id"] for turn in turns for call in turn.get("calls", ())]
    renamed = len(set(ids)) < len(ids) or not all(ids)
    count, result = 0, []
    waiting: list[tuple[str, Call]] = []
    for number, turn in enumerate(turns, 1):
        if turn["role"] == "tool":
            given = turn.get("call_id", "")
            found = next((pair for pair in waiting if not given or pair[0] == given), None)
            if found is None:
                raise RowError("an answer without a call", f"turn {number}")
            waiting.remove(found)
            call = found[1]
            turn = {**turn, "call_id": call["id"], "name": call["name"]}  # noqa: PLW2901
        elif waiting:
            break
        elif turn.get("calls"):
            calls: list[Call] = []
            for call in turn["calls"]:
                calls.append({**call, "id": f"call_{count}"} if renamed else call)
                count += 1
            waiting = [(old["id"], new) for old, new in zip(turn["calls"], calls, strict=True)]
            turn = {**turn, "calls": calls}  # noqa: PLW2901
        result.append(turn)
    if waiting:
        raise RowError("a call without an answer", repr(waiting[0][1]["name"]))
    return result


def check_turns(turns: Sequence[Turn], tools: Sequence[dict[str, Any]]) -> None:
    """Check that a conversation can be trained on.

    Turns alternate, calls name tools on offer, nobody says nothing, and the
    assistant has the last word. (That calls are answered, ``numbered`` checks.)

    Raises:
        RowError: it cannot.
    """
    offered = {tool["function"]["name"] for tool in tools}
    before = ""
    for number, turn in enumerate(turns, 1):
        role = turn["role"]
        if role == "system" and number == 1:
            before = role
            continue
        if before not in _BEFORE.get(role, ()):
            raise RowError("turns that do not alternate", f"turn {number}, {role}")
        if role != "tool" and not turn["content"].strip() and not turn.get("calls"):
            raise RowError("a turn that says nothing", f"turn {number}, {role}")
        for call in turn.get("calls", ()):
            if call["name"] not in offered:
                raise RowError("a call to a tool that is not in `tools`", repr(call["name"]))
        before = role
    if before != "assistant":
        raise RowError("no assistant turn at the end")


def plain_text(value: object) -> str:
    """Turn what a message says into text: a string, text parts, or any JSON that a tool returned.

    Raises:
        RowError: there is a part that is no text, such as an image.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(part, dict) for part in value):
        kinds = {str(part.get("type")) for part in value}
        if kinds & _MEDIA:
            raise RowError("content that is no text")
        texts = [part.get("text") for part in value]
        if kinds <= {"text", "input_text"} and all(isinstance(text, str) for text in texts):
            return "".join(map(str, texts))
    return canonical_json(value)


def _items(value: object, wrong: RowError) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise wrong
    return value
