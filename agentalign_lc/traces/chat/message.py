"""One message of a chat: OpenAI's, Anthropic's, Gemini's, Bedrock's, Inspect's, OpenTelemetry's."""

from collections.abc import Mapping
from typing import Any

from agentalign_lc.traces.chat.parts import add_content
from agentalign_lc.traces.chat.results import result_text
from agentalign_lc.traces.chat.turn import Answer, Call, Turn, role_of
from agentalign_lc.traces.chat.values import entry, first, mapping, parsed, text

__all__ = ["is_message", "read_message"]

_SAYS = (
    "content",
    "contents",
    "parts",
    "tool_calls",
    "toolCalls",
    "function_call",
    "refusal",
    "audio",
)


def is_message(value: object) -> bool:
    """Whether it has a role, and something that it says or calls.

    Example:
        >>> is_message({"role": "user", "content": "Hi"}), is_message({"role": "admin"})
        (True, False)
    """
    if not isinstance(value, Mapping) or not isinstance(value.get("role"), str):
        return False
    return any(name in value for name in _SAYS) or role_of(value["role"]) == "assistant"


def read_message(value: Mapping[str, Any]) -> Turn:
    """Read a message into a turn; a role that nobody knows is a user with that name.

    Example:
        >>> turn = read_message({"role": "model", "parts": [{"text": "Hello"}]})
        >>> turn.role, turn.texts
        ('assistant', ['Hello'])
    """
    role = role_of(value["role"])
    turn = Turn(role or "user", name=text(first(value, "name", "author")))
    if role is None:
        turn.name = turn.name or value["role"]
    if isinstance(value.get("id"), str) and role != "tool":
        turn.id = value["id"]
    content = _content(value)
    if turn.role == "tool":
        _add_answer(turn, value, content)
        return turn
    add_content(turn, content)
    extra = mapping(value.get("additional_kwargs"))
    turn.refusal = turn.refusal or text(first(value, "refusal") or extra.get("refusal"))
    thought = first(value, "reasoning_content", "reasoning") or extra.get("reasoning_content")
    if isinstance(thought, str) and thought:
        turn.reasoning.append(thought)
    _add_calls(turn, value, extra)
    return turn


def _content(value: Mapping[str, Any]) -> object:
    content = first(value, "content", "contents", "parts")
    if isinstance(content, str) and content.lstrip()[:2] in ("[{", "[ "):
        # Some tracers write the list of parts as a string.
        inner = parsed(content)
        if isinstance(inner, list) and inner and all(_typed(one) for one in inner):
            return inner
    if isinstance(content, Mapping) and isinstance(content.get("content"), str | list):
        return content["content"]  # logged as a message inside of a message
    return content


def _typed(value: object) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("type"), str)


def _add_answer(turn: Turn, value: Mapping[str, Any], content: object) -> None:
    """A tool's message: the results inside its content, or else its content."""
    if isinstance(content, list):
        add_content(turn, content)
        if turn.answers:
            turn.texts.clear()
            return
        turn.texts.clear()
        turn.media.clear()
    error = value.get("error")
    said = result_text(content)
    if isinstance(error, Mapping) and not said:
        said = text(error.get("message"))
    turn.answers.append(
        Answer(
            said,
            text(first(value, "tool_call_id", "toolCallId", "tool_use_id", "call_id", "id")),
            text(first(value, "name", "function", "tool_name", "toolName")),
            bool(error) or value.get("status") == "error" or value.get("is_error") is True,
        )
    )
    turn.name = ""


def _add_calls(turn: Turn, value: Mapping[str, Any], extra: Mapping[str, Any]) -> None:
    calls = parsed(
        first(value, "tool_calls", "toolCalls") or first(extra, "tool_calls", "toolCalls")
    )
    known = {call.id for call in turn.calls if call.id}
    for raw in calls if isinstance(calls, list) else ():
        call = _call(mapping(raw))
        if call is not None and (not call.id or call.id not in known):
            turn.calls.append(call)
    for raw in parsed(value.get("invalid_tool_calls")) or ():
        call = _call(mapping(raw))
        if call is not None and call.id not in known:
            turn.calls.append(call)
    single = first(value, "function_call") or extra.get("function_call")
    if not turn.calls and isinstance(single, Mapping) and single.get("name"):
        turn.calls.append(Call(text(single["name"]), single.get("arguments")))


def _call(raw: Mapping[str, Any]) -> Call | None:
    """OpenAI's nested function, its flat form (Inspect, LangChain), or OpenInference's wrapper."""
    raw = mapping(raw["tool_call"]) if "tool_call" in raw else raw
    function = raw.get("function")
    inner = function if isinstance(function, Mapping) else raw
    name = function if isinstance(function, str) else None
    name = name or first(inner, "name", "toolName", "tool_name") or entry(raw, "custom", "name")
    if not isinstance(name, str):
        return None
    arguments = first(inner, "arguments", "args", "input", "parameters")
    if arguments is None:
        arguments = entry(raw, "custom", "input")
    number = first(raw, "id", "tool_call_id", "toolCallId", "call_id")
    return Call(name, arguments, text(number))
