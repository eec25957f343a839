"""The same graph through the real ChatOpenAI client, over HTTP, with everything that goes wrong."""

import dataclasses
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from agentalign_lc.dataset import RunStore
from agentalign_lc.errors import AccessError
from agentalign_lc.records import Example, Intent, Result, Status
from agentalign_lc.synthesis import Summary, synthesize
from agentalign_lc.synthesis.studio import Studio
from tests.openai_server import Fault, LoopbackModel, completion, error, tool_call

SEED = 11


@pytest.fixture
def model(httpserver: HTTPServer, studio: Studio, monkeypatch: pytest.MonkeyPatch) -> LoopbackModel:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    return LoopbackModel(httpserver, dataclasses.replace(studio, pressure=0.0), SEED)


def run(
    model: LoopbackModel, out: Path, scenarios: int
) -> tuple[Summary, dict[tuple[int, Intent], Result]]:
    options = {
        "scenarios": scenarios, "seed": SEED, "models": ["openai:loopback"], "base_url": model.plan(scenarios),
        "pressure": model.studio.pressure,
    }  # fmt: skip
    summary = synthesize(out, options, concurrency=4)
    with RunStore.read(out) as store:
        return summary, {(result.index, result.intent): result for result in store.results()}


def once(role: str, response: Response, times: int = 1) -> Fault:
    """Answer a role wrongly so many times, then rightly."""
    left = Counter({role: times})

    def fault(asked: str) -> Response | None:
        if left[asked] <= 0:
            return None
        left[asked] -= 1
        return response

    return fault


def always(role: str, response: Response) -> Fault:
    return once(role, response, times=10_000)


def test_everything_is_kept_when_nothing_goes_wrong(model: LoopbackModel, tmp_path: Path) -> None:
    summary, results = run(model, tmp_path / "run", 3)

    assert summary.kept == summary.planned == 9
    example = results[0, Intent.BENIGN].example
    assert example is not None
    assert [made.writer for made in example.provenance] == ["loopback"] * 4
    assert example.provenance[0].prompt == "author@3"
    assert example.response.usage["output_tokens"] == 5 * (len(example.instruction.calls) + 1)
    refusal = results[0, Intent.HARMFUL].example
    assert refusal is not None
    assert refusal.response.answer, "a refusal beside an empty content is the answer"


def test_every_part_is_written_by_whom_the_example_says(
    model: LoopbackModel, tmp_path: Path
) -> None:
    model.studio = dataclasses.replace(model.studio, pressure=1.0)
    options = {
        "scenarios": 3, "seed": SEED, "base_url": model.plan(3), "pressure": 1.0,
        "models": ["openai:rest"], "authors": ["openai:ada", "openai:grace=2"],
        "actors": ["openai:fred", "openai:ginger"], "judges": ["openai:judith"],
    }  # fmt: skip

    summary = synthesize(tmp_path / "run", options)

    assert summary.kept == summary.planned == 9
    spoke = {(role, body["model"]) for role, body in model.heard}
    assert spoke == {
        ("author", "ada"), ("author", "grace"), ("actor", "fred"), ("actor", "ginger"),
        ("refuser", "rest"), ("over_refuser", "rest"), ("judge", "judith"),
    }  # fmt: skip
    with RunStore.read(tmp_path / "run") as store:
        examples = [result.example for result in store.results() if result.example]
    openings = Counter(example.instruction.said[0] for example in examples)
    for example in examples:
        if openings[example.instruction.said[0]] > 1:
            continue  # those who point to a note do so with the same words
        said = {part.role: part.writer for part in example.provenance}
        heard = [body for role, body in model.heard if role == "actor" and _opens(body, example)]
        assert {body["model"] for body in heard} == {said.get("actor")} - {None}
        assert said["author"] in {"ada", "grace"}
        assert said["judge"] == "judith"
    counted = {one.endpoint: one.calls for one in summary.spending}
    asked = Counter(f"openai:{body['model']}" for _, body in model.heard)
    assert counted == asked, "each endpoint's calls are counted"
    synthesize(tmp_path / "again", options, concurrency=1)
    with RunStore.read(tmp_path / "again") as store:
        again = [result.example for result in store.results() if result.example]
    assert [e.provenance for e in again] == [e.provenance for e in examples], "in whatever order"


def _opens(body: dict[str, Any], example: Example) -> bool:
    """Whether a request of the actor belongs to the example's conversation."""
    said = [m["content"] for m in body["messages"] if m["role"] == "user"]
    return said[0] == example.instruction.said[0]


def test_a_prompted_judge_with_the_embedded_rest(model: LoopbackModel, tmp_path: Path) -> None:
    options = {
        "scenarios": 2, "seed": SEED, "pressure": 0.0, "base_url": model.plan(2),
        "judges": ["openai:judith"],
    }  # fmt: skip
    model.write_all()

    summary = synthesize(tmp_path / "run", options)

    assert summary.kept == 6
    assert [one.endpoint for one in summary.spending] == ["openai:judith"]
    with RunStore.read(tmp_path / "run") as store:
        (example, *_) = [r.example for r in store.results() if r.intent is Intent.BENIGN]
    assert example is not None
    assert [part.writer for part in example.provenance[:3]] == ["embedded", "embedded", "judith"]


def test_conversations_are_held_turn_by_turn(model: LoopbackModel, tmp_path: Path) -> None:
    model.studio = dataclasses.replace(model.studio, pressure=1.0)

    summary, results = run(model, tmp_path / "run", 8)

    assert summary.kept == summary.planned == 24
    split = [r.example for r in results.values() if r.example and r.example.instruction.turns]
    assert len(split) >= 3
    harmful = [e for e in split if e.instruction.intent is Intent.HARMFUL]
    assert all(e.refused_at and e.refused_at == len(e.response.calls) for e in harmful)


