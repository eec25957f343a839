"""Langfuse's exports: a trace with its observations, observations one a line, ingestion batches."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agentalign_lc.traces.chat import read_usage
from agentalign_lc.traces.chat.results import read_result
from agentalign_lc.traces.chat.schemas import find_tools
from agentalign_lc.traces.chat.values import entry, first, mapping, parsed, text
from agentalign_lc.traces.importers.dialects import Attributes, read_attributes
from agentalign_lc.traces.importers.form import Form, Piece
from agentalign_lc.traces.importers.seen import Seen, as_trace, seconds
from agentalign_lc.traces.trace import SpanKind, Trace

__all__ = ["LANGFUSE"]

_KINDS: dict[str, SpanKind] = {
    "GENERATION": "model",
    "TOOL": "tool",
    "AGENT": "agent",
    "CHAIN": "chain",
    "RETRIEVER": "retriever",
    "GUARDRAIL": "verdict",
    "SPAN": "chain",
}
_OTHERS = {"EVENT", "EVALUATOR", "EMBEDDING", "SCORE"}
_LINKS = {
    "traceId",
    "trace_id",
    "parentObservationId",
    "parent_observation_id",
    "startTime",
    "start_time",
}


def _fits(value: object) -> bool:
    if isinstance(value, list):
        return any(_fits(one) for one in value[:20] if isinstance(one, Mapping))
    if not isinstance(value, Mapping):
        return False
    if isinstance(value.get("observations"), list):
        return isinstance(value.get("trace"), Mapping) or "id" in value
    for name in ("data", "batch"):
        several = value.get(name)
        if isinstance(several, list) and several:
            return any(
                _is_event(one) or _is_observation(one) or _is_trace(one) for one in several[:20]
            )
    return _is_observation(value) or _is_trace(value)


def _is_observation(value: object) -> bool:
    if not isinstance(value, Mapping) or not isinstance(value.get("id"), str):
        return False
    kind = value.get("type")
    known = isinstance(kind, str) and (kind.upper() in _KINDS or kind.upper() in _OTHERS)
    return known and bool(_LINKS & value.keys()) and "run_type" not in value


def _is_trace(value: object) -> bool:
    return isinstance(value, Mapping) and {"id", "timestamp", "input", "output"} <= value.keys()


def _is_event(value: object) -> bool:
    kind = value.get("type") if isinstance(value, Mapping) else None
    return (
        isinstance(kind, str) and kind.endswith(("-create", "-update")) and "body" in mapping(value)
    )


def _pieces(value: object) -> Iterator[Piece | str]:
    if isinstance(value, list):
        for one in value:
            yield from _pieces(one)
        return
    if not isinstance(value, Mapping):
        yield "no object"
        return
    if isinstance(value.get("observations"), list):
        yield from _whole_trace(value)
        return
    several = first(value, "data", "batch")
    if isinstance(several, list):
        for one in several:
            yield from _event(one) if _is_event(one) else _pieces(one)
    elif _is_observation(value):
        yield from _observation(value, None)
    elif _is_trace(value):
        yield Piece({"trace": value}, id=text(value["id"]), trace=text(value["id"]))
    else:
        yield "neither a trace nor an observation of Langfuse"


def _whole_trace(value: Mapping[str, Any]) -> Iterator[Piece | str]:
    """A trace with its observations inside."""
    whole = mapping(value["trace"]) if isinstance(value.get("trace"), Mapping) else value
    about = {name: one for name, one in whole.items() if name != "observations"}
    id = text(about.get("id")) or None
    if id is not None:
        yield Piece({"trace": about}, id=id, trace=id)
    for one in value["observations"]:
        yield from _observation(one, id)


def _event(event: Mapping[str, Any]) -> Iterator[Piece | str]:
    kind, _, _ = text(event.get("type")).partition("-")
    body = mapping(event.get("body"))
    if kind == "trace" and body.get("id"):
        yield Piece({"trace": body}, id=text(body["id"]), trace=text(body["id"]))
    elif kind not in ("score", "sdk", "trace"):
        given = text(body.get("type")) or (kind if kind != "observation" else "span")
        yield from _observation({**body, "type": given.upper()}, None)


def _observation(value: object, trace: str | None) -> Iterator[Piece | str]:
    if not isinstance(value, Mapping) or not isinstance(value.get("id"), str):
        yield "an observation without an id"
        return
    parent = first(value, "parentObservationId", "parent_observation_id")
    own = first(value, "traceId", "trace_id")
    yield Piece(
        {"observation": value},
        id=value["id"],
        trace=text(own) or trace,
        parent=text(parent) or None,
    )


def _trace(id: str, pieces: Sequence[Mapping[str, Any]]) -> Trace:
    about: dict[str, Any] = {}
    found: dict[str, dict[str, Any]] = {}
    for piece in pieces:
        if "trace" in piece:
            about |= {name: one for name, one in piece["trace"].items() if one is not None}
            continue
        value = piece["observation"]
        known = found.setdefault(value["id"], {})
        known |= {name: one for name, one in value.items() if one is not None}
    seen = [_seen(one) for one in found.values()] or [_whole(id, about)]
    return as_trace(
        id,
        "langfuse",
        seen,
        name=text(about.get("name")),
        thread=text(first(about, "sessionId", "session_id")),
        attributes={
            "tags": about.get("tags") or None,
            "scores": about.get("scores") or None,
            "environment": about.get("environment"),
        },
    )


def _whole(id: str, about: Mapping[str, Any]) -> Seen:
    """A trace that was exported without observations is its own span."""
    return Seen(
        id=id,
        kind="agent",
        name=text(about.get("name")),
        started=seconds(about.get("timestamp")) or 0.0,
        given=about.get("input"),
        said=about.get("output"),
    )


def _seen(value: Mapping[str, Any]) -> Seen:
    metadata = mapping(value.get("metadata"))
    attributes = read_attributes(mapping(metadata.get("attributes")))
    given, said = value.get("input"), value.get("output")
    kind = _kind(value, attributes, said)
    level = text(value.get("level"))
    ended = seconds(first(value, "endTime", "end_time"))
    failed = level == "ERROR"
    if kind == "tool":
        given = attributes.given if given in (None, "", "{}") else given
        said = attributes.said if said in (None, "", "{}") else said
    return Seen(
        id=value["id"],
        parent=text(first(value, "parentObservationId", "parent_observation_id")) or None,
        kind=kind,
        name=(kind == "tool" and attributes.name) or text(value.get("name")),
        node=text(metadata.get("langgraph_node")),
        namespace=text(first(metadata, "langgraph_checkpoint_ns", "checkpoint_ns")),
        thread=text(metadata.get("thread_id")) or attributes.thread,
        started=seconds(first(value, "startTime", "start_time")) or 0.0,
        ended=ended,
        status="error" if failed else "open" if ended is None and said is None else "ok",
        error=text(first(value, "statusMessage", "status_message")) if failed else "",
        given=given if given is not None else attributes.given,
        said=said if said is not None else attributes.said,
        tools=_tools(value, attributes) if kind == "model" else (),
        call_id=attributes.call_id,
        usage=_usage(value) if kind == "model" else {},
        attributes={
            "model": first(value, "model", "providedModelName", "provided_model_name"),
            "level": level if level not in ("", "DEFAULT") else None,
        },
    )


def _kind(value: Mapping[str, Any], attributes: Attributes, said: object) -> SpanKind:
    name = text(value.get("type")).upper()
    kind = _KINDS.get(name, "other")
    if name == "SPAN":
        if attributes.kind not in ("other", "model"):
            return attributes.kind
        result = read_result(said)
        # Before Langfuse knew tools they were spans; LangChain's leave a tool message.
        if result.call and result.name in ("", text(value.get("name"))):
            return "tool"
    return kind


def _tools(value: Mapping[str, Any], attributes: Attributes) -> tuple[dict[str, Any], ...]:
    parameters = mapping(first(value, "modelParameters", "model_parameters"))
    given = parsed(value.get("input"))
    return find_tools(given) or attributes.tools or find_tools(parameters)


def _usage(value: Mapping[str, Any]) -> dict[str, int]:
    places = ("usageDetails", "usage_details", "usage")
    found = next((u for name in places if (u := read_usage(mapping(value.get(name))))), {})
    return found or read_usage(
        {
            "input": first(value, "promptTokens", "inputUsage"),
            "output": first(value, "completionTokens", "outputUsage"),
            "total": entry(value, "totalTokens"),
        }
    )


LANGFUSE = Form("langfuse", "Langfuse exports", _fits, _pieces, _trace)
"""Exports of Langfuse."""
