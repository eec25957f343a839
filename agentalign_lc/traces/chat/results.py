"""What a tool returned, as the text that a model reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agentalign_lc.traces.chat.values import as_json, first, mapping, parsed, text

__all__ = ["ToolResult", "read_result", "result_text"]

_WRAPPED = {"text", "json", "content", "error-text", "error-json"}


@dataclass(frozen=True, slots=True)
class ToolResult:
    """A tool's return value, and what it says about the call."""

    text: str
    call: str = ""
    """Id of the call; empty if the value does not tell."""
    name: str = ""
    failed: bool = False


def result_text(value: object) -> str:
    """Return what a model is told: texts as they are, text blocks joined, the rest as JSON.

    Example:
        >>> result_text([{"type": "text", "text": "Sent."}]), result_text({"ok": True})
        ('Sent.', '{"ok": true}')
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return _blocks(parsed(value)) or value if value.lstrip()[:2] in ("[{", "[ ") else value
    if isinstance(value, Mapping) and value.get("type") in _WRAPPED and "value" in value:
        return result_text(value["value"])  # the Vercel AI SDK says what kind of output it is
    return _blocks(value) or as_json(value)


def _blocks(value: object) -> str:
    """Texts of a list that has nothing but text blocks."""
    if not isinstance(value, list) or not value:
        return ""
    texts = [_block(one) for one in value]
    return "\n".join(texts) if all(texts) else ""


def _block(value: object) -> str:
    if not isinstance(value, Mapping):
        return ""
    if value.get("type") in ("text", "input_text", "output_text") or value.keys() == {"text"}:
        said = value.get("text")
        return said if isinstance(said, str) else ""
    if value.keys() == {"json"}:
        return as_json(value["json"])  # Bedrock
    return ""


def read_result(value: object) -> ToolResult:
    """Read a tool's output as a tracer kept it: bare, in a wrapper, or a LangChain message.

    Example:
        >>> read_result({"output": {"type": "tool", "content": "Sent.", "tool_call_id": "1"}})
        ToolResult(text='Sent.', call='1', name='', failed=False)
    """
    found = parsed(value)
    for _ in range(4):
        if isinstance(found, list) and len(found) == 1 and _tool_message(found[0]):
            found = found[0]
        if not isinstance(found, Mapping):
            break
        if message := _tool_message(found):
            return ToolResult(
                result_text(message.get("content")),
                text(message.get("tool_call_id")),
                text(message.get("name")),
                message.get("status") == "error",
            )
        inner = found.get("update") if "update" in found else None
        if isinstance(inner, Mapping) and _tool_message(_last(inner.get("messages"))):
            found = _last(inner.get("messages"))  # a Command that a tool returned
        elif found.keys() in ({"output"}, {"result"}, {"content"}):
            found = parsed(next(iter(found.values())))
        else:
            break
    return ToolResult(
        result_text(value if isinstance(value, str) and found == parsed(value) else found)
    )


def _last(value: object) -> object:
    return value[-1] if isinstance(value, list) and value else None


def _tool_message(value: object) -> Mapping[str, Any]:
    """The fields of a LangChain tool message in any of its forms; empty for anything else."""
    if not isinstance(value, Mapping):
        return {}
    names = value.get("id")
    if value.get("type") == "constructor" and isinstance(names, list) and names:
        return mapping(value.get("kwargs")) if str(names[-1]).startswith("ToolMessage") else {}
    if value.get("type") == "tool" and isinstance(value.get("data"), Mapping):
        return mapping(value["data"])
    if value.get("type") == "tool" or value.get("role") == "tool":
        return value if "content" in value and first(value, "tool_call_id") is not None else {}
    return {}
