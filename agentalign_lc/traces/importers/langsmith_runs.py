"""LangSmith's runs as spans: what the clients of LangChain post, and what LangSmith exports."""

import hashlib
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import JsonValue

from agentalign_lc.guard.audit.signals import EVENT
from agentalign_lc.traces.chat import read_usage
from agentalign_lc.traces.chat.schemas import find_tools
from agentalign_lc.traces.chat.values import entry, first, line, mapping, parsed, text
from agentalign_lc.traces.importers.seen import Seen, seconds
from agentalign_lc.traces.order import ordered
from agentalign_lc.traces.trace import Span, SpanKind, SpanStatus, Trace

__all__ = ["Run", "joined", "parent_of", "read_spans", "read_trace", "trace_of"]

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
_STACK = re.compile(r"Traceback \(most recent call last\)|\n[^\n]*\n\s+at ")
"""The way to the error, right behind what Python's or JavaScript's tracer says of it."""
_OURS = re.compile(
    r"langgraph_|ls_|lc_|checkpoint_|LANGSMITH_|LANGCHAIN_|__|thread_id$|revision_id$"
    r"|usage_metadata$|run_id$|graph_id$|_type$|stop$"
)
"""Metadata that the libraries write, not the app."""
_THREADS = ("thread_id", "session_id", "conversation_id")


def read_trace(runs: Iterable[Run], source: str = "langsmith", *, strict: bool = False) -> Trace:
    """Make a trace of the runs that belong to one.

    If its root is missing or has not ended, it is a part: its id is then that
    of the trace and a digest of its runs, ``attributes["part_of"]`` names the
    trace, so that the whole, or another part, can stand beside it.

    Args:
        runs: Whole runs, one for each id, in any order.
        source: Who saw them.
        strict: Whether a run that cannot be read is an error; else its span says
            so (``attributes["unread"]``), and the others are kept.

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
    read = read_spans if strict else _read
    spans = ordered(_paused([span for run in runs for span in read(run)]))
    begun = root or min(runs, key=lambda run: seconds(run.get("start_time")) or math.inf)
    attributes: dict[str, JsonValue] = {}
    if isinstance(project := begun.get("session_name"), str):
        attributes["project"] = project
    if root is None or _open(root):
        attributes["part_of"] = id
        names = "\n".join(sorted(str(run["id"]) for run in runs))
        id = f"{id}+{hashlib.sha256(names.encode()).hexdigest()[:8]}"
    return Trace(
        id=id,
        source=source,
        name=text(begun.get("name")),
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


def joined(first: Run, then: Run) -> dict[str, Any]:
    """Return a run as ``then`` changes it: what is empty in it changes nothing.

    Example:
        >>> joined({"id": "1", "inputs": {"a": 1}}, {"id": "1", "inputs": {}, "outputs": {"b": 2}})
        {'id': '1', 'inputs': {'a': 1}, 'outputs': {'b': 2}}
    """
    run = dict(first)
    for name, value in then.items():
        known = run.get(name)
        if name == "extra" and isinstance(known, Mapping) and isinstance(value, Mapping):
            run[name] = joined(known, value)
        elif value or name not in run:
            run[name] = value
    return run


def read_spans(run: Run) -> list[Span]:
    """The span of a run, and one for each decision of a guard among its events.

    Example:
        >>> [span] = read_spans({"id": "1", "run_type": "tool", "name": "go",
        ...     "inputs": {"input": "{'to': 'sea'}"}, "outputs": {"output": "Gone."}})
        >>> span.arguments, span.result
        ({'to': 'sea'}, 'Gone.')
    """
    made = _seen(run).span()
    return [made, *_verdicts(run, made)]


def _read(run: Run) -> list[Span]:
    try:
        return read_spans(run)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        # One run that is like none that anybody knows must not cost the others.
        attributes: dict[str, JsonValue] = {"unread": line(str(error))}
        return [Span(id=str(run["id"]), parent=parent_of(run), attributes=attributes)]


def _seen(run: Run) -> Seen:
    metadata, extra = _metadata(run), mapping(run.get("extra"))
    given, said = parsed(run.get("inputs")), parsed(run.get("outputs"))
    kind = _kind(run, metadata)
    status, error = _end(run)
    seen = Seen(
        id=str(run["id"]),
        parent=parent_of(run),
        kind=kind,
        name=text(run.get("name")),
        node=text(metadata.get("langgraph_node")),
        namespace=text(first(metadata, "langgraph_checkpoint_ns", "checkpoint_ns")),
        thread=_thread(run),
        started=seconds(run.get("start_time")) or 0.0,
        ended=seconds(run.get("end_time")),
        status=status,
        error=error,
        given=given,
        said=said or None,
        call_id=text(first(extra, "tool_call_id") or metadata.get("tool_call_id")),
        attributes=_attributes(run, kind, metadata),
    )
    if kind == "model":
        seen.given = _prompt(given)
        parameters = first(extra, "invocation_params", "options")
        seen.tools = find_tools(parameters) or find_tools(extra) or find_tools(given)
        seen.usage = _usage(run, said, metadata)
        seen.attributes["model"] = first(metadata, "ls_model_name") or entry(parameters, "model")
        seen.attributes["provider"] = metadata.get("ls_provider")
    elif kind == "tool":
        given = _tool_input(given)
        if mapping(given).get("type") == "tool_call":
            seen.call_id = seen.call_id or text(entry(given, "id"))
        seen.given = given
    return seen


def _kind(run: Run, metadata: Mapping[str, Any]) -> SpanKind:
    kind = _KINDS.get(text(run.get("run_type")), "other")
    if kind == "chain" and metadata.get("ls_integration") == "langchain_create_agent":
        # All that runs inside an agent has its metadata; the agent itself has its name.
        return "agent" if run.get("name") == metadata.get("lc_agent_name", "LangGraph") else "chain"
    return kind


def _prompt(given: object) -> object:
    """What a model of plain text was asked; clients post one run for each of its prompts."""
    prompts = entry(given, "prompts")
    return prompts[0] if isinstance(prompts, list) and len(prompts) == 1 else given


def _tool_input(given: object) -> object:
    """Both tracers write what a tool was given as text where they cannot tell."""
    inner = entry(given, "input")
    if isinstance(given, Mapping) and given.keys() == {"input"} and isinstance(inner, str):
        found = parsed(inner)
        return found if isinstance(found, Mapping) else given
    return given


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


def _attributes(run: Run, kind: SpanKind, metadata: Mapping[str, Any]) -> dict[str, Any]:
    # What runs inside inherits the root's metadata; models and tools may have their own.
    tells = parent_of(run) is None or kind in ("model", "tool")
    own = {name: value for name, value in metadata.items() if not _OURS.match(name)}
    rest = kind not in ("model", "tool", "retriever") and parent_of(run) is None
    return {
        "input": _besides(run.get("inputs")) if rest else None,
        "output": _besides(run.get("outputs")) if rest else None,
        "tags": run.get("tags") or None,
        "metadata": (own if tells else None) or None,
        "run_type": (run.get("run_type") if kind == "other" else None) or None,
    }


def _besides(state: object) -> dict[str, Any] | None:
    """What an app's state has beside the conversation; nodes repeat it, the root says it once."""
    found = mapping(state)
    return {name: one for name, one in found.items() if name != "messages"} or None


