"""A live app in a process of its own is captured by three environment variables."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentalign_lc.messages import message_text
from agentalign_lc.traces.trace import Span, Trace
from tests.traces.collector.served import served
from tests.traces.traced_app import EXPECTED, REFUSAL, REQUEST, USAGE

WAYS = ("invoke", "ainvoke", "astream")
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def traces(tmp_path_factory) -> list[Trace]:
    with served(tmp_path_factory.mktemp("live")) as collector:
        told = {
            "LANGSMITH_TRACING": "true",
            "LANGSMITH_ENDPOINT": collector.url,
            "LANGSMITH_API_KEY": "local",
            "LANGCHAIN_TRACING_V2": "true",
            "PYTHONPATH": str(ROOT),
        }
        app = subprocess.run(
            [sys.executable, "-m", "tests.traces.collector.live_app"],
            cwd=ROOT,
            env={**os.environ, **told},
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert app.stderr == ""
    assert collector.problems == []
    return list(collector.store.traces())


def run_of(traces: list[Trace], way: str) -> list[Span]:
    """What happened in one run: its trace, and what raw threads did meanwhile."""
    (whole,) = (trace for trace in traces if trace.name == way)
    root = whole.spans[0]
    meanwhile = [
        span
        for trace in traces
        if trace.name not in WAYS
        for span in trace.spans
        if root.started <= span.started <= root.ended
    ]
    return [*whole.spans, *meanwhile]


@pytest.mark.parametrize("way", WAYS)
class TestEachWay:
    def test_all_model_calls_are_there_in_their_nodes(self, traces, way):
        models = {message_text(s.reply): s for s in run_of(traces, way) if s.kind == "model"}
        assert models.keys() == EXPECTED["models"].keys()
        for said, node in EXPECTED["models"].items():
            # Who starts a thread himself hands on no context, and so no node.
            assert models[said].node == ("" if node == "threads" else node)
            assert models[said].usage == USAGE
            assert models[said].messages

    def test_all_tools_are_there_with_what_they_answer(self, traces, way):
        spans = run_of(traces, way)
        tools = {span.name: span for span in spans if span.kind == "tool"}
        assert {name: span.status for name, span in tools.items()} == EXPECTED["tools"]
        assert tools["look_up"].arguments == {"place": "harbour"}
        assert tools["look_up"].result == "harbour: high water at noon"
        assert tools["dredge"].error == "ValueError('no dredger goes 90 m deep')"
        assert [tools[name].call_id for name in EXPECTED["tools"]] == ["c1", "c2", "c3"]

    def test_schemas_and_the_refusal_are_there(self, traces, way):
        spans = run_of(traces, way)
        offering = [span for span in spans if span.tools]
        assert len(offering) == 2
        for span in offering:
            assert [tool["function"]["name"] for tool in span.tools] == EXPECTED["schemas"]
            assert all(tool["function"]["parameters"] for tool in span.tools)
        (refused,) = (s for s in spans if s.kind == "model" and s.node == "refuse")
        assert refused.reply.additional_kwargs["refusal"] == REFUSAL

    def test_each_span_hangs_where_it_ran(self, traces, way):
        (trace,) = (trace for trace in traces if trace.name == way)
        known = {span.id: span for span in trace.spans}

        def above(span: Span) -> list[str]:
            return [span.name, *(above(known[span.parent]) if span.parent else ())]

        ways = {message_text(s.reply): above(s) for s in trace.spans if s.kind == "model"}
        assert ways["summary of tides"][1] == "summarise"
        assert ways["part 0"][1:] == ["worker", way]
        for said in ("", "the tides are known", "summary of tides"):
            assert [name for name in ways[said] if name in ("researcher", "research")]
            assert ways[said][-1] == way
        assert [span.id for span in trace.spans if span.parent is None] == [trace.id]
        assert [span.name for span in trace.spans if span.kind == "agent"] == ["researcher"]

    def test_the_trace_is_whole(self, traces, way):
        (trace,) = (trace for trace in traces if trace.name == way)
        assert trace.thread == f"thread of {way}"
        assert "part_of" not in trace.attributes
        assert trace.spans[0].messages[0].text == REQUEST
        assert all(span.ended is not None for span in trace.spans)

    def test_what_the_guard_decided_arrives(self, traces, way):
        (trace,) = (trace for trace in traces if trace.name == way)
        decided = [span for span in trace.spans if span.kind == "verdict"]
        assert [(span.node, span.attributes["action"]) for span in decided] == [("guard", "allow")]
