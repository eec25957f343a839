"""Items of OpenAI's Responses API: messages, calls, outputs and reasoning in one flat list."""

from collections.abc import Mapping
from typing import Any

from agentalign_lc.traces.chat.parts import add_content
from agentalign_lc.traces.chat.results import result_text
from agentalign_lc.traces.chat.turn import Answer, Call, Turn, role_of
from agentalign_lc.traces.chat.values import first, text

__all__ = ["read_item"]

_OUTPUTS = {
    "function_call_output",
    "custom_tool_call_output",
    "computer_call_output",
    "local_shell_call_output",
    "shell_call_output",
}
_CALLS = {"function_call", "custom_tool_call"}
_HOSTED = {
    "mcp_call",
    "computer_call",
    "local_shell_call",
    "shell_call",
    "web_search_call",
    "file_search_call",
    "code_interpreter_call",
    "image_generation_call",
}
_ABOUT = {"id", "type", "status", "call_id", "output", "outputs", "results", "name", "error"}


def read_item(value: object) -> Turn | None:
    """Read an item; None if it is none.

    Example:
        >>> read_item({"type": "function_call", "call_id": "1", "name": "go", "arguments": "{}"}).calls
        [Call(name='go', arguments='{}', id='1')]
    """
    if not isinstance(value, Mapping):
        return None
    kind = text(value.get("type"))
    if kind in _OUTPUTS:
        answer = Answer(result_text(value.get("output")), text(value.get("call_id")))
        return Turn("tool", answers=[answer])
    if kind in _CALLS and isinstance(value.get("name"), str):
        return _called(value, value["name"])
    if kind in _HOSTED:
        return _hosted(value, kind)
    return _said(value)


def _called(value: Mapping[str, Any], name: str) -> Turn:
    arguments = value.get("arguments")
    if value.get("type") == "custom_tool_call":
        arguments = {"input": text(value.get("input"))}
    call = Call(name, arguments, text(first(value, "call_id", "id")))
    return Turn("assistant", calls=[call], item=True)


def _said(value: Mapping[str, Any]) -> Turn | None:
    kind = value.get("type")
    if kind == "reasoning" and "content" not in value and "text" not in value:
        turn = Turn("assistant", item=True)
        add_content(turn, {"type": "reasoning", "summary": value.get("summary") or ""})
        return turn
    if kind == "message" and isinstance(value.get("role"), str):
        turn = Turn(role_of(value["role"]) or "user", id=text(value.get("id")))
        turn.item = turn.role == "assistant"
        add_content(turn, value.get("content"))
        return turn
    return None


def _hosted(value: Mapping[str, Any], kind: str) -> Turn:
    """A tool that the provider itself ran: the call, and its result where it is told."""
    number = text(first(value, "call_id", "id"))
    name = text(value.get("name")) or kind.removesuffix("_call")
    given = value.get("arguments")
    if given is None:
        given = {key: one for key, one in value.items() if key not in _ABOUT}
    turn = Turn("assistant", calls=[Call(name, given, number)], item=True)
    said = first(value, "output", "outputs", "results", "error")
    if said is not None:
        turn.answers.append(Answer(result_text(said), number, name, bool(value.get("error"))))
    return turn
