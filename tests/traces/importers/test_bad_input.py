"""Broken, hostile and endless files: what is whole is kept, what is not is named, nothing crashes."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentalign_lc.errors import ConfigError
from agentalign_lc.traces.assembly import trajectories
from agentalign_lc.traces.importers import read_traces, recognise
from agentalign_lc.traces.trace import Trace

DATA = Path(__file__).parent / "data"


def span(id: str, parent: str | None = None, trace: str = "t", **attributes) -> dict:
    return {
        "name": id,
        "context": {"trace_id": trace, "span_id": id},
        "parent_id": parent,
        "start_time": "2026-03-02T09:00:00Z",
        "attributes": {
            "gen_ai.operation.name": "chat",
            "gen_ai.prompt.0.content": "Hi",
            **attributes,
        },
    }


@pytest.fixture
def load(tmp_path: Path):
    """Import a text: the traces, and the problems without the file's name."""

    def read(content: str | bytes) -> tuple[list[Trace], list[str]]:
        file = tmp_path / "input"
        file.write_bytes(
            content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
        )
        problems: list[str] = []
        traces = [*read_traces(file, problems.append)]
        for trace in traces:
            Trace.model_validate_json(trace.model_dump_json())
            trajectories(trace)
        return traces, [one.removeprefix(f"{file}:") for one in problems]

    return read


def test_a_document_that_ends_in_the_middle_gives_what_is_whole(load) -> None:
    whole = json.dumps([span("a"), span("b", "a"), span("c", "a")], indent=1)

    (trace,), problems = load(whole[: whole.rindex("name")])

    assert [one.id for one in trace.spans] == ["a", "b"]
    assert problems == [
        f"1: the JSON ends or breaks in line {whole.count(chr(10), 0, whole.rindex('name')) + 1}"
    ]


@pytest.mark.parametrize("name", ["langfuse.json", "otlp_genai.json"])
def test_observations_and_spans_of_a_truncated_export_are_kept(load, name: str) -> None:
    whole = (DATA / name).read_text()

    (trace,), problems = load(whole[: int(len(whole) * 0.7)])

    assert trace.spans
    assert len(problems) == 1


def test_damaged_lines_cost_themselves_only(load) -> None:
    lines = [json.dumps(span("a")), '{"name": "b", "conte', "null", json.dumps(span("c"))]

    (trace,), problems = load("\n".join(lines))

    assert [one.id for one in trace.spans] == ["a", "c"]
    assert problems == ["2: no JSON", "3: no known format"]


