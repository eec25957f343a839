"""OpenInference: ``llm.input_messages.N.message.*``, ``tool.*``, ``input.value``."""

from collections.abc import Iterator, Mapping
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage

from agentalign_lc.traces.chat import read_chat, read_tools, read_usage
from agentalign_lc.traces.chat.values import first, mapping, text
from agentalign_lc.traces.importers.dialects.attributes import Attributes, Raw, nested
from agentalign_lc.traces.trace import SpanKind

__all__ = ["read_openinference"]

_KINDS: dict[str, SpanKind] = {
    "LLM": "model",
    "TOOL": "tool",
    "AGENT": "agent",
    "CHAIN": "chain",
    "RETRIEVER": "retriever",
    "GUARDRAIL": "verdict",
}


def read_openinference(raw: Raw) -> Attributes | None:
    """Read the attributes of a span; None if they are no OpenInference.

    Example:
        >>> read_openinference({"openinference.span.kind": "LLM",
        ...     "llm.input_messages.0.message.role": "user",
        ...     "llm.input_messages.0.message.content": "Hi"}).messages[0].content
        'Hi'
    """
    kind = raw.get("openinference.span.kind")
    messages = _messages(nested(raw, "llm.input_messages"))
    replies = _messages(nested(raw, "llm.output_messages"))
    if kind is None and not messages and not replies:
        return None
    found = Attributes(kind=_KINDS.get(text(kind).upper(), "model" if kind is None else "other"))
    found.given, found.said = raw.get("input.value"), raw.get("output.value")
    found.name = text(first(raw, "tool.name", "tool_call.function.name", "agent.name"))
    found.thread = text(raw.get("session.id"))
    found.model = text(raw.get("llm.model_name"))
    if found.kind == "model":
        found.messages = tuple(messages) if messages else None
        found.reply = next((one for one in reversed(replies) if isinstance(one, AIMessage)), None)
        found.tools = read_tools(_tools(raw))
        found.usage = read_usage(nested(raw, "llm.token_count"))
    if found.kind == "tool":
        found.call_id = text(first(raw, "tool_call.id", "tool.call_id", "tool.id"))
        if found.given is None:
            found.given = first(raw, "tool_call.function.arguments", "tool.parameters")
    return found


def _tools(raw: Raw) -> list[object]:
    tools = nested(raw, "llm.tools")
    found = [_tool(one) for one in tools] if isinstance(tools, list) else []
    return found or [mapping(nested(raw, "llm.invocation_parameters")).get("tools")]


def _tool(value: object) -> object:
    inner = mapping(value).get("tool")
    return first(mapping(inner), "json_schema") or inner or value


def _messages(value: object) -> list[BaseMessage]:
    plain = [_message(mapping(one)) for one in value] if isinstance(value, list) else []
    return [*read_chat(plain).messages]


def _message(wrapped: Mapping[str, Any]) -> dict[str, Any]:
    """The message in OpenAI's shape: what OpenInference adds are wrappers around every part."""
    message = mapping(wrapped.get("message")) or wrapped
    plain = {name: one for name, one in message.items() if name != "contents"}
    if isinstance(message.get("contents"), list):
        parts = [*_parts(message["contents"])]
        plain["content"] = parts or message.get("content")
    name = message.get("function_call_name")
    if isinstance(name, str):
        arguments = message.get("function_call_arguments_json")
        plain["function_call"] = {"name": name, "arguments": arguments}
    plain.setdefault("role", "assistant")
    plain.setdefault("content", "")
    return plain


def _parts(contents: list[object]) -> Iterator[dict[str, Any]]:
    for one in contents:
        part = dict(mapping(mapping(one).get("message_content")) or mapping(one))
        if part.get("type") == "tool_use" and isinstance(part.get("tool_call"), Mapping):
            part = {"type": "tool_call", **part["tool_call"]}
        if isinstance(part.get("image"), Mapping):
            part = {"type": "image", **mapping(part["image"].get("image"))}
        if part:
            yield part
