"""The recorder sees all that an app does, however it is run, and leaves the app as it is."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from langchain_core.callbacks import dispatch_custom_event
from langchain_core.documents import Document
from langchain_core.language_models import FakeListLLM
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import Command, interrupt

from agentalign_lc.errors import ConfigError
from agentalign_lc.messages import message_text
from agentalign_lc.traces.recorder import install, record
from agentalign_lc.traces.store import TraceStore
from agentalign_lc.traces.trace import Span, Trace
from tests.scripted import ScriptedChatModel
from tests.traces.traced_app import EXPECTED, REFUSAL, REQUEST, build_app

INPUT = {"messages": [HumanMessage(REQUEST)]}


class Kept(list[Trace]):
    """A store in memory."""

    def append(self, traces) -> int:
        self.extend(traces)
        return len(traces)


@pytest.fixture
def kept() -> Kept:
    return Kept()


async def invoke() -> None:
    build_app().invoke(INPUT)


async def ainvoke() -> None:
    await build_app().ainvoke(INPUT)


async def stream() -> None:
    assert list(build_app().stream(INPUT, stream_mode="updates", subgraphs=True))


async def astream() -> None:
    modes = ["updates", "messages"]
    assert [part async for part in build_app().astream(INPUT, stream_mode=modes, subgraphs=True)]


async def astream_events() -> None:
    assert [event async for event in build_app().astream_events(INPUT, version="v2")]


def of_kind(trace: Trace, kind: str) -> list[Span]:
    return [span for span in trace.spans if span.kind == kind]


def one(trace: Trace, name: str) -> Span:
    (found,) = (span for span in trace.spans if span.name == name)
    return found


@pytest.fixture(scope="module", params=[invoke, ainvoke, stream, astream, astream_events])
def trace(request: pytest.FixtureRequest) -> Trace:
    """The trace of the test app, run in each way."""

    async def recorded() -> Kept:
        kept = Kept()
        async with record(kept):
            await request.param()
        return kept

    (found,) = asyncio.run(recorded())
    return found


class TestApp:
    def test_all_model_calls_with_what_they_said_and_where(self, trace: Trace) -> None:
        models = of_kind(trace, "model")

        assert len(models) == 9
        assert {message_text(span.reply): span.node for span in models} == EXPECTED["models"]
        assert all(span.messages and span.usage["total_tokens"] == 7 for span in models)
        assert all(0 < span.started <= span.ended for span in models)

    def test_all_tools_with_arguments_results_and_errors(self, trace: Trace) -> None:
        tools = of_kind(trace, "tool")

        assert {span.name: span.status for span in tools} == EXPECTED["tools"]
        assert len(tools) == 3
        looked, dredged = one(trace, "look_up"), one(trace, "dredge")
        assert (looked.call_id, looked.arguments) == ("c1", {"place": "harbour"})
        assert looked.result == "harbour: high water at noon"
        assert dredged.error == "ValueError: no dredger goes 90 m deep"

    def test_schemas(self, trace: Trace) -> None:
        offered = [span.tools for span in of_kind(trace, "model") if span.tools]

        assert len(offered) == 2, "to the agent, twice"
        for tools in offered:
            assert [tool["function"]["name"] for tool in tools] == EXPECTED["schemas"]
            assert tools[2]["function"]["parameters"]["properties"]["depth"]["type"] == "integer"

    def test_refusal(self, trace: Trace) -> None:
        (refused,) = (span for span in of_kind(trace, "model") if span.node == "refuse")

        assert refused.reply.additional_kwargs["refusal"] == REFUSAL

    def test_verdict(self, trace: Trace) -> None:
        (verdict,) = of_kind(trace, "verdict")

        assert verdict.node == "guard"
        assert (verdict.attributes["checkpoint"], verdict.attributes["action"]) == ("request", "allow")  # fmt: skip

    def test_parentage(self, trace: Trace) -> None:
        by_id = {span.id: span for span in trace.spans}

        def path(span: Span) -> list[str]:
            return [*(path(by_id[span.parent]) if span.parent else []), span.name]

        said = {message_text(span.reply): path(span) for span in of_kind(trace, "model")}
        inside = ["harbour", "research", "LangGraph", "researcher", "researcher"]
        assert said["summary of tides"] == [*inside, "tools", "summarise", "ScriptedChatModel"]
        assert said[""] == [*inside, "model", "BoundChatModel"]
        assert said["part 1"] == ["harbour", "worker", "ScriptedChatModel"]
        assert said["thread 0"] == ["harbour", "threads", "ScriptedChatModel"]
        assert said["thread 1"] == ["harbour", "threads", "ScriptedChatModel"]
        (agent,) = of_kind(trace, "agent")
        assert path(agent) == inside
        places = [list(by_id).index(span.parent) for span in trace.spans[1:]]
        assert all(place <= at for at, place in enumerate(places)), "parents first"

    def test_what_went_in_and_what_came_out(self, trace: Trace) -> None:
        (root,) = (span for span in trace.spans if span.parent is None)

        assert root.attributes["input"]["messages"][0]["data"]["content"] == REQUEST
        last = root.attributes["output"]["messages"][-1]
        assert last["data"]["additional_kwargs"] == {"refusal": REFUSAL}


class TestScope:
    async def test_only_this_context(self, kept: Kept) -> None:
        inside, outside = RunnableLambda(str, name="inside"), RunnableLambda(str, name="outside")

        async def recorded() -> None:
            async with record(kept):
                await asyncio.gather(*(inside.ainvoke(number) for number in range(3)))

        await asyncio.gather(recorded(), outside.ainvoke(1))

        assert [trace.name for trace in kept] == ["inside"] * 3

    def test_after_it_nothing_is_recorded_and_threads_are_as_they_were(self, kept: Kept) -> None:
        before = threading.Thread.start, ThreadPoolExecutor.submit
        with record(kept):
            assert (threading.Thread.start, ThreadPoolExecutor.submit) != before
        RunnableLambda(str).invoke(1)

        assert kept == []
        assert (threading.Thread.start, ThreadPoolExecutor.submit) == before

    def test_installed_sees_threads_that_know_nothing(self, kept: Kept) -> None:
        recorder = install(kept, threads=False)
        try:
            with pytest.raises(ConfigError, match="installed already"):
                install(kept)
            app = RunnableLambda(lambda _: run_in_thread(RunnableLambda(str, name="alone")))
            app.with_config(run_name="app").invoke(1)
            assert recorder.flush(10)
        finally:
            recorder.close()
        RunnableLambda(str).invoke(1)

        assert sorted(trace.name for trace in kept) == ["alone", "app"], "it is a root of its own"

    def test_installed_knows_who_started_a_thread(self, kept: Kept) -> None:
        with install(kept):
            RunnableLambda(lambda _: run_in_thread(RunnableLambda(str, name="inner"))).invoke(1)

        (trace,) = kept
        assert [span.name for span in trace.spans][-1] == "inner"

    def test_a_pool_that_outlives_a_run(self, kept: Kept) -> None:
        """Its worker was started by the first run, and serves the second."""
        with ThreadPoolExecutor(1) as pool, record(kept):
            inner = RunnableLambda(str, name="inner")
            app = RunnableLambda(lambda _: pool.submit(inner.invoke, 1).result(), name="app")
            app.invoke(1)
            app.invoke(2)
            pool.submit(inner.invoke, 3).result()

        assert [[span.name for span in trace.spans] for trace in kept] == [["app", "inner"], ["app", "inner"], ["inner"]]  # fmt: skip

    def test_a_thread_that_outlives_its_run(self, kept: Kept) -> None:
        go = threading.Event()
        started = []

        def later() -> None:
            go.wait(10)
            RunnableLambda(str, name="late").invoke(1)

        def app(_: int) -> None:
            started.append(threading.Thread(target=later))
            started[0].start()

        with record(kept):
            RunnableLambda(app).invoke(1)
            go.set()
            started[0].join()

        first, late = kept
        assert late.attributes["parent"] == first.id

    def test_streams_of_the_app_do_not_hear_its_threads(self, kept: Kept) -> None:
        """As without a recorder: only its own handler goes along."""

        async def messages() -> int:
            parts = build_app().astream(INPUT, stream_mode="messages", subgraphs=True)
            return len([part async for part in parts])

        bare = asyncio.run(messages())
        with record(kept):
            recorded = asyncio.run(messages())

        assert recorded == bare

    def test_a_file_is_opened_and_closed(self, tmp_path: Path) -> None:
        with record(tmp_path / "traces.sqlite") as recorder:
            RunnableLambda(str, name="app").invoke(1)

        assert recorder.counts.written == 1
        with TraceStore.open(tmp_path / "traces.sqlite") as store:
            assert [trace.name for trace in store.traces()] == ["app"]


def run_in_thread(runnable: RunnableLambda) -> None:
    thread = threading.Thread(target=runnable.invoke, args=(1,))
    thread.start()
    thread.join()


class TestEndings:
    def test_errors(self, kept: Kept) -> None:
        def fail(_: Any) -> None:
            raise ValueError("two\nlines")

        with record(kept), pytest.raises(ValueError, match="two"):
            RunnableLambda(fail).invoke(1)

        assert [(span.status, span.error) for span in kept[0].spans] == [("error", "ValueError: two lines")]  # fmt: skip

    def test_a_model_that_fails(self, kept: Kept) -> None:
        with record(kept), pytest.raises(RuntimeError):
            ScriptedChatModel(script=[RuntimeError("no credit")]).invoke("Hello.")

        (span,) = kept[0].spans
        assert (span.kind, span.status, span.reply) == ("model", "error", None)
        assert span.messages == (HumanMessage("Hello."),)

    def test_an_interrupt_is_a_pause(self, kept: Kept) -> None:
        graph = StateGraph(MessagesState)
        graph.add_node("ask", lambda _: {"messages": [AIMessage(str(interrupt("May I?")))]})
        graph.add_edge(START, "ask")
        app = graph.compile(checkpointer=InMemorySaver())
        config = {"configurable": {"thread_id": "t1"}}
        with record(kept):
            app.invoke({"messages": [HumanMessage("Pay.")]}, config)
            app.invoke(Command(resume="yes"), config)

        paused, resumed = kept
        assert [(span.status, span.error) for span in paused.spans] == [("paused", "")] * 2
        assert [span.attributes["interrupts"][0]["value"] for span in paused.spans] == ["May I?"] * 2  # fmt: skip
        assert [span.status for span in resumed.spans] == ["ok", "ok"]
        assert paused.thread == resumed.thread == "t1"

    def test_a_pause_that_the_app_went_on_after(self, kept: Kept) -> None:
        """Its subgraph paused by itself; the app did not."""
        inner = StateGraph(MessagesState)
        inner.add_node("ask", lambda _: {"messages": [AIMessage(str(interrupt("May I?")))]})
        inner.add_edge(START, "ask")
        asking = inner.compile(checkpointer=InMemorySaver())
        alone = {"configurable": {"thread_id": "other"}}

        def app(_: int) -> str:
            asking.invoke({"messages": []}, alone)
            return RunnableLambda(str, name="on").invoke(1)

        with record(kept):
            RunnableLambda(app, name="app").invoke(1)

        assert one(kept[0], "LangGraph").status == "paused"
        assert one(kept[0], "app").status == "ok"

    def test_going_to_the_parent_is_no_error(self, kept: Kept) -> None:
        inner = StateGraph(MessagesState)
        inner.add_node("leave", lambda _: Command(goto="after", graph=Command.PARENT))
        inner.add_edge(START, "leave")
        outer = StateGraph(MessagesState)
        outer.add_node("inner", inner.compile())
        outer.add_node("after", lambda _: {})
        outer.add_edge(START, "inner")
        outer.add_edge("after", END)
        with record(kept):
            outer.compile().invoke({"messages": []})

        assert {span.status for span in kept[0].spans} == {"ok"}

    def test_what_has_not_ended_is_open(self, kept: Kept) -> None:
        stream = RunnableLambda(lambda _: iter("abc"), name="app").stream(1)
        with record(kept):
            next(stream)

        assert [(span.name, span.status) for trace in kept for span in trace.spans][:1] == [("app", "open")]  # fmt: skip
        stream.close()


class Shelf(BaseRetriever):
    def _get_relevant_documents(self, query, *, run_manager):
        return [Document("first"), Document("second")]


class TestKinds:
    def test_a_retriever(self, kept: Kept) -> None:
        with record(kept):
            Shelf().invoke("books")

        (span,) = kept[0].spans
        assert (span.kind, span.arguments, span.result) == ("retriever", {"query": "books"}, "first\n\nsecond")  # fmt: skip

    def test_a_model_without_a_chat(self, kept: Kept) -> None:
        with record(kept):
            FakeListLLM(responses=["hi"]).invoke("Hello.")

        (span,) = kept[0].spans
        assert (span.kind, message_text(span.reply)) == ("model", "hi")
        assert span.messages == (HumanMessage("Hello."),)

    def test_the_apps_own_events(self, kept: Kept) -> None:
        with record(kept):
            RunnableLambda(lambda _: dispatch_custom_event("progress", {"done": 3})).invoke(1)

        root, event = kept[0].spans
        assert (event.kind, event.name, event.attributes) == ("other", "progress", {"done": 3})
        assert event.parent == root.id


class TestSnapshots:
    def test_what_the_app_changes_later_was_as_it_was(self, kept: Kept) -> None:
        """Nothing is serialised until the app has long gone on."""
        message = HumanMessage([{"type": "text", "text": "before"}])
        call = {"name": "pay", "args": {"amount": 1}, "id": "c1"}
        model = ScriptedChatModel(script=[AIMessage("", tool_calls=[call])])

        def app(state: dict[str, Any]) -> str:
            reply = model.invoke([message])
            message.content[0]["text"] = "after"
            reply.tool_calls[0]["args"]["amount"] = 2
            reply.content = "after"
            state["list"].append("after")
            return "done"

        with record(kept):
            RunnableLambda(app).invoke({"list": ["before"]})

        root, span = kept[0].spans
        assert span.messages[0].text == "before"
        assert span.reply.tool_calls[0]["args"] == {"amount": 1}
        assert span.reply.content == ""
        assert root.attributes["input"] == {"list": ["before"]}
