"""Traces as agentevals and OpenTelemetry read them; what is exported comes back through the importer."""

import json

from langchain_core.messages import AIMessage

from agentalign_lc.traces.assembly import trajectory
from agentalign_lc.traces.export.agentevals import agentevals_row
from agentalign_lc.traces.export.otel import otel_row
from agentalign_lc.traces.importers.read import read_traces
from agentalign_lc.traces.trace import Label, Span, Trace
from tests.traces.tracing import answered, called, traced

RUN = ("Mail Ana that I'm late.", called(to="ana@example.com"), answered(), AIMessage("Done."))


def plainly(run):
    return [
        (m.type, m.text, [(c["name"], c["args"]) for c in getattr(m, "tool_calls", ())])
        for m in run.messages
    ]


def test_agentevals_gets_openai_messages():
    row = agentevals_row(traced(*RUN), Label(trace="t", label="benign", by="person"))
    assert [message["role"] for message in row["outputs"]] == [
        "user",
        "assistant",
        "tool",
        "assistant",
    ]
    call = row["outputs"][1]["tool_calls"][0]["function"]
    assert json.loads(call["arguments"]) == {"to": "ana@example.com"}
    assert row["label"] == "benign"


def test_a_trace_survives_otel_and_back(tmp_path):
    trace = traced(*RUN)
    file = tmp_path / "spans.jsonl"
    file.write_text(json.dumps(otel_row(trace)) + "\n")
    (back,) = read_traces(file)
    assert plainly(trajectory(back)) == plainly(trajectory(trace))
    assert len(back.spans) == len(trace.spans)


def test_errors_and_ids_fit_the_protocol():
    spans = (
        Span(id="a", kind="chain"),
        Span(id="b", parent="a", kind="tool", status="error", error="no"),
    )
    row = otel_row(Trace(id="t", source="recorder", spans=spans))
    one, two = row["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert (len(one["traceId"]), len(one["spanId"])) == (32, 16)
    assert two["parentSpanId"] == one["spanId"]
    assert two["status"] == {"code": 2, "message": "no"}
