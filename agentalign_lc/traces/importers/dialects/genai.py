"""OpenTelemetry's GenAI conventions, old and new, and what frameworks wrote before them.

Messages stand in ``gen_ai.input.messages`` (since 1.37), in events (1.28 to 1.36),
in ``gen_ai.prompt.N.*`` (OpenLLMetry), or in attributes of a framework's own
(pydantic-ai, Google's ADK).
"""

from collections.abc import Iterator, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, SystemMessage

from agentalign_lc.traces.chat import read_chat, read_tools, read_usage
from agentalign_lc.traces.chat.values import first, mapping, parsed, text
from agentalign_lc.traces.importers.dialects.attributes import Attributes, Raw, nested
from agentalign_lc.traces.importers.dialects.events import Event, read_events
from agentalign_lc.traces.trace import SpanKind

__all__ = ["read_genai"]

_OPERATIONS: dict[str, SpanKind] = {
    **dict.fromkeys(
        ("chat", "text_completion", "generate_content", "completion", "responses"), "model"
    ),
    "execute_tool": "tool",
    **dict.fromkeys(("invoke_agent", "create_agent", "agent"), "agent"),
    **dict.fromkeys(("invoke_workflow", "workflow", "task", "chain"), "chain"),
    "retrieval": "retriever",
}
_KINDS: dict[str, SpanKind] = {
    **dict.fromkeys(("llm", "generation", "model", "chat"), "model"),
    "tool": "tool",
    "agent": "agent",
    **dict.fromkeys(("workflow", "task", "chain", "span"), "chain"),
    "retriever": "retriever",
    "guardrail": "verdict",
}
_INPUTS = (
    "gen_ai.input.messages",
    "gen_ai.prompt",
    "gen_ai.request.messages",
    "llm.prompts",
    "gcp.vertex.agent.llm_request",
    "request_data",
    "langfuse.observation.input",
    "traceloop.entity.input",
    "input.value",
    "input",
)
_OUTPUTS = (
    "gen_ai.output.messages",
    "gen_ai.completion",
    "gen_ai.response.messages",
    "llm.completions",
    "gcp.vertex.agent.llm_response",
    "response_data",
    "langfuse.observation.output",
    "traceloop.entity.output",
    "output.value",
    "output",
)
_ARGUMENTS = (
    "gen_ai.tool.call.arguments",
    "tool_arguments",
    "gcp.vertex.agent.tool_call_args",
    "mcp.request.argument",
    "langfuse.observation.input",
    "traceloop.entity.input",
    "input.value",
    "input",
)
_RESULTS = (
    "gen_ai.tool.call.result",
    "tool_response",
    "gcp.vertex.agent.tool_response",
    "gen_ai.tool.message",
    "langfuse.observation.output",
    "traceloop.entity.output",
    "output.value",
    "output",
)


def read_genai(raw: Raw, events: Sequence[Event] = ()) -> Attributes | None:
    """Read the attributes and events of a span; None if they are none of GenAI.

    Example:
        >>> read_genai({"gen_ai.operation.name": "chat", "gen_ai.prompt.0.role": "user",
        ...     "gen_ai.prompt.0.content": "Hi"}).messages[0].content
        'Hi'
    """
    kind = _kind(raw, events)
    if kind is None:
        return None
    found = Attributes(kind=kind)
    found.thread = text(first(raw, "gen_ai.conversation.id", "session.id", "langfuse.session.id"))
    found.model = text(first(raw, "gen_ai.response.model", "gen_ai.request.model"))
    if kind == "tool":
        return _tool(raw, events, found)
    said = read_events(events, raw.get("events"))
    found.messages = _given(raw, said.messages, model=kind == "model")
    found.reply = _reply(raw, said.reply, model=kind == "model")
    if kind != "model":
        found.name = text(first(raw, "gen_ai.agent.name", "traceloop.entity.name", "agent_name"))
        found.given = found.given or first(raw, *_INPUTS)
        found.said = found.said or first(
            raw, *_OUTPUTS, "pydantic_ai.all_messages", "all_messages_events"
        )
        if found.messages is None and found.reply is None:
            return found
        if found.messages is None and (chat := read_chat(found.said, "assistant").messages):
            found.messages, found.reply = chat, None
        return found
    found.tools = _tools(raw) or said.tools
    found.usage = read_usage(nested(raw, "gen_ai.usage")) or read_usage(nested(raw, "llm.usage"))
    return found