def test_damaged_compression_costs_what_comes_after(load) -> None:
    rows = [json.dumps({"messages": [{"role": "user", "content": f"Hi {n}"}]}) for n in range(600)]
    packed = gzip.compress("\n".join(rows).encode())

    traces, problems = load(packed[: len(packed) // 2])

    assert 0 < len(traces) < 600
    assert problems[-1].endswith("the compressed data are damaged from here on")


def test_spans_without_parents_and_cycles_are_all_there(load) -> None:
    spans = [span("a", "gone"), span("b", "c"), span("c", "b"), span("d", "d"), span("e", "b")]

    (trace,), problems = load(json.dumps(spans))

    assert sorted(one.id for one in trace.spans) == ["a", "b", "c", "d", "e"]
    places = {one.id: at for at, one in enumerate(trace.spans)}
    assert places["b"] < places["e"]
    assert problems == []


def test_ids_that_come_twice_are_one_span_if_it_is_the_same_and_two_if_not(load) -> None:
    other = span("a", **{"gen_ai.prompt.0.content": "Ho"})

    (trace,), _ = load(json.dumps([span("a"), span("a"), other]))

    assert [one.id for one in trace.spans] == ["a", "a#2"]


def test_unknown_kinds_are_kept_as_other(load) -> None:
    run = {
        "id": "1",
        "trace_id": "1",
        "run_type": "wizard",
        "name": "x",
        "inputs": {"a": 1},
        "start_time": "soon",
    }

    (trace,), problems = load(json.dumps(run))

    assert (trace.spans[0].kind, trace.spans[0].started, trace.spans[0].ended) == (
        "other",
        0.0,
        None,
    )
    assert trace.spans[0].attributes["input"] == {"a": 1}
    assert problems == []


def test_times_that_are_missing_or_nonsense_are_unknown(load) -> None:
    spans = [
        {**span("a"), "start_time": bad, "end_time": bad}
        for bad in ("soon", None, -1, 1e99, [], {})
    ]
    spans = [
        {**one, "context": {"trace_id": "t", "span_id": str(n)}} for n, one in enumerate(spans)
    ]

    (trace,), _ = load(json.dumps(spans))

    assert {(one.started, one.ended) for one in trace.spans} == {(0.0, None)}


def test_halves_of_surrogate_pairs_and_nuls_do_not_reach_the_store(load) -> None:
    nasty = span(
        "a", **{"gen_ai.input.messages": json.dumps([{"role": "user", "content": "a\ud800b\x00c"}])}
    )

    (trace,), _ = load(json.dumps([nasty]))

    assert trace.spans[0].messages[0].content == "a\ufffdb\ufffdc"
    trace.model_dump_json().encode()


@pytest.mark.parametrize("deep", [250, 5_000, 300_000])
@pytest.mark.parametrize("first", [True, False])
def test_nesting_bombs_cost_their_line_only(load, deep: int, first: bool) -> None:
    bomb = '{"a":' * deep + "1" + "}" * deep
    lines = [bomb, json.dumps(span("a"))] if first else [json.dumps(span("a")), bomb]

    (trace,), problems = load("\n".join(lines))

    assert trace.spans[0].id == "a"
    assert problems == [f"{1 if first else 2}: nested too deeply"]


def test_a_bomb_inside_of_an_attribute_is_a_text(load) -> None:
    bomb = "[" * 5_000 + "]" * 5_000

    (trace,), problems = load(json.dumps([span("a", **{"gen_ai.input.messages": bomb})]))

    assert trace.spans[0].messages[0].content == bomb
    assert problems == []


def test_deep_arguments_of_a_tool_are_cut_and_kept(load) -> None:
    deep = json.loads("[" * 150 + "]" * 150)
    tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.call.arguments": {"a": deep}}

    (trace,), problems = load(json.dumps([span("a", **tool)]))

    assert "nested deeper" in json.dumps(trace.spans[0].arguments)
    assert problems == []


@pytest.mark.slow
def test_fifty_megabytes_in_an_attribute_do_not_stop_the_import(load) -> None:
    huge = "x" * 50_000_000

    (trace,), problems = load(
        json.dumps(span("a", note=huge, **{"gen_ai.operation.name": "other"}))
        + "\n"
        + json.dumps(span("b"))
    )

    assert [one.id for one in trace.spans] == ["a", "b"]
    assert len(trace.spans[0].attributes["attributes"]["note"]) < 100_000
    assert problems == []


@pytest.mark.parametrize(
    "content", ["", "   \n", "Dear Ada,\nhow are you?\n", '{"pets": []}', "[1, 2]", "\xff\xfe"]
)
def test_an_unknown_file_is_one_line_with_all_formats(tmp_path: Path, content: str) -> None:
    file = tmp_path / "input"
    file.write_bytes(content.encode("latin-1"))

    with pytest.raises(ConfigError) as error:
        [*read_traces(file)]

    said = str(error.value)
    assert "\n" not in said
    for form in (
        "LangSmith",
        "Langfuse",
        "OpenTelemetry",
        "agentevals",
        "OpenAI messages",
        "Inspect",
    ):
        assert form in said


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        [*read_traces(tmp_path / "nothing.jsonl")]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda below: (
        st.lists(below, max_size=4) | st.dictionaries(st.text(max_size=8), below, max_size=4)
    ),
    max_leaves=12,
)
NAMES = st.sampled_from(
    [
        "id",
        "trace_id",
        "run_type",
        "inputs",
        "outputs",
        "messages",
        "role",
        "content",
        "parts",
        "tool_calls",
        "function",
        "name",
        "observations",
        "trace",
        "type",
        "attributes",
        "spanId",
        "resourceSpans",
        "scopeSpans",
        "spans",
        "results",
        "steps",
        "gen_ai.input.messages",
        "events",
        "status",
        "error",
        "parent_run_id",
        "traceId",
        "data",
        "batch",
        "body",
        "choices",
        "message",
        "kwargs",
        "lc",
    ]
)
WORDS = st.sampled_from(
    ["user", "assistant", "tool", "llm", "GENERATION", "constructor", "function_call", ""]
)
SHAPED = st.recursive(
    JSON | WORDS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(NAMES, below, max_size=6),
    max_leaves=20,
)


@given(SHAPED)
@settings(max_examples=100, deadline=None)
def test_whatever_has_a_known_form_can_be_read_or_is_reported(value: object) -> None:
    form = recognise(value)
    for piece in form.pieces(value) if form else ():
        if isinstance(piece, str):
            continue
        try:
            trace = form.trace(piece.trace or piece.id, [piece.value])
        except (ValueError, TypeError, KeyError, IndexError, AttributeError):
            continue  # what `read_traces` reports as a problem
        trajectories(trace)
        trace.model_dump_json()
