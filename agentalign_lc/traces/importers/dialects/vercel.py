"""The Vercel AI SDK: ``ai.prompt.messages``, ``ai.response.*``, ``ai.toolCall.*``."""

from collections.abc import Mapping
from typing import Any

from agentalign_lc.traces.chat import read_chat, read_reply, read_tools, read_usage
from agentalign_lc.traces.chat.values import first, mapping, parsed, text
from agentalign_lc.traces.importers.dialects.attributes import Attributes, Raw, nested

__all__ = ["read_vercel"]


def read_vercel(raw: Raw) -> Attributes | None:
    """Read the attributes of a span; None if the SDK did not write them.

    Example:
        >>> read_vercel({"ai.operationId": "ai.generateText.doGenerate",
        ...     "ai.prompt.messages": '[{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]',
        ...     "ai.response.text": "Hello"}).reply.content
        'Hello'
    """
    operation = raw.get("ai.operationId")
    if not isinstance(operation, str):
        return None
    found = Attributes(thread=text(raw.get("ai.telemetry.metadata.sessionId")))
    found.model = text(first(raw, "ai.response.model", "ai.model.id"))
    if operation == "ai.toolCall":
        found.kind = "tool"
        found.name, found.call_id = (
            text(raw.get("ai.toolCall.name")),
            text(raw.get("ai.toolCall.id")),
        )
        found.given = first(raw, "ai.toolCall.args", "ai.toolCall.input")
        found.said = first(raw, "ai.toolCall.result", "ai.toolCall.output")
        return found
    if "embed" in operation.lower() or "rerank" in operation.lower():
        return found
    inner = operation.endswith((".doGenerate", ".doStream"))
    found.kind = "model" if inner else "agent"
    found.name = text(raw.get("ai.telemetry.functionId")) if not inner else ""
    prompt = first(raw, "ai.prompt.messages", "ai.prompt")
    found.messages = read_chat(prompt, plain=True).messages or None
    found.reply = read_reply(_answer(raw))
    found.tools = read_tools(raw.get("ai.prompt.tools"))
    found.usage = read_usage(nested(raw, "ai.usage"))
    return found


def _answer(raw: Raw) -> Mapping[str, Any] | None:
    said = first(
        raw, "ai.response.text", "ai.result.text", "ai.response.object", "ai.result.object"
    )
    calls = parsed(first(raw, "ai.response.toolCalls", "ai.result.toolCalls"))
    thought = raw.get("ai.response.reasoning")
    if said is None and not calls:
        return None
    return {
        "role": "assistant",
        "content": [{"type": "text", "text": text(said)}] if said else [],
        "reasoning_content": thought if isinstance(thought, str) else None,
        "tool_calls": [mapping(one) for one in calls] if isinstance(calls, list) else [],
    }
