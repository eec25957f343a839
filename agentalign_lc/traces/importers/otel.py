"""Spans of OpenTelemetry: OTLP JSON, what exporters print, tables of Phoenix, bare attributes.

What the spans say is read by the dialects; a trace's source is ``openinference``
or ``otel`` after the one that its spans speak.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agentalign_lc.seeds import content_id
from agentalign_lc.traces.chat.values import entry, first, mapping, text
from agentalign_lc.traces.importers.dialects import Attributes, read_attributes, speaks
from agentalign_lc.traces.importers.dialects.events import Event
from agentalign_lc.traces.importers.form import Form, Piece
from agentalign_lc.traces.importers.seen import Seen, as_trace, seconds
from agentalign_lc.traces.trace import Trace

__all__ = ["OTEL"]

_RESOURCES = ("resourceSpans", "resource_spans", "resourceLogs", "resource_logs", "batches")
_SCOPES = (
    "scopeSpans",
    "scope_spans",
    "instrumentationLibrarySpans",
    "instrumentation_library_spans",
    "scopeLogs",
    "scope_logs",
)
_RECORDS = ("spans", "logRecords", "log_records")
_TIMES = ("startTimeUnixNano", "start_time_unix_nano", "start_time", "startTime", "timestamp")
_ENDS = ("endTimeUnixNano", "end_time_unix_nano", "end_time", "endTime")


def _fits(value: object) -> bool:
    if isinstance(value, list):
        return any(isinstance(one, Mapping) and _fits(one) for one in value[:20])
    if not isinstance(value, Mapping):
        return False
    if any(isinstance(value.get(name), list) for name in _RESOURCES):
        return True
    for name in ("data", "trace", "spans"):
        if isinstance(value.get(name), list | Mapping) and _fits(value[name]):
            return True
    return _is_span(value) or speaks(value)


def _is_span(value: Mapping[str, Any]) -> bool:
    if isinstance(value.get("attributes"), Mapping | list):
        return _number(value) is not None
    return any(str(name).startswith("attributes.") for name in value)


def _pieces(value: object) -> Iterator[Piece | str]:
    if isinstance(value, list):
        for one in value:
            yield from _pieces(one)
        return
    if not isinstance(value, Mapping):
        yield "no span"
        return
    listed = next((value[name] for name in _RESOURCES if isinstance(value.get(name), list)), None)
    if listed is not None:
        for resource in listed:
            yield from _resource(mapping(resource))
        return
    for name in ("data", "trace", "spans"):
        if isinstance(value.get(name), list | Mapping):
            yield from _pieces(value[name])
            return
    yield _piece(value)


def _resource(resource: Mapping[str, Any]) -> Iterator[Piece | str]:
    about = _attributes(entry(resource, "resource", "attributes"))
    for name in _SCOPES:
        for scope in resource.get(name) or ():
            for kind in _RECORDS:
                for one in mapping(scope).get(kind) or ():
                    if not isinstance(one, Mapping):
                        yield "no span"
                    elif kind == "spans" or _belongs(one):
                        yield _piece({**one, "resource": {"attributes": about}})


def _belongs(record: Mapping[str, Any]) -> bool:
    """Whether a log record is a GenAI event of some span."""
    return bool(first(record, "spanId", "span_id")) and _event_name(record).startswith("gen_ai.")


def _event_name(record: Mapping[str, Any]) -> str:
    name = first(record, "eventName", "event_name", "name")
    return text(name or _attributes(record.get("attributes")).get("event.name"))


def _piece(span: Mapping[str, Any]) -> Piece:
    bare = not _is_span(span) and speaks(span)
    if bare:
        id = content_id("span", dict(span))
        return Piece({"attributes": span, "span_id": id}, id=id, trace=id, alone=True)
    number = _number(span)
    id = _hex(number) if number is not None else content_id("span", dict(span))
    trace = first(span, "traceId", "trace_id", "context.trace_id", "traceID")
    trace = trace or first(_context(span), "trace_id", "traceId")
    parent = _parent(span)
    return Piece(
        {**span, "span_id": id},
        id=id,
        trace=_hex(trace) if trace else (id if not parent else None),
        parent=parent,
    )


def _context(span: Mapping[str, Any]) -> Mapping[str, Any]:
    return mapping(first(span, "context", "spanContext", "span_context"))


def _number(span: Mapping[str, Any]) -> object:
    found = first(span, "spanId", "span_id", "context.span_id")
    return (
        found
        or first(_context(span), "span_id", "spanId")
        or (span.get("id") if "name" in span or "span_kind" in span else None)
    )


def _parent(span: Mapping[str, Any]) -> str | None:
    found = first(span, "parentSpanId", "parent_span_id", "parent_id", "parentId")
    if found is None:
        found = first(mapping(first(span, "parentSpanContext", "parent")), "spanId", "span_id")
    return _hex(found) if isinstance(found, str) and found.strip("0x") else None


def _hex(value: object) -> str:
    """An id as plain hex; OTLP through protobuf's JSON has base64."""
    number = text(value).removeprefix("0x")
    if number.endswith("=") and len(number) in (12, 24):
        try:
            return base64.b64decode(number, validate=True).hex()
        except binascii.Error:
            return number
    return number


