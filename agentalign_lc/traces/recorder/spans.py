"""From what was seen to a trace: pure functions, run by the writer."""

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage, message_to_dict
from langchain_core.utils.function_calling import convert_to_openai_tool
from langgraph.types import Command
from pydantic import BaseModel, JsonValue

from agentalign_lc.messages import message_text
from agentalign_lc.traces.recorder.seen import SeenRun, SeenTrace
from agentalign_lc.traces.trace import Span, SpanKind, SpanStatus, Trace

__all__ = ["openai_tools", "spans", "trace_of"]

_DEEPEST = 12
_OURS = ("langgraph_", "ls_", "lc_", "checkpoint", "__", "thread_id")
"""How names of metadata begin that are not the user's."""
_COUNTS = {
    "input_tokens": ("input_tokens", "prompt_tokens"),
    "output_tokens": ("output_tokens", "completion_tokens"),
    "total_tokens": ("total_tokens",),
}


def trace_of(seen: SeenTrace, made: Iterable[Span] | None = None) -> Trace:
    """Make the trace of what was seen.

    Args:
        seen: What was seen.
        made: Its spans, where they were made already.
    """
    root = seen.root
    attributes: dict[str, JsonValue] = {
        name: value
        for name, value in root.metadata.items()
        if isinstance(value, str | int | float | bool) and not name.startswith(_OURS)
    }
    if tags := [tag for tag in root.tags if not tag.startswith("seq:")]:
        attributes["tags"] = [*tags]
    if seen.stranger:
        attributes["parent"] = seen.stranger
    if seen.left_out:
        attributes["spans_left_out"] = seen.left_out
    return Trace(
        id=root.id,
        source="recorder",
        name=root.name,
        thread=str(root.metadata.get("thread_id") or ""),
        spans=tuple(spans(seen) if made is None else made),
        attributes=attributes,
    )


def spans(seen: SeenTrace) -> Iterator[Span]:
    """Yield the spans of what was seen, one at a time."""
    _pass_pauses_up(seen.runs)
    for run in seen.runs:
        try:
            yield _span(run, is_root=run is seen.root)
        except Exception as error:  # noqa: BLE001 - one odd value must not cost the trace
            yield Span(**_frame(run), attributes={"unreadable": f"{type(error).__name__}: {error}"[:500]})  # fmt: skip


def _pass_pauses_up(runs: Sequence[SeenRun]) -> None:
    """Mark as paused what ended with a pause inside: a graph swallows the interrupts of its nodes."""
    last_start: dict[str, float] = {}
    pauses: dict[str, SeenRun] = {}
    for run in reversed(runs):  # children before their parents
        inside = pauses.get(run.id) if run.kind == "chain" and run.ending is None else None
        # What went on after the pause was resumed in between, or never paused itself.
        if inside is not None and inside.ended and last_start[run.id] <= inside.ended:
            run.ending = inside.ending
        if run.parent is not None:
            last_start.setdefault(run.parent, run.started)
            if run.ending is not None and run.ending.paused:
                pauses.setdefault(run.parent, run)


def openai_tools(tools: Iterable[Any]) -> tuple[dict[str, Any], ...]:
    """Turn the tools that a provider was given into OpenAI's function form.

    A provider's own tools (web search and the like) stay as they are.

    Example:
        >>> openai_tools([{"name": "pay", "description": "Pay.", "input_schema": {"type": "object"}}])
        ({'type': 'function',
          'function': {'name': 'pay', 'description': 'Pay.', 'parameters': {'type': 'object'}}},)
    """
    return tuple(found for tool in tools for found in _openai_tool(tool))


