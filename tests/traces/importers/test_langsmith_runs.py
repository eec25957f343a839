"""LangSmith's runs become spans, as Python's and JavaScript's clients write them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage

from agentalign_lc.messages import message_text
from agentalign_lc.traces.importers import read_traces
from agentalign_lc.traces.importers.langsmith_runs import parent_of, read_trace, trace_of
from agentalign_lc.traces.trace import Span, Trace

START, END = "2026-11-21T10:00:00.25Z", "2026-11-21T10:00:01.25+00:00"

RESULT = {"type": "tool", "content": "before", "tool_call_id": "c1"}


def read(run_type: str, **fields: object) -> Span:
    """The span of the only run of a trace."""
    run = {"id": "1", "run_type": run_type, "start_time": START, "end_time": END, **fields}
    return read_trace([run]).spans[0]


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (None, "ok", ""),
        ("ValueError('no')Traceback (most recent call last):\n\n  File \"x\"", "error", "ValueError('no')"),
        ("it broke\n\nError: it broke\n    at call (app.mjs:1:2)", "error", "it broke"),
        ("GraphInterrupt((Interrupt(value='sure?'),))Traceback (most", "paused", ""),
        ("NodeInterrupt: sure?", "paused", ""),
        ("langgraph.errors.GraphInterrupt(())", "paused", ""),
        ("ParentCommand(Command(goto='b'))Traceback (most recent call last)", "ok", ""),
    ],
)  # fmt: skip
def test_how_it_ended(error, status, told):
    span = read("chain", error=error)
    assert (span.status, span.error) == (status, told)


def test_a_graph_whose_node_was_interrupted_has_paused():
    trace = read_trace(
        [
            {"id": "1", "run_type": "chain", "start_time": START, "end_time": END},
            {"id": "2", "trace_id": "1", "parent_run_id": "1", "run_type": "chain", "start_time": START, "end_time": END, "error": "GraphInterrupt()"},
        ]
    )  # fmt: skip
    assert [span.status for span in trace.spans] == ["paused", "paused"]


@pytest.mark.parametrize("time", [START, "2026-11-21T10:00:00.250", 1795255200250, 1795255200.25])
def test_times(time):
    assert read("chain", start_time=time).started == 1795255200.25


@pytest.mark.parametrize("time", ["soon", -1, True, 1e300, None, {}, "9999-99-99"])
def test_times_that_are_none(time):
    assert read("chain", start_time=time).started == 0


class TestModels:
    @pytest.mark.parametrize(
        "message",
        [
            {"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", "AIMessage"], "kwargs": {"content": "Hi", "type": "ai"}},
            {"lc": 1, "type": "constructor", "id": ["langchain_core", "messages", "AIMessageChunk"], "kwargs": {"content": "Hi", "tool_call_chunks": []}},
            {"type": "ai", "content": "Hi", "tool_calls": [], "usage_metadata": None},
            {"type": "ai", "data": {"content": "Hi"}},
            {"role": "assistant", "content": "Hi"},
            ["ai", "Hi"],
        ],
        ids=["python", "chunk", "plain", "dict", "role", "pair"],
    )  # fmt: skip
    def test_messages_in_every_form(self, message):
        (found,) = read("llm", inputs={"messages": [[message]]}).messages
        assert (type(found).__name__, found.content) == ("AIMessage", "Hi")

    @pytest.mark.parametrize(
        "outputs",
        [
            {"generations": [[{"text": "", "message": {"type": "ai", "content": "Hi"}}]]},
            {"generations": [[{"text": "Hi", "generation_info": None}]]},
            {"choices": [{"message": {"role": "assistant", "content": "Hi"}}]},
            {"output": {"role": "assistant", "content": "Hi"}},
            {"role": "assistant", "content": "Hi"},
        ],
    )
    def test_replies_in_every_form(self, outputs):
        reply = read("llm", outputs=outputs).reply
        assert reply is not None
        assert reply.content == "Hi"

    def test_a_refusal_of_the_provider(self):
        reply = {"role": "assistant", "content": None, "refusal": "I won't."}
        span = read("llm", outputs={"choices": [{"message": reply}]})
        assert span.reply is not None
        assert message_text(span.reply) == "I won't."

    def test_a_call_with_broken_arguments_is_no_call(self):
        calls = [{"name": "a", "args": "{", "id": "c1"}, {"name": "b", "args": {"x": 1}, "id": "c2"}]  # fmt: skip
        message = read("llm", outputs={"type": "ai", "content": "", "tool_calls": calls}).reply
        assert isinstance(message, AIMessage)
        assert [call["args"] for call in message.tool_calls] == [{"x": 1}]
        assert [call["args"] for call in message.invalid_tool_calls] == ["{"]

    @pytest.mark.parametrize(
        "tool",
        [
            {"type": "function", "function": {"name": "add", "description": "Add.", "parameters": {"type": "object", "properties": {}}}},
            {"name": "add", "description": "Add.", "input_schema": {"type": "object", "properties": {}}},
            {"name": "add", "description": "Add.", "parameters": {"type": "object", "properties": {}}},
        ],
        ids=["openai", "anthropic", "function"],
    )  # fmt: skip
    def test_schemas_are_in_openais_form(self, tool):
        span = read("llm", extra={"invocation_params": {"tools": [tool]}})
        (found,) = span.tools
        assert found["type"] == "function"
        assert found["function"]["name"] == "add"
        assert found["function"]["parameters"]["type"] == "object"

    @pytest.mark.parametrize(
        "fields",
        [
            {"extra": {"metadata": {"usage_metadata": {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}}}},
            {"outputs": {"llm_output": {"tokenUsage": {"promptTokens": 3, "completionTokens": 4, "totalTokens": 7}}}},
            {"outputs": {"usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}}},
        ],
    )  # fmt: skip
    def test_usage(self, fields):
        assert read("llm", **fields).usage == {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}  # fmt: skip

    def test_a_model_of_plain_text(self):
        span = read("llm", inputs={"prompts": ["Say hi"]}, outputs={"generations": [[{"text": "Hi"}]]})  # fmt: skip
        assert [message.text for message in span.messages] == ["Say hi"]
        assert span.reply is not None


class TestTools:
    @pytest.mark.parametrize(
        "inputs",
        [
            {"a": 1, "b": None},
            {"input": {"a": 1, "b": None}},
            {"input": '{"a": 1, "b": null}'},
            {"input": "{'a': 1, 'b': None}"},
            {"input": '{"name": "add", "args": {"a": 1, "b": null}, "id": "c1", "type": "tool_call"}'},
        ],
    )  # fmt: skip
    def test_arguments_in_every_form(self, inputs):
        assert read("tool", inputs=inputs).arguments == {"a": 1, "b": None}

    @pytest.mark.parametrize(
        ("output", "result"),
        [
            ("3", "3"),
            ({"type": "tool", "content": "3", "tool_call_id": "c1"}, "3"),
            ([{"graph": None, "update": {"messages": [{"type": "tool", "content": "3", "tool_call_id": "c1"}]}}], "3"),
            ({"sum": 3}, '{"sum": 3}'),
            ("{'sum': 3}", "{'sum': 3}"),
            ({"type": "ai", "content": "3"}, "3"),
            ({"update": {"messages": [RESULT, {"type": "ai", "content": ""}, {**RESULT, "content": "3"}]}}, "3"),
            ({"update": {"messages": [{**RESULT, "tool_call_id": "c0"}, {**RESULT, "content": "3"}]}}, "3"),
            (None, ""),
        ],
    )  # fmt: skip
    def test_results_in_every_form(self, output, result):
        span = read("tool", outputs={"output": output}, extra={"tool_call_id": "c1"})
        assert (span.result, span.call_id, span.status) == (result, "c1", "ok")

    def test_an_error_that_was_handed_to_the_model(self):
        answer = {"type": "tool", "content": "no", "tool_call_id": "c1", "status": "error"}
        span = read("tool", outputs={"output": answer})
        assert (span.status, span.error, span.call_id) == ("error", "no", "c1")


def test_a_retriever():
    span = read("retriever", inputs={"query": "tides"}, outputs={"documents": [{"page_content": "noon"}]})  # fmt: skip
    assert (span.kind, span.arguments, span.result) == ("retriever", {"query": "tides"}, "noon")


def test_a_dotted_order_tells_trace_and_parent():
    run = {"id": "3", "dotted_order": "20261121T1Z1.20261121T2Z2.20261121T3Z3"}
    assert (trace_of(run), parent_of(run)) == ("1", "2")
    assert (trace_of({"id": "3"}), parent_of({"id": "3"})) == ("", None)


_NAMES = st.sampled_from("abcdefgh")


@given(st.dictionaries(_NAMES, st.tuples(st.one_of(st.none(), _NAMES), st.integers(0, 5))))
def test_parents_come_first_and_no_span_is_lost(graph):
    runs = [
        {"id": id, "trace_id": "t", "parent_run_id": parent, "start_time": 1e9 + start}
        for id, (parent, start) in graph.items()
    ]
    if not runs:
        return
    trace = read_trace(runs)
    assert sorted(span.id for span in trace.spans) == sorted(graph)
    above: set[str] = set()
    for span in trace.spans:
        assert span.parent in above or span.parent not in graph
        above.add(span.id)
    assert Trace.model_validate_json(trace.model_dump_json()) == trace


def test_an_app_s_state_beside_the_conversation_is_kept_once():
    state = {"messages": [{"role": "user", "content": "Hi"}], "mood": "calm"}
    runs = [
        {"id": "1", "trace_id": "1", "run_type": "chain", "inputs": state, "end_time": END},
        {"id": "2", "trace_id": "1", "parent_run_id": "1", "run_type": "chain", "inputs": state, "end_time": END},
    ]  # fmt: skip
    root, node = read_trace(runs).spans
    assert [message.text for message in root.messages] == ["Hi"]
    assert [span.attributes.get("input") for span in (root, node)] == [{"mood": "calm"}, None]


def test_files_and_the_collector_read_runs_alike(tmp_path):
    runs = [
        {"id": "1", "trace_id": "1", "run_type": "chain", "name": "app", "start_time": START, "end_time": END},
        {"id": "2", "trace_id": "1", "parent_run_id": "1", "run_type": "chain", "error": "ParentCommand()", "start_time": START, "end_time": END,
         "events": [{"name": "guard_decision", "kwargs": {"action": "refuse"}}]},
        {"id": "3", "trace_id": "1", "parent_run_id": "1", "run_type": "chain", "error": "GraphInterrupt()", "start_time": START, "end_time": END},
    ]  # fmt: skip
    file = tmp_path / "runs.jsonl"
    file.write_text("\n".join(map(json.dumps, runs)))
    (imported,) = read_traces(file)
    assert imported == read_trace(runs)
    assert [span.status for span in imported.spans if span.kind == "chain"] == ["paused", "ok", "paused"]  # fmt: skip
    assert [span.attributes for span in imported.spans if span.kind == "verdict"] == [{"action": "refuse"}]  # fmt: skip


def test_a_run_that_cannot_be_read_costs_no_other_unless_it_must():
    strange = {"name": "guard_decision", "kwargs": {"action": object()}}
    runs = [{"id": "1", "trace_id": "1", "name": "app"}, {"id": "2", "trace_id": "1", "events": [strange]}]  # fmt: skip
    app, lost = read_trace(runs).spans
    assert (app.name, "unread" in app.attributes, "unread" in lost.attributes) == ("app", False, True)  # fmt: skip
    with pytest.raises(ValueError, match="JSON"):
        read_trace(runs, strict=True)


def test_no_trace_without_a_run():
    with pytest.raises(ValueError, match="at least one"):
        read_trace([])
