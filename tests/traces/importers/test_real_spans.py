"""What real tracers write, made here and imported: LangSmith's client, OpenTelemetry's SDK, Inspect."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_core.tracers import LangChainTracer
from langchain_core.utils.function_calling import convert_to_openai_tool
from langsmith import Client
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pytest_httpserver import HTTPServer

from agentalign_lc.traces.assembly import trajectories, trajectory
from agentalign_lc.traces.importers import read_traces
from tests.scripted import ScriptedChatModel


@tool
def find_slot(person: str) -> str:
    """Find a free hour."""
    return f"{person} is free at nine."


class BoundModel(ScriptedChatModel):
    """Passes tools on with each call, as the models of providers do."""

    def bind_tools(self, tools, **more):
        return self.bind(tools=[convert_to_openai_tool(one) for one in tools], **more)


def test_runs_that_langsmith_s_client_sends_import_as_what_the_agent_did(
    httpserver: HTTPServer, tmp_path: Path
) -> None:
    httpserver.expect_request("/runs/batch").respond_with_json({})
    httpserver.expect_request("/runs/batch", method="POST").respond_with_json({})
    client = Client(
        api_url=httpserver.url_for(""),
        api_key="local",
        info={
            "batch_ingest_config": {
                "use_multipart_endpoint": False,
                "size_limit": 100,
                "size_limit_bytes": 10**7,
                "scale_up_nthreads_limit": 1,
                "scale_up_qsize_trigger": 1000,
            }
        },
    )
    call = {"name": "find_slot", "args": {"person": "Ada"}, "id": "c1"}
    script = [AIMessage("", tool_calls=[call]), AIMessage("Yes, at nine.")]
    agent = create_agent(BoundModel(script=script), [find_slot])

    done = agent.invoke(
        {"messages": [HumanMessage("Is Ada free?")]},
        {"callbacks": [LangChainTracer(client=client)], "configurable": {"thread_id": "desk"}},
    )
    client.flush()

    file = tmp_path / "posted.jsonl"
    bodies = [request.get_data(as_text=True) for request, _ in httpserver.log]
    file.write_text("\n".join(body for body in bodies if body.startswith("{")))
    problems: list[str] = []
    (trace,) = read_traces(file, problems.append)
    run = trajectory(trace)
    assert problems == []
    assert [(m.type, m.content) for m in run.messages] == [
        (m.type, m.content) for m in done["messages"]
    ]
    assert [(call["name"], call["args"], answer.content) for call, answer in run.calls] == [
        ("find_slot", {"person": "Ada"}, "Ada is free at nine.")
    ]
    assert [one["function"]["name"] for one in run.tools] == ["find_slot"]
    assert [one.kind for one in trace.spans if one.kind in ("model", "tool")] == [
        "model",
        "tool",
        "model",
    ]


@pytest.fixture
def exported() -> InMemorySpanExporter:
    """Two turns of an agent with a nested one, as OpenInference's attributes."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    kind = "openinference.span.kind"
    asked = {
        "llm.input_messages.0.message.role": "user",
        "llm.input_messages.0.message.content": "Is Ada free?",
    }
    call = "llm.output_messages.0.message.tool_calls.0.tool_call"
    with tracer.start_as_current_span("desk", attributes={kind: "AGENT"}):
        calls = {
            f"{call}.id": "c1",
            f"{call}.function.name": "ask_helper",
            f"{call}.function.arguments": '{"q": 1}',
        }
        role = {"llm.output_messages.0.message.role": "assistant"}
        tracer.start_span("chat", attributes={kind: "LLM", **asked, **role, **calls}).end()
        with tracer.start_as_current_span(
            "ask_helper",
            attributes={
                kind: "TOOL",
                "tool.name": "ask_helper",
                "input.value": '{"q": 1}',
                "output.value": "At nine.",
            },
        ):
            inner = {
                "llm.input_messages.0.message.role": "user",
                "llm.input_messages.0.message.content": "When?",
            }
            said = {**role, "llm.output_messages.0.message.content": "At nine."}
            tracer.start_span("chat", attributes={kind: "LLM", **inner, **said}).end()
        failing = tracer.start_span("look", attributes={kind: "TOOL", "tool.name": "look"})
        failing.record_exception(LookupError("nobody there"))
        failing.set_status(status_code())
        failing.end()
    return exporter