def _end(run: Run) -> tuple[SpanStatus, str]:
    error = text(run.get("error"))
    if error:
        told = _STACK.split(error, maxsplit=1)[0]
        return "error", line(told) or line(error)
    if _open(run):
        return "open", ""
    return ("paused" if mapping(run.get("outputs")).get("__interrupt__") else "ok"), ""


def _open(run: Run) -> bool:
    """Whether its end was never seen; exports may leave out when it was."""
    return seconds(run.get("end_time")) is None and not run.get("outputs")


def _usage(run: Run, said: object, metadata: Mapping[str, Any]) -> dict[str, int]:
    message = entry(said, "generations", 0, 0, "message")
    places = (
        entry(said, "usage_metadata"),
        entry(message, "kwargs", "usage_metadata"),
        entry(message, "usage_metadata"),
        metadata.get("usage_metadata"),
        entry(said, "usage"),
        entry(said, "llm_output", "token_usage"),
        entry(said, "llm_output", "tokenUsage"),
        run,
    )
    return next((found for place in places if (found := read_usage(place))), {})


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
    return next((text(metadata[name]) for name in _THREADS if metadata.get(name)), "")


def _metadata(run: Run) -> Mapping[str, Any]:
    own = mapping(run.get("metadata"))
    return {**mapping(mapping(run.get("extra")).get("metadata")), **own}