def _kind(raw: Raw, events: Sequence[Event]) -> SpanKind | None:
    operation = text(raw.get("gen_ai.operation.name")).lower()
    if operation:
        return _OPERATIONS.get(operation, "other")
    for name in ("gen_ai.span.kind", "traceloop.span.kind", "langfuse.observation.type"):
        if raw.get(name) is not None:
            return _KINDS.get(text(raw[name]).lower(), "other")
    return next((kind for kind, signs in _signs(raw, events) if signs), None)


def _signs(raw: Raw, events: Sequence[Event]) -> Iterator[tuple[SpanKind, bool]]:
    """What a span may be that does not say so, the surest first."""
    request = raw.get("llm.request.type")
    yield "model", request in ("chat", "completion")
    yield "other", request is not None
    yield "tool", first(raw, "gen_ai.tool.name", "gen_ai.tool.call.id") is not None
    yield "tool", raw.get("mcp.method.name") == "tools/call"
    asked = ("gen_ai.prompt", "gen_ai.input.", "gen_ai.request.", "llm.prompts")
    yield "model", any(name.startswith(asked) for name in raw)
    yield "agent", first(raw, "gen_ai.agent.name", "gen_ai.agent.id", "agent_name") is not None
    yield "model", raw.get("gen_ai.usage.output_tokens") is not None
    yield "other", first(raw, "gen_ai.system", "gen_ai.provider.name") is not None
    yield "model", any(one.name.startswith("gen_ai.") for one in events)


def _tool(raw: Raw, events: Sequence[Event], found: Attributes) -> Attributes:
    found.name = text(first(raw, "gen_ai.tool.name", "traceloop.entity.name", "mcp.tool.name"))
    found.call_id = text(first(raw, "gen_ai.tool.call.id", "gcp.vertex.agent.tool_call_id"))
    found.given, found.said = first(raw, *_ARGUMENTS), first(raw, *_RESULTS)
    status = text(first(raw, "gen_ai.tool.status", "tool.status")).lower()
    found.failed = text(found.said) if status == "error" else ""
    for event in events:
        content = first(event.body, "content", "message")
        if event.name == "gen_ai.tool.message" and found.given is None:
            found.given = content
        if event.name == "gen_ai.choice" and found.said is None:
            found.said = content
    return found


def _given(raw: Raw, told: Sequence[BaseMessage], *, model: bool) -> tuple[BaseMessage, ...] | None:
    system = _system(raw.get("gen_ai.system_instructions"))
    messages: Sequence[BaseMessage] = ()
    for name in _INPUTS:
        value = _valued(
            nested(raw, name)
            if name.startswith(("gen_ai.prompt", "llm.prompts"))
            else raw.get(name)
        )
        if value is not None and (messages := read_chat(value, plain=model).messages):
            break
    messages = messages or told
    if not messages:
        return None
    known = any(isinstance(one, SystemMessage) for one in messages)
    return (*(() if known else system), *messages)


def _reply(raw: Raw, told: AIMessage | None, *, model: bool) -> AIMessage | None:
    for name in _OUTPUTS:
        indexed = name.startswith(("gen_ai.completion", "llm.completions"))
        value = _valued(nested(raw, name) if indexed else raw.get(name))
        if value is None:
            continue
        said = read_chat(value, "assistant", plain=model).messages
        replies = [one for one in said if isinstance(one, AIMessage)]
        if replies and (model or len(said) == 1):
            return replies[-1]
    return told


def _valued(value: object) -> object:
    """Indexed prompts in OpenAI's shape: a role where none is told, calls under a number."""
    if not isinstance(value, list):
        return value
    return [
        {"role": "assistant", **one} if isinstance(one, dict) and "finish_reason" in one else one
        for one in value
    ]


def _system(value: object) -> tuple[BaseMessage, ...]:
    if value is None:
        return ()
    found = parsed(value)
    parts = found if isinstance(found, list) else [found]
    texts = [
        text(first(mapping(one), "content", "text") if isinstance(one, dict) else one)
        for one in parts
    ]
    joined = "\n".join(one for one in texts if one)
    return (SystemMessage(joined),) if joined else ()


def _tools(raw: Raw) -> tuple[dict[str, Any], ...]:
    places = (
        raw.get("gen_ai.tool.definitions"),
        raw.get("gen_ai.request.tools"),
        nested(raw, "llm.request.functions"),
        mapping(raw.get("model_request_parameters")).get("function_tools"),
        mapping(raw.get("gcp.vertex.agent.llm_request")).get("config", {}),
    )
    for place in places:
        tools = place.get("tools") if isinstance(place, dict) and "tools" in place else place
        if tools and (found := read_tools(tools)):
            return found
    return ()
