"""LangSmith's runs as spans: what the clients of LangChain post, and what LangSmith exports."""

import hashlib
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage, ToolMessage
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import JsonValue

from agentalign_lc.guard.audit.signals import EVENT
from agentalign_lc.messages import message_text
from agentalign_lc.traces.chat import read_usage
from agentalign_lc.traces.chat.values import line, mapping, parsed, text
from agentalign_lc.traces.importers.langsmith_messages import (
    read_message,
    read_messages,
    read_reply,
)
from agentalign_lc.traces.importers.seen import seconds
from agentalign_lc.traces.order import ordered
from agentalign_lc.traces.trace import Span, SpanKind, SpanStatus, Trace

__all__ = ["Run", "parent_of", "read_spans", "read_trace", "trace_of"]

Run = Mapping[str, Any]
"""A run as its client posts it: ``id``, ``trace_id``, ``run_type``, ``inputs``, ``outputs``..."""

_KINDS: dict[str, SpanKind] = {
    "llm": "model",
    "chat_model": "model",
    "tool": "tool",
    "retriever": "retriever",
    "chain": "chain",
    "agent": "agent",
}
_PAUSE = re.compile(r"\s*(?:\w+\.)*(?:GraphInterrupt|NodeInterrupt)\b")
_CONTROL = re.compile(r"\s*(?:\w+\.)*ParentCommand\b")
"""LangGraph ends a node so when it goes on elsewhere: it is no error."""
_STACK = re.compile(r"Traceback \(most recent call last\)|\n[^\n]*\n\s+at ")
"""The way to the error, right behind what Python's or JavaScript's tracer says of it."""
_OURS = re.compile(
    r"langgraph_|ls_|lc_|checkpoint_|LANGSMITH_|LANGCHAIN_|__|thread_id$|revision_id$"
    r"|usage_metadata$|run_id$|graph_id$|_type$|stop$"
)
"""Metadata that the libraries write, not the app."""
_THREADS = ("thread_id", "session_id", "conversation_id")


def read_trace(runs: Iterable[Run], source: str = "langsmith") -> Trace:
    """Make a trace of the runs that belong to one.

    If its root is missing or has not ended, it is a part: its id is then that
    of the trace and a digest of its runs, ``attributes["part_of"]`` names the
    trace, so that the whole, or another part, can stand beside it.

    Args:
        runs: Whole runs, one for each id, in any order.
        source: Who saw them.

    Raises:
        ValueError: there is no run.

    Example:
        >>> trace = read_trace([{"id": "1", "name": "app", "run_type": "chain",
        ...     "start_time": "2026-11-21T10:00:00Z", "end_time": "2026-11-21T10:00:01Z"}])
        >>> trace.id, trace.spans[0].status, trace.spans[0].ended - trace.spans[0].started
        ('1', 'ok', 1.0)
    """
    runs = list(runs)
    if not runs:
        raise ValueError("a trace has at least one run")
    id = next((found for found in map(trace_of, runs) if found), str(runs[0]["id"]))
    root = next((run for run in runs if run["id"] == id), None)
    spans = ordered(_paused([span for run in runs for span in _read(run)]))
    first = root or min(runs, key=lambda run: seconds(run.get("start_time")) or math.inf)
    attributes: dict[str, JsonValue] = {}
    if isinstance(project := first.get("session_name"), str):
        attributes["project"] = project
    part = root is None or seconds(root.get("end_time")) is None
    if part:
        attributes["part_of"] = id
        names = "\n".join(sorted(str(run["id"]) for run in runs))
        id = f"{id}+{hashlib.sha256(names.encode()).hexdigest()[:8]}"
    return Trace(
        id=id,
        source=source,
        name=text(first.get("name")),
        thread=next((found for found in map(_thread, runs) if found), ""),
        spans=spans,
        attributes=attributes,
    )


def trace_of(run: Run) -> str:
    """Id of the trace that a run belongs to; empty if the run does not say.

    Example:
        >>> trace_of({"id": "2", "dotted_order": "20261121T101500000000Z1.20261121T101501000000Z2"})
        '1'
    """
    named = run.get("trace_id")
    if isinstance(named, str) and named:
        return named
    path = _path(run)
    if path:
        return path[0]
    return str(run["id"]) if "parent_run_id" in run and run["parent_run_id"] is None else ""


def parent_of(run: Run) -> str | None:
    """Id of the run inside which it ran; None for a root, or where nobody knows."""
    named = run.get("parent_run_id")
    if isinstance(named, str) and named:
        return named
    path = _path(run)
    return path[-2] if len(path) > 1 else None