def _openai_tool(tool: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - any provider's
    if not isinstance(tool, dict):
        yield convert_to_openai_tool(tool)
        return
    declared = tool.get("function_declarations") or tool.get("functionDeclarations")
    if declared:
        yield from openai_tools(declared)
        return
    inner = tool.get("toolSpec") or tool
    schema = next((inner[k] for k in ("parameters", "input_schema", "inputSchema") if k in inner), None)  # fmt: skip
    if "function" in tool or "name" not in inner or (schema is None and "type" in inner):
        yield tool
        return
    if isinstance(schema, dict) and "json" in schema and "type" not in schema:
        schema = schema["json"]
    function = {"name": inner["name"], "description": inner.get("description") or ""}
    yield {"type": "function", "function": function | {"parameters": schema or {}}}


def _span(run: SeenRun, *, is_root: bool) -> Span:
    said = _said(run)
    attributes = {**said.pop("attributes", {})}
    if is_root and run.kind == "chain":
        attributes |= {"input": _plain(run.given), "output": _plain(run.got)}
    ending = run.ending
    if ending is not None and ending.interrupts:
        attributes["interrupts"] = [
            {"id": str(getattr(one, "id", "")), "value": _plain(getattr(one, "value", one))}
            for one in ending.interrupts
        ]
    return Span(**{**_frame(run), **said, "attributes": attributes})


def _frame(run: SeenRun) -> dict[str, Any]:
    """What every span has."""
    known = run.metadata
    return {
        "id": run.id,
        "parent": run.parent,
        "kind": _kind(run),
        "name": run.name,
        "node": str(known.get("langgraph_node") or ""),
        "namespace": str(known.get("langgraph_checkpoint_ns") or known.get("checkpoint_ns") or ""),
        "started": run.started,
        # Clocks are set back now and then.
        "ended": None if run.ended is None else max(run.ended, run.started),
        "status": _status(run),
        "error": " ".join(run.ending.text.split()) if run.ending else "",
    }


def _kind(run: SeenRun) -> SpanKind:
    known = run.metadata
    if run.kind == "chain" and known.get("ls_integration") == "langchain_create_agent":
        # All that runs inside an agent has its metadata; the agent itself has its name.
        return "agent" if run.name == (known.get("lc_agent_name") or "LangGraph") else "chain"
    return run.kind


def _status(run: SeenRun) -> SpanStatus:
    if run.ended is None:
        return "open"
    if run.ending is not None:
        return "paused" if run.ending.paused else "error"
    return "ok"


def _said(run: SeenRun) -> dict[str, Any]:
    """What only its kind of span has."""
    if run.kind == "model":
        return _model(run)
    if run.kind == "tool":
        return _tool(run)
    if run.kind == "retriever":
        found = [document.page_content for document in run.got or ()]
        return {"arguments": {"query": run.given}, "result": "\n\n".join(found)}
    if run.kind in ("verdict", "other"):
        told = _plain(run.given)
        return {"attributes": told if isinstance(told, dict) else {"data": told}}
    return {}


def _model(run: SeenRun) -> dict[str, Any]:
    reply, extra = run.got if run.got is not None else (None, {})
    if isinstance(reply, str):
        reply = AIMessage(reply)
    answered = getattr(reply, "response_metadata", None) or {}
    names = {
        "model": answered.get("model_name")
        or run.parameters.get("model")
        or run.parameters.get("model_name"),
        "provider": run.metadata.get("ls_provider"),
    }
    return {
        "messages": tuple(run.given),
        "reply": reply,
        "tools": tuple(
            {str(name): _plain(part) for name, part in tool.items()}
            for tool in openai_tools(
                run.parameters.get("tools") or run.parameters.get("functions") or ()
            )
        ),
        "usage": _usage(getattr(reply, "usage_metadata", None) or extra.get("token_usage") or {}),
        "attributes": {name: str(value) for name, value in names.items() if value},
    }


def _usage(counted: Any) -> dict[str, int]:  # noqa: ANN401 - a provider's own
    if not isinstance(counted, Mapping):
        return {}
    found = {
        name: next((counted[one] for one in names if isinstance(counted.get(one), int)), None)
        for name, names in _COUNTS.items()
    }
    return {name: count for name, count in found.items() if count is not None}


def _tool(run: SeenRun) -> dict[str, Any]:
    results = list(_results(run.got))
    said: dict[str, Any] = {
        "arguments": {str(name): _plain(value) for name, value in run.given.items()},
        "call_id": run.call_id or next((one.tool_call_id for one in results), ""),
        "result": "\n".join(map(_text, results)) if results else _text(run.got),
    }
    if run.ending is None and any(result.status == "error" for result in results):
        said |= {"status": "error", "error": said["result"].strip().partition("\n")[0]}
    return said


def _results(got: Any) -> Iterator[ToolMessage]:  # noqa: ANN401 - what a tool returned
    if isinstance(got, ToolMessage):
        yield got
    elif isinstance(got, Command):
        update = got.update
        messages = update.get("messages") if isinstance(update, Mapping) else None
        yield from (one for one in messages or () if isinstance(one, ToolMessage))
    elif isinstance(got, list):
        for one in got:
            yield from _results(one)


def _text(value: Any) -> str:  # noqa: ANN401 - what a tool returned
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, BaseMessage):
        # Blocks without text (images, data) are part of the result, too.
        return message_text(value) or (_text(value.content) if value.content else "")
    return json.dumps(_plain(value), ensure_ascii=False)


def _plain(value: Any, depth: int = 0) -> JsonValue:  # noqa: ANN401 - anything that an app hands on
    """Turn a value into JSON; what has no such form is named by its type."""
    if isinstance(value, Enum):
        return _plain(value.value, depth + 1)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if depth > _DEEPEST:
        return "[deeper]"
    if isinstance(value, Mapping):
        return {str(name): _plain(item, depth + 1) for name, item in value.items()}
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, bytes | bytearray):
        return [_plain(item, depth + 1) for item in value]
    return _object(value, depth)


def _object(value: Any, depth: int) -> JsonValue:  # noqa: ANN401
    if isinstance(value, BaseMessage):
        return _plain(message_to_dict(value), depth)
    if isinstance(value, BaseModel):
        return _plain(dict(value), depth)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {one.name: _plain(getattr(value, one.name), depth + 1) for one in fields}
    if isinstance(value, UUID | Path | date | datetime | BaseException):
        return str(value)
    return f"[{type(value).__name__}]"
