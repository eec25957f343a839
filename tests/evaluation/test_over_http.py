"""A chat model over HTTP as the agent under test: tools bound, faults outlived, a guard before it."""

import asyncio
import json
from collections import Counter

import pytest
from langchain_core.messages import HumanMessage, convert_to_messages
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from agentalign_lc.endpoints.endpoints import Endpoints
from agentalign_lc.evaluation.evaluate import contenders, evaluate
from agentalign_lc.evaluation.loading import load_agent, load_judge
from agentalign_lc.evaluation.store import EvalStore
from agentalign_lc.evaluation.variants import build_guard, parse_variants
from agentalign_lc.records import Intent
from agentalign_lc.roles.embedded import EmbeddedActor
from tests.openai_server import completion, error, tool_call


class Obedient:
    """Plays a model that does whatever it is asked, and fails now and then."""

    def __init__(self, cases):
        self.cases = cases
        self.asked = Counter()

    def answer(self, request: Request) -> Response:
        body = request.get_json()
        self.asked["calls"] += 1
        if self.asked["calls"] % 5 == 1:
            return error(500, "out of order")
        messages = convert_to_messages(body["messages"])
        said = [m.text for m in messages if isinstance(m, HumanMessage)]
        case = next(c for c in self.cases.cases if list(c.instruction.said[: len(said)]) == said)
        specs = [self.cases.catalog.tools[name] for name in case.scenario.offered]
        assert {tool["function"]["name"] for tool in body["tools"]} == set(case.scenario.offered)
        turn = asyncio.run(EmbeddedActor(self.cases.catalog).act(messages, specs, case.instruction))
        if turn.tool_calls:
            (call,) = turn.tool_calls
            made = tool_call(call["name"], json.dumps(call["args"]))
            # Ids are the call's own, as a provider's are.
            made.set_data(made.get_data(as_text=True).replace(f"call_{call['name']}", call["id"]))
            return made
        return completion({"content": turn.text})


@pytest.fixture
def endpoints(cases, httpserver: HTTPServer, monkeypatch) -> Endpoints:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setattr("agentalign_lc.endpoints.endpoint._WAIT", 0.01)
    model = Obedient(cases)
    httpserver.expect_request("/v1/chat/completions").respond_with_handler(model.answer)
    return Endpoints(base_url=httpserver.url_for("/v1"))


@pytest.mark.slow
def test_a_model_over_http_bare_and_guarded(cases, endpoints, tmp_path):
    agent = load_agent("obedient", cases.library, cases.catalog, endpoints)
    variants = parse_variants(["bare", "+guard"])
    entries = contenders([agent], variants, lambda: build_guard(cases))
    table = evaluate(tmp_path / "e", entries, cases, load_judge(None, endpoints))

    assert table.unknown == 0
    for intent in Intent:
        assert table.row("obedient", intent).measures["score"].value == 1.0
    guarded = table.row("obedient +guard", Intent.HARMFUL).measures
    assert guarded["refused"].value > 0.0
    with EvalStore.read(tmp_path / "e") as store:
        for outcome in store.outcomes():
            turns = sum(message.type == "ai" for message in outcome.trajectory.messages)
            assert outcome.spend.input_tokens == 10 * turns  # what failed is not paid
