"""Content parts: pieces of a message that are texts, calls, results or media.

Anthropic, Bedrock, Gemini, OpenAI, OpenTelemetry and the Vercel AI SDK each have
their own; their names do not clash, so that one table knows them all.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from agentalign_lc.traces.chat.results import result_text
from agentalign_lc.traces.chat.turn import Answer, Call, Turn
from agentalign_lc.traces.chat.values import first, mapping, text

__all__ = ["add_content", "is_part"]

_Part = Mapping[str, Any]


def add_content(turn: Turn, content: object) -> None:
    """Add a message's content to a turn: a text, a part, or a list of them.

    Example:
        >>> turn = Turn("assistant")
        >>> add_content(turn, [{"type": "text", "text": "Hm."}, {"functionCall": {"name": "go"}}])
        >>> turn.texts, turn.calls[0].name
        (['Hm.'], 'go')
    """
    if isinstance(content, str):
        if content:
            turn.texts.append(content)
    elif isinstance(content, Mapping):
        if isinstance(content.get("parts"), list) and "type" not in content:
            add_content(turn, content["parts"])
        else:
            _add_part(turn, content)
    elif isinstance(content, Iterable):
        for one in content:
            add_content(turn, one)
    elif content is not None:
        turn.texts.append(text(content))


def is_part(value: object) -> bool:
    """Whether it is a content part and no message.

    Example:
        >>> is_part({"type": "text", "text": "Hi"}), is_part({"role": "user", "content": "Hi"})
        (True, False)
    """
    if not isinstance(value, Mapping) or "role" in value:
        return False
    if any(str(value.get(name)) in _BY_TYPE for name in ("type", "block_type")):
        return True
    if _bare_call(value) or _bare_result(value):
        return True
    return any(name in value for name in _BY_KEY) or value.keys() == {"text"}


def _add_part(turn: Turn, part: _Part) -> None:
    kind = str(part.get("type") or part.get("block_type") or "")
    if add := _BY_TYPE.get(kind):
        add(turn, part)
        return
    if kind.startswith("tool-") or kind == "dynamic-tool":
        _ui_tool(turn, part, kind)
        return
    for name, add in _BY_KEY.items():
        if isinstance(part.get(name), Mapping):
            add(turn, part[name])
            return
    if _bare_call(part) or _bare_result(part):
        (_call if _bare_call(part) else _result)(turn, part)
        return
    said = part.get("text")
    if not kind and isinstance(said, str):
        (turn.reasoning if part.get("thought") is True else turn.texts).append(said)
    elif not kind and turn.role == "tool":
        turn.texts.append(text(part))
    elif kind not in _SILENT:
        turn.media.append(dict(part))


def _bare_call(part: _Part) -> bool:
    """A call that no type marks: AutoGen's, and those of the Vercel AI SDK's answers."""
    names = part.keys()
    return {"toolName", "toolCallId"} <= names or (
        {"id", "name", "arguments"} <= names and "type" not in names
    )


def _bare_result(part: _Part) -> bool:
    return {"call_id", "content"} <= part.keys() and "type" not in part


_SILENT = {"step-start", "step-finish", "finish-step", "start-step", "item_reference", "cachePoint"}


def _text(turn: Turn, part: _Part) -> None:
    said = first(part, "text", "content", "value")
    if isinstance(said, Mapping):
        said = first(said, "value", "text")
    if said not in (None, ""):
        turn.texts.append(text(said))


def _reasoning(turn: Turn, part: _Part) -> None:
    thought = first(part, "thinking", "reasoning", "text", "content", "summary")
    if isinstance(thought, list):
        thought = "\n".join(text(mapping(one).get("text")) for one in thought)
    if thought:
        turn.reasoning.append(text(thought))


def _refusal(turn: Turn, part: _Part) -> None:
    turn.refusal = turn.refusal or text(first(part, "refusal", "text", "content"))


def _call(turn: Turn, part: _Part) -> None:
    function = part.get("function")
    inner = function if isinstance(function, Mapping) else part
    name = function if isinstance(function, str) else first(inner, "name", "toolName", "tool_name")
    turn.calls.append(
        Call(
            text(name),
            first(inner, "arguments", "args", "input"),
            text(first(part, "call_id", "toolCallId", "tool_call_id", "toolUseId", "id")),
        )
    )


def _result(turn: Turn, part: _Part) -> None:
    value = first(part, "content", "output", "response", "result", "value")
    turn.answers.append(
        Answer(
            result_text(value),
            text(
                first(
                    part, "tool_use_id", "toolUseId", "toolCallId", "tool_call_id", "call_id", "id"
                )
            ),
            text(first(part, "name", "toolName", "tool_name")),
            part.get("is_error") is True
            or part.get("isError") is True
            or part.get("status") == "error"
            or str(mapping(value).get("type", "")).startswith("error"),
        )
    )


def _invocation(turn: Turn, part: _Part) -> None:
    inner = mapping(part.get("toolInvocation"))
    _call(turn, inner)
    if "result" in inner:
        _result(turn, inner)


def _ui_tool(turn: Turn, part: _Part, kind: str) -> None:
    name = text(part.get("toolName")) or kind.removeprefix("tool-")
    number = text(part.get("toolCallId"))
    turn.calls.append(Call(name, part.get("input"), number))
    if part.get("output") is not None or part.get("errorText"):
        said = first(part, "output", "errorText")
        turn.answers.append(
            Answer(result_text(said), number, name, failed=bool(part.get("errorText")))
        )


_BY_TYPE: dict[str, Callable[[Turn, _Part], None]] = {
    **dict.fromkeys(("text", "input_text", "output_text"), _text),
    **dict.fromkeys(
        ("thinking", "reasoning", "redacted_thinking", "reasoning_content"), _reasoning
    ),
    "refusal": _refusal,
    **dict.fromkeys(
        ("tool_use", "server_tool_use", "mcp_tool_use", "tool_call", "tool-call", "function_call"),
        _call,
    ),
    **dict.fromkeys(
        (
            "tool_result",
            "mcp_tool_result",
            "web_search_tool_result",
            "tool_call_response",
            "tool_response",
            "tool-result",
            "function_response",
        ),
        _result,
    ),
    "tool-invocation": _invocation,
}

_BY_KEY: dict[str, Callable[[Turn, _Part], None]] = {
    **dict.fromkeys(("functionCall", "function_call", "toolUse"), _call),
    **dict.fromkeys(("functionResponse", "function_response", "toolResult"), _result),
    "tool_call": _call,
    "tool_call_result": _result,
    "reasoningContent": lambda turn, part: _reasoning(turn, mapping(part.get("reasoningText"))),
}