def _attributes(value: object) -> dict[str, Any]:
    """Attributes as a dictionary; OTLP has a list of keys and typed values."""
    if isinstance(value, Mapping):
        return dict(value)
    if not isinstance(value, list):
        return {}
    pairs = [mapping(one) for one in value]
    return {text(one["key"]): _value(one.get("value")) for one in pairs if "key" in one}


def _value(value: object) -> Any:  # noqa: ANN401 - any JSON value
    if not isinstance(value, Mapping) or len(value) != 1:
        return value
    kind, inner = next(iter(value.items()))
    plain = kind.replace("_", "").lower()
    if plain == "intvalue":
        return int(inner) if isinstance(inner, str) and inner.lstrip("-").isdigit() else inner
    if plain == "arrayvalue":
        return [_value(one) for one in mapping(inner).get("values") or ()]
    if plain == "kvlistvalue":
        return _attributes(mapping(inner).get("values"))
    return inner if plain in ("stringvalue", "boolvalue", "doublevalue", "bytesvalue") else value


def _trace(id: str, pieces: Sequence[Mapping[str, Any]]) -> Trace:
    spans: list[Mapping[str, Any]] = []
    events: dict[str, list[Event]] = {}
    for piece in pieces:
        if "body" in piece or "observedTimeUnixNano" in piece or "severityNumber" in piece:
            events.setdefault(piece["span_id"], []).append(_event(piece))
        elif piece not in spans[-1:]:
            spans.append(piece)
    source = "otel"
    seen: list[Seen] = []
    for span in spans:
        raw = _raw(span)
        if "openinference.span.kind" in raw:
            source = "openinference"
        told = [*_events(span), *events.get(span["span_id"], ())]
        seen.append(_seen(span, raw, read_attributes(raw, told), told))
    service = entry(spans[0] if spans else {}, "resource", "attributes", "service.name")
    return as_trace(id, source, seen, attributes={"service": service})


def _raw(span: Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(span.get("attributes"), Mapping | list):
        raw = _attributes(span["attributes"])
    else:  # a row of a table of spans: `attributes.llm.model_name` and so on
        raw = {
            name.removeprefix("attributes."): one
            for name, one in span.items()
            if name.startswith("attributes.") and one is not None
        }
    if isinstance(span.get("span_kind"), str):
        raw.setdefault("openinference.span.kind", span["span_kind"])
    return raw


def _events(span: Mapping[str, Any]) -> list[Event]:
    return [_event(mapping(one)) for one in span.get("events") or () if isinstance(one, Mapping)]


def _event(value: Mapping[str, Any]) -> Event:
    body = _value(value.get("body"))
    fields = {**_attributes(value.get("attributes")), **(body if isinstance(body, Mapping) else {})}
    return Event(_event_name(value), fields)


def _seen(
    span: Mapping[str, Any], raw: Mapping[str, Any], said: Attributes, told: Sequence[Event]
) -> Seen:
    failed, why = _status(span, told)
    started, ended = _times(span)
    name = text(first(span, "name", "operationName"))
    return Seen(
        id=span["span_id"],
        parent=_parent(span),
        kind=said.kind,
        name=(said.name if said.kind in ("tool", "agent") else "") or name,
        node=text(first(raw, "langgraph_node", "graph.node.id", "metadata.langgraph_node")),
        namespace=text(first(raw, "langgraph_checkpoint_ns", "metadata.langgraph_checkpoint_ns")),
        thread=said.thread,
        started=started,
        ended=ended,
        status="error" if failed or said.failed else "ok",
        error=why or said.failed,
        given=said.given,
        said=said.said,
        messages=said.messages,
        reply=said.reply,
        tools=said.tools,
        call_id=said.call_id,
        usage=said.usage,
        attributes={"model": said.model or None, **_rest(raw, said)},
    )


def _rest(raw: Mapping[str, Any], said: Attributes) -> dict[str, Any]:
    """The attributes of a span that no dialect explains."""
    return {"attributes": dict(raw)} if said.kind == "other" and raw else {}


def _times(span: Mapping[str, Any]) -> tuple[float, float | None]:
    started = seconds(first(span, *_TIMES)) or 0.0
    ended = seconds(first(span, *_ENDS))
    long = span.get("duration")
    if ended is None and started and isinstance(long, int | float):
        ended = started + long / 1e6  # JavaScript's console exporter counts microseconds
    return started, ended


def _status(span: Mapping[str, Any], told: Sequence[Event]) -> tuple[bool, str]:
    status = span.get("status")
    fields = mapping(status)
    code = first(fields, "code", "status_code", "statusCode")
    if code is None:
        code = status if isinstance(status, str) else first(span, "status_code", "statusCode")
    if text(code).upper().removeprefix("STATUSCODE.") not in ("2", "ERROR", "STATUS_CODE_ERROR"):
        return False, ""
    why = text(first(fields, "message", "description") or first(span, "status_message"))
    for event in told:
        if event.name == "exception":
            names = [text(event.body.get(f"exception.{name}")) for name in ("type", "message")]
            why = why or ": ".join(name for name in names if name)
    return True, why or "failed"


OTEL = Form(
    "otel", "OpenTelemetry spans (GenAI, OpenInference, Vercel AI SDK)", _fits, _pieces, _trace
)
"""Spans of OpenTelemetry."""