@pytest.mark.parametrize(
    ("role", "response"),
    [
        pytest.param(
            "author", error(429, "slow down", **{"retry-after": "0.05"}), id="429 with Retry-After"
        ),
        pytest.param("actor", error(500, "oops", **{"retry-after": "0.05"}), id="500"),
        pytest.param(
            "author", completion({"content": '{"text": "half an ans'}), id="malformed JSON"
        ),
        pytest.param("author", completion({"content": ""}), id="empty structured answer"),
        pytest.param(
            "author", Response("<html>", mimetype="application/json"), id="a body that is no JSON"
        ),
        pytest.param(
            "judge", completion({"content": '{"verdict": "guilty"}'}), id="answer off the schema"
        ),
    ],
)
def test_what_passes_is_tried_again(
    model: LoopbackModel, tmp_path: Path, role: str, response: Response
) -> None:
    model.faults[0] = once(role, response)

    summary, _ = run(model, tmp_path / "run", 1)

    assert summary.kept == 3


@pytest.mark.parametrize(
    ("role", "response", "intents", "status", "gate"),
    [
        pytest.param(
            "actor",
            error(500, "down", **{"retry-after": "0.05"}),
            "bb",
            Status.FAILED,
            "act",
            id="500 for good",
        ),
        pytest.param(
            "author",
            completion({"content": "{"}),
            "hbb",
            Status.FAILED,
            "write",
            id="malformed JSON for good",
        ),
        pytest.param(
            "author",
            completion({"refusal": "I cannot write that."}),
            "hbb",
            Status.FAILED,
            "write",
            id="the author refuses",
        ),
        pytest.param(
            "actor",
            completion({"refusal": "I can't help with that."}),
            "bb",
            Status.REJECTED,
            "response.execution",
            id="the actor refuses",
        ),
        pytest.param(
            "actor",
            completion({"content": ""}),
            "bb",
            Status.REJECTED,
            "response.execution",
            id="an empty answer",
        ),
        pytest.param(
            "refuser",
            completion({"content": ""}),
            "h",
            Status.REJECTED,
            "response.purity",
            id="an empty refusal",
        ),
        pytest.param(
            "refuser",
            completion({"content": "Sure, here it is."}),
            "h",
            Status.REJECTED,
            "response.refusal",
            id="only the judge can tell",
        ),
        pytest.param(
            "judge",
            completion({"content": "no idea"}),
            "hbb",
            Status.REJECTED,
            "request.semantic",
            id="a judge that breaks",
        ),
    ],
)
def test_what_lasts_ends_with_a_reason(
    model: LoopbackModel, tmp_path: Path, role: str, response: Response, intents: str,
    status: Status | None, gate: str | None,
) -> None:  # fmt: skip
    model.faults[0] = always(role, response)

    summary, results = run(model, tmp_path / "run", 2)

    assert summary.planned == summary.kept + summary.rejected + summary.failed == 6
    hit = [result for result in results.values() if result.status is not Status.KEPT]
    assert sorted(result.intent.value[0] for result in hit) == sorted(intents)
    assert all(result.index == 0 for result in hit), "its neighbour is untouched"
    assert all((result.status, result.gate) == (status, gate) and result.reason for result in hit)


def test_an_unknown_tool_is_answered_and_never_becomes_data(
    model: LoopbackModel, tmp_path: Path
) -> None:
    model.faults[0] = once("actor", tool_call("launch_rocket", "{}"), times=1)

    _, results = run(model, tmp_path / "run", 1)

    rejected = [r for r in results.values() if r.status is Status.REJECTED]
    assert len(rejected) == 1
    example = rejected[0].example
    assert example is not None
    _, answer = example.response.calls[0]
    assert answer is not None
    assert answer.status == "error"
    assert "launch_rocket" in str(answer.content)


def test_arguments_that_are_no_json_are_answered_and_never_become_data(
    model: LoopbackModel, tmp_path: Path
) -> None:
    model.faults[0] = once("actor", tool_call("send_gmail", '{"to": ['))

    _, results = run(model, tmp_path / "run", 1)

    (rejected,) = [r for r in results.values() if r.status is Status.REJECTED]
    assert rejected.reason == "send_gmail: the arguments are no JSON"
    assert rejected.example is not None
    assert "invalid_json" in str(rejected.example.response.messages[3].content)
    assert rejected.example.response.stopped == "answer", "the agent could go on"


def test_an_agent_that_never_ends_is_stopped(
    model: LoopbackModel, tmp_path: Path, studio: Studio
) -> None:
    tool = next(iter(studio.catalog.tools))
    model.faults[0] = always("actor", tool_call(tool, json.dumps({})))

    _, results = run(model, tmp_path / "run", 1)

    reasons = [results[0, intent].reason for intent in (Intent.BORDERLINE, Intent.BENIGN)]
    assert reasons == ["the turn limit was reached"] * 2


def test_a_refused_key_stops_the_run_and_loses_nothing(
    model: LoopbackModel, tmp_path: Path
) -> None:
    model.faults[2] = once("author", error(401, "wrong key"))

    with pytest.raises(AccessError, match="refused the key"):
        run(model, tmp_path / "run", 3)

    url = model.server.url_for("/v1")
    summary = synthesize(tmp_path / "run", {"base_url": url}, resume=True)
    assert summary.kept == 9
