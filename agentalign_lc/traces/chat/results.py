"""What a tool returned, as the text that a model reads."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agentalign_lc.traces.chat.langchain import as_message
from agentalign_lc.traces.chat.turn import role_of
from agentalign_lc.traces.chat.values import as_json, first, mapping, parsed, text

__all__ = ["ToolResult", "documents_text", "read_result", "result_text"]

_WRAPPED = {"text", "json", "content", "error-text", "error-json"}
_NESTED = 3
"""How deep lists of results are looked into."""


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
    if isinstance(value, Mapping) and str(value.get("type")) in _WRAPPED and "value" in value:
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


def read_result(value: object, call: str = "") -> ToolResult:
    """Read a tool's output as a tracer kept it: bare, in a wrapper, or LangChain messages.

    Args:
        value: The output; of a command, the results that it adds to the messages.
        call: Id of the call, where it is known: of several results, those to it count.

    Example:
        >>> read_result({"output": {"type": "tool", "content": "Sent.", "tool_call_id": "1"}})
        ToolResult(text='Sent.', call='1', name='', failed=False)
    """
    for _ in range(4):
        found = parsed(value)
        if answers := _answers(found, call):
            return ToolResult(
                "\n".join(result_text(one.get("content")) for one in answers),
                text(answers[0].get("tool_call_id")),
                text(answers[0].get("name")),
                any(one.get("status") == "error" for one in answers),
            )
        if not isinstance(found, Mapping) or found.keys() not in _WRAPPERS:
            break
        value = next(iter(found.values()))
    said = as_message(found) if isinstance(found, Mapping) else None
    return ToolResult(result_text(value if said is None else said["content"]))


_WRAPPERS = ({"output"}, {"result"}, {"content"})


def _answers(value: object, call: str, depth: int = 0) -> list[Mapping[str, Any]]:
    """The tool messages that a value is, has nothing but, or adds to the state."""
    if isinstance(value, list) and depth < _NESTED:
        each = [_answers(one, call, depth + 1) for one in value]
        return [one for some in each for one in some] if all(each) else []
    if not isinstance(value, Mapping):
        return []
    if message := _tool_message(value):
        return [message]
    update = value.get("update")
    return _added(mapping(update).get("messages"), call) if "update" in value else []


def _added(messages: object, call: str) -> list[Mapping[str, Any]]:
    """Those behind the last answer of a model: a command may repeat the whole conversation."""
    found: list[Mapping[str, Any]] = []
    for one in reversed(messages if isinstance(messages, list) else [messages]):
        if message := _tool_message(one):
            found.insert(0, message)
        elif role_of(mapping(as_message(one)).get("role")) == "assistant":
            break
    own = [one for one in found if call and one.get("tool_call_id") == call]
    return own or found


def documents_text(value: object) -> str:
    r"""Texts of the documents that a retriever found; of anything else what a tool's would be.

    Example:
        >>> documents_text({"documents": [{"page_content": "High water"}, {"page_content": "Low"}]})
        'High water\n\nLow'
    """
    found = parsed(value)
    found = first(found, "documents", "output") if isinstance(found, Mapping) else found
    each = [mapping(one) for one in found] if isinstance(found, list) else []
    texts = [first(one, "page_content", "pageContent", "content", "text") for one in _bare(each)]
    if texts and all(isinstance(one, str) for one in texts):
        return "\n\n".join(texts)
    return read_result(value).text


def _bare(documents: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Documents without what LangChain writes around them."""
    for one in documents:
        yield mapping(one["kwargs"]) if one.get("type") == "constructor" else one


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