def read_spans(run: Run) -> list[Span]:
    """The span of a run, and one for each decision of a guard among its events."""
    metadata = _metadata(run)
    kind = _kind(run, metadata)
    status, error = _end(run)
    span: dict[str, Any] = {
        "id": str(run["id"]),
        "parent": parent_of(run),
        "kind": kind,
        "name": text(run.get("name")),
        "node": text(metadata.get("langgraph_node")),
        "namespace": text(metadata.get("langgraph_checkpoint_ns")),
        "started": seconds(run.get("start_time")) or 0.0,
        "ended": seconds(run.get("end_time")),
        "status": status,
        "error": error,
        "attributes": _attributes(run, kind, metadata),
    }
    if kind == "model":
        span |= _of_model(run, metadata)
    elif kind == "tool":
        span |= _of_tool(run)
    elif kind == "retriever":
        span |= _of_retriever(run)
    made = Span.model_validate(span)
    return [made, *_verdicts(run, made)]


def _read(run: Run) -> list[Span]:
    try:
        return read_spans(run)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        # One run that is like none that anybody knows must not cost the others.
        attributes: dict[str, JsonValue] = {"unread": line(str(error))}
        return [Span(id=str(run["id"]), parent=parent_of(run), attributes=attributes)]


def _kind(run: Run, metadata: Mapping[str, Any]) -> SpanKind:
    kind = _KINDS.get(text(run.get("run_type")), "other")
    if kind == "chain" and metadata.get("ls_integration") == "langchain_create_agent":
        # All that runs inside an agent has its metadata; the agent itself has its name.
        return "agent" if run.get("name") == metadata.get("lc_agent_name", "LangGraph") else "chain"
    return kind


def _of_model(run: Run, metadata: Mapping[str, Any]) -> dict[str, Any]:
    inputs, outputs = mapping(run.get("inputs")), mapping(run.get("outputs"))
    extra = mapping(run.get("extra"))
    given = mapping(extra.get("invocation_params"))
    messages = read_messages(inputs.get("messages") or inputs.get("input"))
    if not messages and isinstance(prompts := inputs.get("prompts"), list):
        messages = tuple(_prompt(prompt) for prompt in prompts[:1])
    reply = read_reply(outputs)
    offered = (
        given.get("tools") or given.get("functions") or inputs.get("tools")
        or mapping(extra.get("options")).get("tools")
    )  # fmt: skip
    return {
        "messages": messages,
        "reply": reply,
        "tools": tuple(map(_schema, offered)) if isinstance(offered, list) else (),
        "usage": _usage(reply, metadata, outputs),
    }


def _of_tool(run: Run) -> dict[str, Any]:
    inputs, outputs = run.get("inputs"), mapping(run.get("outputs"))
    arguments: dict[str, Any] = _arguments(inputs)
    returned = outputs.get("output", outputs or None)
    answers = [one for one in _answers(returned) if isinstance(one, ToolMessage)]
    call_id = mapping(run.get("extra")).get("tool_call_id")
    if arguments.get("type") == "tool_call" and isinstance(arguments.get("args"), dict):
        call_id, arguments = call_id or arguments.get("id"), arguments["args"]
    message = read_message(returned)
    texts = [message_text(one) for one in answers or (message,) if one is not None]
    result = "\n".join(texts) if texts else _shown(returned)
    changed: dict[str, Any] = {
        "call_id": text(call_id or next((one.tool_call_id for one in answers), "")),
        "arguments": arguments,
        "result": result,
    }
    if any(one.status == "error" for one in answers):
        changed |= {"status": "error", "error": line(result)}
    return changed


def _answers(returned: object) -> Iterator[BaseMessage]:
    """Tool messages that a tool returned: bare, in a command that updates the state, in a list."""
    if isinstance(returned, list):
        for one in returned:
            yield from _answers(one)
    elif isinstance(update := mapping(returned).get("update"), Mapping):
        yield from read_messages(update.get("messages"))
    elif (message := read_message(returned)) is not None:
        yield message


def _of_retriever(run: Run) -> dict[str, Any]:
    documents = mapping(run.get("outputs")).get("documents")
    found = [mapping(one) for one in documents] if isinstance(documents, list) else []
    texts = [
        text(one.get("page_content") or mapping(one.get("kwargs")).get("page_content"))
        for one in found
    ]
    return {"arguments": dict(mapping(run.get("inputs"))), "result": "\n\n".join(texts)}


