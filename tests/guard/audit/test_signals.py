"""Signals: what tracers, readers of events and OpenTelemetry hear of a decision."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Tracer

from agentalign_lc.guard.audit.audit import Audit, verify
from agentalign_lc.guard.audit.signals import EVENT
from tests.guard.audit.decisions import Decision
from tests.guard.ways.four_ways import (
    BAD,
    CONFIG,
    WAYS,
    NameJudge,
    StrictModel,
    calling,
    guard_of,
    paying,
    run,
)


def entries(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_bytes().splitlines()]


class Listener(BaseCallbackHandler):
    run_inline = True

    def __init__(self) -> None:
        self.heard: list[tuple[str, Any]] = []

    def on_custom_event(self, name: str, data: Any, **_: Any) -> None:
        self.heard.append((name, data))


def app(work: Callable[..., Any]) -> Any:
    builder = StateGraph(MessagesState).add_node("guard", work).add_edge(START, "guard")
    return builder.compile(checkpointer=InMemorySaver())


@pytest.mark.parametrize("way", ["record", "arecord"])
async def test_inside_a_run_it_says_which_and_tells_tracers(log: Path, way: str) -> None:
    audit, listener = Audit(log), Listener()

    def node(_: MessagesState) -> None:
        audit.record(Decision())

    async def anode(_: MessagesState) -> None:
        await audit.arecord(Decision())

    config: Any = {"configurable": {"thread_id": "T-1"}, "callbacks": [listener]}
    await app(node if way == "record" else anode).ainvoke({"messages": []}, config)

    (entry,) = entries(log)
    assert (entry["thread"], entry["node"]) == ("T-1", "guard")
    assert entry["trace"]
    assert listener.heard == [
        (
            "guard_decision",
            {
                "checkpoint": "calls",
                "action": "refuse_call",
                "seconds": 0.0123,
                "failed": False,
                "judge": "rules",
                "category": "phishing",
                "score": 0.9,
            },
        )
    ]


def test_a_tracer_that_breaks_breaks_nothing(log: Path) -> None:
    class Broken(Listener):
        raise_error = True

        def on_custom_event(self, name: str, data: Any, **_: Any) -> None:
            raise ValueError("oh no")

    audit = Audit(log)
    work = app(lambda _: audit.record(Decision()))
    work.invoke({"messages": []}, {"configurable": {"thread_id": "1"}, "callbacks": [Broken()]})

    assert verify(log).entries == 1


@pytest.fixture
def spans() -> Iterator[tuple[Tracer, InMemorySpanExporter]]:
    """A tracer of the real SDK, and what it exports."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield provider.get_tracer("test"), exporter
    provider.shutdown()


def test_the_current_span_is_marked(spans: tuple[Tracer, InMemorySpanExporter]) -> None:
    tracer, exporter = spans
    with tracer.start_as_current_span("node"):
        Audit().record(Decision())
        Audit().record(Decision(action="allow", opinions=()))

    (span,) = exporter.get_finished_spans()
    assert span.attributes["agentalign.guard.action"] == "allow"
    assert [dict(e.attributes)["agentalign.guard.action"] for e in span.events] == [
        "refuse_call",
        "allow",
    ]
    assert dict(span.events[0].attributes) == {
        "agentalign.guard.checkpoint": "calls",
        "agentalign.guard.action": "refuse_call",
        "agentalign.guard.seconds": 0.0123,
        "agentalign.guard.failed": False,
        "agentalign.guard.judge": "rules",
        "agentalign.guard.category": "phishing",
        "agentalign.guard.score": 0.9,
    }


def test_no_span_is_marked_that_is_not_recorded() -> None:
    Audit().record(Decision())

    assert not trace.get_current_span().is_recording()


WAYS_TO_TELL = ["wrap", "wrap_agent", "node", "tool_wrapper"]


@pytest.mark.parametrize("way", WAYS_TO_TELL)
async def test_every_way_in_tells_readers_of_events(
    way: str, spans: tuple[Tracer, InMemorySpanExporter]
) -> None:
    tracer, exporter = spans
    guard = guard_of(NameJudge("calls"))
    guard.audit = Audit()
    app = WAYS[way](guard, StrictModel(script=[calling(BAD), "Done."]), [paying([])])

    with tracer.start_as_current_span("app"):
        given = {"messages": [HumanMessage("Pay.")]}
        events = [e async for e in app.astream_events(given, CONFIG, version="v2")]

    told = [e for e in events if e["event"] == "on_custom_event" and e["name"] == EVENT]
    refused = [e for e in told if e["data"]["action"] == "refuse_call"]
    assert [e["data"]["judge"] for e in refused] == ["names"]
    assert refused[0]["metadata"]["thread_id"] == "1"
    assert refused[0]["parent_ids"] or refused[0]["run_id"]
    assert "Mallory" not in str([e["data"] for e in told]), "reasons can quote what was refused"
    (span,) = exporter.get_finished_spans()
    assert "refuse_call" in [e.attributes["agentalign.guard.action"] for e in span.events]


@pytest.mark.parametrize("how", ["invoke", "ainvoke"])
@pytest.mark.parametrize("way", WAYS_TO_TELL)
def test_every_way_in_says_which_thread_and_node_it_was(log: Path, way: str, how: str) -> None:
    guard = guard_of(NameJudge("calls"))
    guard.audit = Audit(log)
    app = WAYS[way](guard, StrictModel(script=[calling(BAD), "Done."]), [paying([])])

    run(app, "Pay.", how=how)

    refused = next(e for e in entries(log) if e["action"] == "refuse_call")
    assert refused["thread"] == "1"
    assert refused["node"] in ("guard", "tools", "agent", "model")
    assert refused["trace"]


def test_without_opentelemetry_nothing_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "opentelemetry.trace", raising=False)

    Audit().record(Decision())