def status_code():
    from opentelemetry.trace import StatusCode  # noqa: PLC0415 - beside its only use

    return StatusCode.ERROR


def test_spans_of_the_sdk_import_from_json_as_it_prints_them(
    exported: InMemorySpanExporter, tmp_path: Path
) -> None:
    file = tmp_path / "printed"
    file.write_text("\n".join(one.to_json() for one in exported.get_finished_spans()))

    (trace,) = read_traces(file)

    main, helper = trajectories(trace)
    assert [call["name"] for call, _ in main.calls] == ["ask_helper"]
    assert isinstance(main.messages[-1], ToolMessage)
    assert helper.answer == "At nine."
    (failed,) = (one for one in trace.spans if one.status == "error")
    assert (failed.name, failed.error) == ("look", "LookupError: nobody there")


def test_the_same_spans_as_otlp_are_the_same_trace(
    exported: InMemorySpanExporter, tmp_path: Path
) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.common")
    from google.protobuf.json_format import MessageToDict  # noqa: PLC0415 - where OTLP's exporter is
    from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans  # noqa: PLC0415

    spans = exported.get_finished_spans()
    printed, otlp = tmp_path / "printed", tmp_path / "otlp"
    printed.write_text("\n".join(one.to_json() for one in spans))
    otlp.write_text(json.dumps(MessageToDict(encode_spans(spans))))

    (one,), (other,) = read_traces(printed), read_traces(otlp)

    assert one.id == other.id
    assert [*map(essence, one.spans)] == [*map(essence, other.spans)]


def essence(span) -> tuple:
    return (
        span.id,
        span.parent,
        span.kind,
        span.name,
        span.status,
        span.arguments,
        span.result,
        span.reply,
    )


LOG = '''
import sys
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.solver import generate, system_message, use_tools
from inspect_ai.tool import tool

@tool
def find_slot():
    async def execute(person: str):
        """Find a free hour.

        Args:
            person: Whose.
        """
        return f"{person} is free at nine."
    return execute

says = [ModelOutput.for_tool_call("mockllm/model", "find_slot", {"person": "Ada"}),
        ModelOutput.from_content("mockllm/model", "Yes, at nine.")]
for one in says:
    one.usage = ModelUsage(input_tokens=3, output_tokens=2, total_tokens=5)
eval(Task(dataset=[Sample(id="desk", input="Is Ada free?")],
          solver=[system_message("Be brief."), use_tools(find_slot()), generate()]),
     model=get_model("mockllm/model", custom_outputs=says), log_dir=sys.argv[1],
     log_format=sys.argv[2], display="none")
'''


@pytest.mark.slow
@pytest.mark.parametrize("form", ["eval", "json"])
def test_a_log_that_inspect_wrote_imports_sample_by_sample(form: str, tmp_path: Path) -> None:
    pytest.importorskip("inspect_ai")
    subprocess.run(
        [sys.executable, "-c", LOG, str(tmp_path), form], check=True, capture_output=True
    )
    (file,) = tmp_path.iterdir()

    (trace,) = read_traces(file)

    (run,) = trajectories(trace)
    assert [one.type for one in run.messages] == ["system", "human", "ai", "tool", "ai"]
    assert [(call["args"], answer.content) for call, answer in run.calls] == [
        ({"person": "Ada"}, "Ada is free at nine.")
    ]
    assert run.usage == {"input_tokens": 6, "output_tokens": 4, "total_tokens": 10}
    assert (trace.source, trace.attributes["sample"]) == ("inspect", "desk")
