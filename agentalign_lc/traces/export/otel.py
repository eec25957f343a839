"""Export as OpenTelemetry spans: OTLP in JSON, one export request a line, GenAI conventions.

Attributes follow the semantic conventions for generative AI (development
status, 2026): ``gen_ai.operation.name``, ``gen_ai.input.messages`` and so on,
messages as parts. A collector's file receiver reads the lines as they are.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from agentalign_lc.messages import message_text
from agentalign_lc.seeds import canonical_json
from agentalign_lc.traces.trace import Label, Span, SpanKind, Trace

__all__ = ["otel_row"]

_OPERATIONS: dict[SpanKind, str] = {
    "model": "chat",
    "tool": "execute_tool",
    "agent": "invoke_agent",
    "retriever": "retrieval",
}
_CLIENT, _INTERNAL = 3, 1
_OK, _ERROR = 1, 2


def otel_row(trace: Trace, label: Label | None = None) -> dict[str, Any]:
    """A trace as one OTLP export request.

    Example:
        >>> row = otel_row(Trace(id="t", source="recorder", spans=(Span(id="a", name="agent"),)))
        >>> row["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["name"]
        'agent'
    """
    resource = {"service.name": trace.name or "app", "agentalign.source": trace.source}
    if label is not None:
        resource["agentalign.label"] = label.label
    spans = [_span(trace, span) for span in trace.spans]
    scope = {"scope": {"name": "agentalign_lc"}, "spans": spans}
    return {
        "resourceSpans": [{"resource": {"attributes": _listed(resource)}, "scopeSpans": [scope]}]
    }


def _span(trace: Trace, span: Span) -> dict[str, Any]:
    made: dict[str, Any] = {
        "traceId": _hex(trace.id, 32),
        "spanId": _hex(span.id, 16),
        "name": span.name or span.kind,
        "kind": _CLIENT if span.kind == "model" else _INTERNAL,
        "startTimeUnixNano": _nanoseconds(span.started),
        "endTimeUnixNano": _nanoseconds(span.ended if span.ended is not None else span.started),
        "attributes": _listed(dict(_attributes(trace, span))),
        "status": {"code": _ERROR, "message": span.error}
        if span.status == "error"
        else {"code": _OK},
    }
    if span.parent is not None:
        made["parentSpanId"] = _hex(span.parent, 16)
    return made


def _attributes(trace: Trace, span: Span) -> Iterator[tuple[str, Any]]:
    operation = _OPERATIONS.get(span.kind)
    if operation:
        yield "gen_ai.operation.name", operation
    if span.kind == "model":
        yield from _of_model(span)
    if span.kind == "tool":
        yield from _of_tool(span)
    where = {
        "gen_ai.conversation.id": trace.thread,
        "langgraph.node": span.node,
        "langgraph.checkpoint_ns": span.namespace,
        "agentalign.status": span.status,
    }
    yield from ((name, value) for name, value in where.items() if value)
    for name, value in span.attributes.items():
        yield f"agentalign.{name}", value if isinstance(value, str) else canonical_json(value)


def _of_model(span: Span) -> Iterator[tuple[str, Any]]:
    yield "gen_ai.input.messages", json.dumps([_said(m) for m in span.messages])
    if span.reply is not None:
        yield "gen_ai.output.messages", json.dumps([_said(span.reply)])
    if span.tools:
        yield "gen_ai.tool.definitions", canonical_json(list(span.tools))
    for name in ("input_tokens", "output_tokens"):
        if name in span.usage:
            yield f"gen_ai.usage.{name}", span.usage[name]


def _of_tool(span: Span) -> Iterator[tuple[str, Any]]:
    yield "gen_ai.tool.name", span.name
    yield "gen_ai.tool.call.id", span.call_id
    yield "gen_ai.tool.call.arguments", canonical_json(span.arguments)
    yield "gen_ai.tool.call.result", span.result


def _said(message: BaseMessage) -> dict[str, Any]:
    """A message as role and parts."""
    text = message_text(message)
    if isinstance(message, ToolMessage):
        answer = {"type": "tool_call_response", "id": message.tool_call_id, "response": text}
        return {"role": "tool", "parts": [answer]}
    parts: list[dict[str, Any]] = [{"type": "text", "content": text}] if text else []
    if isinstance(message, AIMessage):
        parts += [
            {"type": "tool_call", "id": call["id"], "name": call["name"], "arguments": call["args"]}
            for call in message.tool_calls
        ]
        return {"role": "assistant", "parts": parts, "finish_reason": _ending(message)}
    if isinstance(message, SystemMessage):
        return {"role": "system", "parts": parts}
    return {"role": "user" if isinstance(message, HumanMessage) else message.type, "parts": parts}


def _ending(message: AIMessage) -> str:
    return "tool_call" if message.tool_calls else "stop"


def _listed(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in attributes.items()]


def _value(value: object) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": str(value)}


def _hex(name: str, length: int) -> str:
    """An id of the length that OTLP wants: itself if it fits, else a digest of it."""
    plain = name.replace("-", "").lower()
    if re.fullmatch(rf"[0-9a-f]{{{length}}}", plain) and set(plain) != {"0"}:
        return plain
    return hashlib.sha256(name.encode()).hexdigest()[:length]


def _nanoseconds(seconds: float) -> str:
    return str(round(seconds * 1_000_000_000))
