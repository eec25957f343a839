"""Signals: what tracers, readers of events and OpenTelemetry hear of a decision."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph

from agentalign_lc.guard.audit.audit import Audit, verify
from tests.guard.audit.decisions import Decision


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


def test_the_current_span_is_marked() -> None:
    sdk = pytest.importorskip("opentelemetry.sdk.trace")
    export = pytest.importorskip("opentelemetry.sdk.trace.export")
    memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    exporter, provider = memory.InMemorySpanExporter(), sdk.TracerProvider()
    provider.add_span_processor(export.SimpleSpanProcessor(exporter))
    with provider.get_tracer("test").start_as_current_span("node"):
        Audit(None).record(Decision())
        Audit(None).record(Decision(action="allow", opinions=()))

    (span,) = exporter.get_finished_spans()
    assert span.attributes["agentalign.guard.action"] == "allow"
    assert [dict(e.attributes)["agentalign.guard.action"] for e in span.events] == [
        "refuse_call",
        "allow",
    ]
    assert span.events[0].attributes["agentalign.guard.category"] == "phishing"


def test_without_opentelemetry_nothing_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "opentelemetry.trace", raising=False)

    Audit(None).record(Decision())
