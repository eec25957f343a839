"""LangSmith's runs: exported one a line, listed by its API, or as the SDK sends them in batches."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agentalign_lc.traces.chat import read_usage
from agentalign_lc.traces.chat.schemas import find_tools
from agentalign_lc.traces.chat.values import entry, first, mapping, parsed, text
from agentalign_lc.traces.importers.form import Form, Piece
from agentalign_lc.traces.importers.seen import Seen, as_trace, seconds
from agentalign_lc.traces.trace import SpanKind, Trace

__all__ = ["LANGSMITH"]

_KINDS: dict[str, SpanKind] = {
    "llm": "model",
    "chat_model": "model",
    "tool": "tool",
    "chain": "chain",
    "retriever": "retriever",
    "agent": "agent",
}
_BATCHES = ("post", "patch")
_MERGED = ("extra", "inputs", "outputs")
_RUN = {
    "run_type",
    "dotted_order",
    "trace_id",
    "parent_run_id",
    "session_name",
    "end_time",
    "outputs",
}


def _fits(value: object) -> bool:
    if not isinstance(value, Mapping):
        return isinstance(value, list) and any(_is_run(one) for one in value[:20])
    if any(isinstance(value.get(name), list) for name in _BATCHES):
        return any(_is_run(one) for name in _BATCHES for one in value.get(name) or ())
    if isinstance(value.get("runs"), list):
        return any(_is_run(one) for one in value["runs"][:20])
    return _is_run(value)


def _is_run(value: object) -> bool:
    if not isinstance(value, Mapping) or not isinstance(value.get("id"), str):
        return False
    if isinstance(value.get("run_type"), str):
        return "inputs" in value or "start_time" in value
    return isinstance(value.get("dotted_order"), str) and len(_RUN & value.keys()) > 1


def _pieces(value: object) -> Iterator[Piece | str]:
    if isinstance(value, list):
        runs = value
    else:
        whole = mapping(value)
        listed = [
            whole.get(name) for name in (*_BATCHES, "runs") if isinstance(whole.get(name), list)
        ]
        runs = [one for several in listed for one in several or ()] if listed else [whole]
    for run in runs:
        yield from _run(run)


def _run(run: object) -> Iterator[Piece | str]:
    if not isinstance(run, Mapping) or not isinstance(run.get("id"), str):
        yield "a run without an id"
        return
    parent = run.get("parent_run_id")
    trace = run.get("trace_id")
    order = run.get("dotted_order")
    if not isinstance(trace, str) and isinstance(order, str) and "Z" in order:
        trace = order.split(".", 1)[0].split("Z", 1)[1]
    fields = {name: one for name, one in run.items() if name != "child_runs"}
    yield Piece(
        fields,
        id=run["id"],
        trace=trace if isinstance(trace, str) else None,
        parent=parent if isinstance(parent, str) else None,
    )
    for child in run.get("child_runs") or ():
        if isinstance(child, Mapping):
            yield from _run({"parent_run_id": run["id"], "trace_id": trace, **child})


def _trace(id: str, pieces: Sequence[Mapping[str, Any]]) -> Trace:
    runs: dict[str, dict[str, Any]] = {}
    for piece in pieces:
        run = runs.setdefault(piece["id"], {})
        for name, value in piece.items():
            if value is None or (name in run and value in ("", [], {})):
                continue
            old = run.get(name)
            if name in _MERGED and isinstance(old, Mapping) and isinstance(value, Mapping):
                value = {**old, **value}  # noqa: PLW2901 - the end of a run adds to its start
            run[name] = value
    return as_trace(id, "langsmith", [_seen(run) for run in runs.values()])


def _seen(run: Mapping[str, Any]) -> Seen:
    extra = mapping(run.get("extra"))
    metadata = {**mapping(extra.get("metadata")), **mapping(run.get("metadata"))}
    given, said = parsed(run.get("inputs")), parsed(run.get("outputs"))
    error = text(run.get("error"))
    ended = seconds(run.get("end_time"))
    kind = _KINDS.get(text(run.get("run_type")), "other")
    parameters = first(extra, "invocation_params", "options")
    tools = find_tools(parameters) or find_tools(extra) or find_tools(given)
    return Seen(
        id=run["id"],
        parent=text(run.get("parent_run_id")) or None,
        kind=kind,
        name=text(run.get("name")),
        node=text(metadata.get("langgraph_node")),
        namespace=text(first(metadata, "langgraph_checkpoint_ns", "checkpoint_ns")),
        thread=text(first(metadata, "thread_id", "session_id", "conversation_id")),
        started=seconds(run.get("start_time")) or 0.0,
        ended=ended,
        status="error" if error else "open" if ended is None and said is None else "ok",
        error=error,
        given=_tool_input(given) if kind == "tool" else given,
        said=said or None,
        tools=tools if kind == "model" else (),
        call_id=text(first(extra, "tool_call_id") or metadata.get("tool_call_id")),
        usage=_usage(run, said, metadata) if kind == "model" else {},
        attributes={
            "model": first(metadata, "ls_model_name") or entry(parameters, "model"),
            "tags": run.get("tags") or None,
            "metadata": {
                name: one
                for name, one in metadata.items()
                if not name.startswith(("ls_", "langgraph_"))
            }
            or None,
        },
    )


def _tool_input(value: object) -> object:
    """LangChain writes a tool's input as Python prints it, under ``input``."""
    inner = entry(value, "input")
    if isinstance(value, Mapping) and value.keys() == {"input"} and isinstance(inner, str):
        found = parsed(inner)
        return found if isinstance(found, Mapping) else value
    return value


def _usage(run: Mapping[str, Any], said: object, metadata: Mapping[str, Any]) -> dict[str, int]:
    message = entry(said, "generations", 0, 0, "message")
    places = (
        entry(said, "usage_metadata"),
        entry(message, "kwargs", "usage_metadata"),
        entry(message, "usage_metadata"),
        metadata.get("usage_metadata"),
        entry(said, "usage"),
        entry(said, "llm_output", "token_usage"),
        run,
    )
    return next((found for place in places if (found := read_usage(place))), {})


LANGSMITH = Form("langsmith", "LangSmith runs", _fits, _pieces, _trace)
"""Runs of LangSmith."""
