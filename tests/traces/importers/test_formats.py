"""One conversation, as every tracer writes it down, imports as the same trajectory."""

import gzip
import json
from pathlib import Path

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from agentalign_lc.traces.assembly import trajectories
from agentalign_lc.traces.importers import read_traces
from agentalign_lc.traces.likeness import likeness
from agentalign_lc.traces.trace import Trace

DATA = Path(__file__).parent / "data"
CALL = {"name": "find_slot", "args": {"person": "Ada", "day": "Tuesday"}, "id": "c1"}
TALK = [
    SystemMessage("Be brief."),
    HumanMessage("Is Ada free on Tuesday?"),
    AIMessage("", tool_calls=[CALL]),
    ToolMessage("Free at nine.", tool_call_id="c1"),
    AIMessage("Yes, at nine."),
]
SPANS = ["langsmith.jsonl", "langsmith_batches.jsonl", "langfuse.json", "langfuse_batch.json"]
SPANS += ["otlp_genai.json", "otlp_openllmetry.jsonl", "otlp_events.json", "vercel.json"]
SPANS += ["openinference_console.txt", "phoenix_table.jsonl"]
CHATS = ["openai.jsonl", "agentevals.json", "agentevals_graph.json"]


def read(file: Path) -> Trace:
    problems: list[str] = []
    (trace,) = read_traces(file, problems.append)
    assert problems == []
    return trace


@pytest.mark.parametrize("name", [*SPANS, *CHATS])
def test_every_format_gives_the_same_conversation(name: str) -> None:
    trace = read(DATA / name)

    (run,) = trajectories(trace)

    assert [*map(likeness, run.messages)] == [*map(likeness, TALK)]
    assert [(call["id"], result.content) for call, result in run.calls] == [("c1", "Free at nine.")]
    assert trace.source == name.split(".", maxsplit=1)[0].split("_", maxsplit=1)[0].replace(
        "otlp", "otel"
    ).replace("vercel", "otel").replace("phoenix", "openinference")


@pytest.mark.parametrize("name", SPANS)
def test_every_tracer_s_spans_are_two_model_calls_and_a_tool_in_order(name: str) -> None:
    trace = read(DATA / name)

    worked = [one for one in trace.spans if one.kind in ("model", "tool")]
    assert [one.kind for one in worked] == ["model", "tool", "model"]
    assert all(one.ended and 0 < one.started < one.ended for one in worked)
    tool = worked[1]
    assert (tool.name, tool.arguments, tool.result) == ("find_slot", CALL["args"], "Free at nine.")
    parents = {one.id for one in trace.spans}
    assert all(one.parent is None or one.parent in parents for one in trace.spans)


@pytest.mark.parametrize(
    "name", [name for name in SPANS if "events" not in name and "batch" not in name]
)
def test_schemas_of_tools_are_those_that_were_offered(name: str) -> None:
    (run,) = trajectories(read(DATA / name))

    (tool,) = run.tools
    assert tool["function"]["name"] == "find_slot"
    assert tool["function"]["description"] == "Find a free hour."
    assert set(tool["function"]["parameters"]["properties"]) == {"person", "day"}


@pytest.mark.parametrize("name", ["langsmith.jsonl", "langfuse.json"])
def test_tokens_and_threads_are_kept(name: str) -> None:
    trace = read(DATA / name)

    assert trace.thread == "desk-1"
    assert trajectories(trace)[0].usage == {
        "input_tokens": 80,
        "output_tokens": 14,
        "total_tokens": 94,
    }


@pytest.mark.parametrize("name", ["langsmith.jsonl", "langfuse.json", "openinference_console.txt"])
def test_the_content_and_not_the_name_tells_the_format_packed_or_not(
    name: str, tmp_path: Path
) -> None:
    file = tmp_path / "export"
    file.write_bytes(gzip.compress((DATA / name).read_bytes()))

    assert read(file) == read(DATA / name)


def test_lines_of_several_formats_may_stand_in_one_file(tmp_path: Path) -> None:
    file = tmp_path / "mixed.jsonl"
    parts = [(DATA / "openai.jsonl").read_text(), (DATA / "langsmith.jsonl").read_text()]
    parts.append(json.dumps(json.loads((DATA / "otlp_genai.json").read_text())))
    file.write_text("".join(parts))

    assert {trace.source for trace in read_traces(file)} == {"openai", "langsmith", "otel"}


def test_conversations_come_one_by_one_before_the_file_has_been_read(tmp_path: Path) -> None:
    file = tmp_path / "chats.jsonl"
    row = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}]}
    file.write_text(
        "".join(json.dumps({**row, "id": str(n)}) + "\n" for n in range(50)) + "{broken\n"
    )
    problems: list[str] = []

    traces = read_traces(file, problems.append)

    assert next(traces).id == "0"
    assert problems == []
    assert len([*traces]) == 49
    assert problems == [f"{file}:51: no JSON"]


def test_turns_of_a_graph_trajectory_go_on_with_one_conversation(tmp_path: Path) -> None:
    file = tmp_path / "graph.json"
    turns = [("Is Ada free?", "Yes."), ("And Bob?", "No.")]
    file.write_text(
        json.dumps(
            {
                "inputs": [
                    {"messages": [{"role": "user", "content": asked}]} for asked, _ in turns
                ],
                "results": [{"messages": [{"role": "ai", "content": said}]} for _, said in turns],
                "steps": [["__start__", "agent"], ["agent", "__interrupt__"]],
            }
        )
    )

    trace = read(file)

    (run,) = trajectories(trace)
    assert [one.content for one in run.messages] == ["Is Ada free?", "Yes.", "And Bob?", "No."]
    assert [one.name for one in trace.spans if one.status == "paused"] == ["__interrupt__"]