def _verdicts(run: Run, span: Span) -> list[Span]:
    events = run.get("events")
    found = []
    for index, event in enumerate(events if isinstance(events, list) else ()):
        if isinstance(event, Mapping) and event.get("name") == EVENT:
            when = seconds(event.get("time")) or span.started
            found.append(
                Span(
                    id=f"{span.id}:{EVENT}:{index}",
                    parent=span.id,
                    kind="verdict",
                    name=EVENT,
                    node=span.node,
                    namespace=span.namespace,
                    started=when,
                    ended=when,
                    attributes=dict(mapping(event.get("kwargs"))),
                )
            )
    return found


def _attributes(run: Run, kind: SpanKind, metadata: Mapping[str, Any]) -> dict[str, JsonValue]:
    own = {name: value for name, value in metadata.items() if not _OURS.match(name)}
    # Every node's state repeats the one before; the app's own says enough.
    tells = kind == "other" or (kind in ("chain", "agent") and parent_of(run) is None)
    found: dict[str, JsonValue] = {
        "tags": run.get("tags"),
        "metadata": own if parent_of(run) is None or kind in ("model", "tool") else None,
        "model": metadata.get("ls_model_name") if kind == "model" else None,
        "provider": metadata.get("ls_provider") if kind == "model" else None,
        "run_type": run.get("run_type") if kind == "other" else None,
        "input": run.get("inputs") if tells else None,
        "output": run.get("outputs") if tells else None,
    }
    return {name: value for name, value in found.items() if value}


def _end(run: Run) -> tuple[SpanStatus, str]:
    error = run.get("error")
    if isinstance(error, str) and error and not _CONTROL.match(error):
        if _PAUSE.match(error):
            return "paused", ""
        told = _STACK.split(error, maxsplit=1)[0]
        return "error", line(told or error)
    if seconds(run.get("end_time")) is None:
        return "open", ""
    return ("paused" if mapping(run.get("outputs")).get("__interrupt__") else "ok"), ""


def _usage(
    reply: BaseMessage | None, metadata: Mapping[str, Any], outputs: Mapping[str, Any]
) -> dict[str, int]:
    told = mapping(outputs.get("llm_output"))
    places = (
        getattr(reply, "usage_metadata", None),
        metadata.get("usage_metadata"),
        outputs.get("usage_metadata"),
        outputs.get("usage"),
        told.get("token_usage") or told.get("tokenUsage"),
    )
    return next((counts for counts in map(read_usage, places) if counts), {})


def _schema(tool: object) -> dict[str, Any]:
    if not isinstance(tool, Mapping):
        return {"type": "function", "function": {"name": text(tool)}}
    if tool.get("type") == "function" and isinstance(tool.get("function"), Mapping):
        return dict(tool)
    try:
        return convert_to_openai_tool(dict(tool))
    except (ValueError, TypeError, KeyError, AttributeError):
        return dict(tool)  # a tool of the provider's own (web search), which has no schema


def _arguments(inputs: object) -> dict[str, JsonValue]:
    """What a tool was given; both tracers turn it into text where they cannot tell."""
    if isinstance(inputs, Mapping) and set(inputs) == {"input"}:
        inner = inputs["input"]
        given = parsed(inner)
        return dict(given) if isinstance(given, Mapping) else {"input": inner}
    return dict(inputs) if isinstance(inputs, Mapping) else {}


def _prompt(prompt: object) -> BaseMessage:
    return HumanMessage(text(prompt))


def _paused(spans: list[Span]) -> list[Span]:
    """A graph whose node was interrupted has paused, too, and says nothing of it."""
    pausing = {span.parent for span in spans if span.status == "paused"}
    return [
        span.model_copy(update={"status": "paused"})
        if span.id in pausing and span.status == "ok" and span.kind in ("chain", "agent")
        else span
        for span in spans
    ]


def _path(run: Run) -> list[str]:
    """Ids from the root to the run, out of its dotted order: ``<time>Z<id>.<time>Z<id>``."""
    order = run.get("dotted_order")
    if not isinstance(order, str):
        return []
    return [id for _, _, id in (step.partition("Z") for step in order.split(".")) if id]


def _thread(run: Run) -> str:
    metadata = _metadata(run)
    return next((str(metadata[name]) for name in _THREADS if metadata.get(name)), "")


def _metadata(run: Run) -> Mapping[str, Any]:
    return mapping(mapping(run.get("extra")).get("metadata"))


def _shown(value: object) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False, default=str)
