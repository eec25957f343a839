"""The estimate against runs that happen: calls are exact where models behave, tokens nearly."""

import dataclasses
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from agentalign_lc.endpoints.price import Price
from agentalign_lc.errors import AccessError, ConfigError
from agentalign_lc.records import BehaviorChain
from agentalign_lc.synthesis import RunConfig, Studio, synthesize
from agentalign_lc.synthesis import estimate as estimating
from agentalign_lc.synthesis.estimate import estimate, estimate_run
from agentalign_lc.synthesis.resources import Resources
from agentalign_lc.synthesis.scaling import Estimate
from agentalign_lc.taxonomy import append_chains
from tests.openai_server import LoopbackModel, error

SEED = 11
PRICE = Price(input=1, output=4)
FACTOR = 1.2
"""By how much tokens may be off, against a tokenizer of which the estimate knows nothing."""


@pytest.fixture
def model(httpserver: HTTPServer, studio: Studio, monkeypatch: pytest.MonkeyPatch) -> LoopbackModel:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    return LoopbackModel(httpserver, dataclasses.replace(studio, pressure=1.0), SEED)


@pytest.fixture(scope="module")
def tokens() -> Callable[[str], int]:
    """Counts tokens as Mistral's models do."""
    tekken = pytest.importorskip("mistral_common.tokens.tokenizers.tekken")
    data = Path(pytest.importorskip("mistral_common").__file__).parent / "data"
    tokenizer = tekken.Tekkenizer.from_file(data / "tekken_240911.json")
    return lambda text: len(tokenizer.encode(text, bos=False, eos=False))


SUITE = """\
suite: desk
description: Our help desk.
capabilities:
  post: {effect: write, description: Post it., actions: {call: [text]}}
tools:
  postToDesk:
    capability: post
    description: Post a message to the help desk.
    parameters:
      text: {type: string, text: true}
"""
"""A tool that no shipped chain has a step for."""


def by_role(found: Estimate) -> Counter[str]:
    calls: Counter[str] = Counter()
    for part in found.asked:
        calls[part.role] += round(part.calls)
    return calls


def read(body: dict[str, Any]) -> str:
    """All that a model is given to read."""
    said = [
        (message.get("content") or "") + json.dumps(message.get("tool_calls") or "")
        for message in body["messages"]
    ]
    return "\n".join([*said, json.dumps([body.get("tools"), body.get("response_format")])])


def test_a_run_asks_what_was_estimated(
    model: LoopbackModel, tmp_path: Path, tokens: Callable[[str], int]
) -> None:
    options = {
        "scenarios": 2, "seed": SEED, "pressure": 1.0, "base_url": model.plan(2),
        "models": ["openai:rest"], "authors": ["openai:ada", "openai:grace"],
    }  # fmt: skip

    found = estimate(tmp_path / "run", options)

    assert not (tmp_path / "run").exists()
    assert not model.heard
    synthesize(tmp_path / "run", options)
    roles = Counter(
        {**model.asked, "refuser": model.asked["refuser"] + model.asked["over_refuser"]}
    )
    del roles["over_refuser"]
    assert by_role(found) == roles
    asked = Counter(f"openai:{body['model']}" for role, body in model.heard if role == "author")
    assert {p.endpoint: p.calls for p in found.asked if p.role == "author"} == asked
    for role, names in {"author": {"author"}, "actor": {"actor"}, "judge": {"judge"}, "refuser": {"refuser", "over_refuser"}}.items():  # fmt: skip
        truly = sum(tokens(read(body)) for asked, body in model.heard if asked in names)
        estimated = sum(part.input_tokens for part in found.asked if part.role == role)
        assert 1 / FACTOR < estimated / truly < FACTOR, role


def test_what_is_left_of_a_run(model: LoopbackModel, tmp_path: Path) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text('"openai:loopback": {input: 1000, output: 2000}\n')
    paid = Resources(prices=prices, concurrency=1)
    options = {"scenarios": 2, "seed": SEED, "pressure": 0.0, "models": ["openai:loopback"]}
    model.faults[1] = lambda _: error(401, "wrong key")
    with pytest.raises(AccessError):
        synthesize(tmp_path / "run", options | {"base_url": model.plan(2)}, resources=paid)

    found = estimate(tmp_path / "run", resume=True, resources=paid)

    assert (found.scenarios, found.sampled) == (1, 1)
    assert by_role(found)["author"] == 3
    answered = sum(1 for _, body in model.heard if model.scenario_of(body) == 0)
    assert found.spent == pytest.approx(0.02 * answered)


def test_a_sample_stands_for_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    config = RunConfig(scenarios=10, everyday=4, models=("a", "b=2", "b"), seed=SEED)
    monkeypatch.setattr(estimating, "_SAMPLE", 3)

    found = estimate_run(config, lambda _: PRICE)

    assert (found.sampled, found.scenarios) == (6, 14)
    authors = {part.endpoint: part.calls for part in found.asked if part.role == "author"}
    assert authors == pytest.approx({"a": 34 / 4, "b": 34 * 3 / 4}), "by weight, not by luck"
    assert found.low.calls < found.total.calls < found.high.calls < found.most.calls


def test_the_upper_end_is_every_request_written_as_often_as_it_may_be() -> None:
    config = RunConfig(scenarios=2, models=("m",), max_tries=3, pressure=0.0)

    found = estimate_run(config)

    written_once = 3 * 2
    judged_once = written_once  # each try is judged: is it what it was meant to be?
    assert found.most.calls == found.total.calls + 2 * (written_once + judged_once)


def test_only_prompted_roles_are_counted() -> None:
    found = estimate_run(RunConfig(scenarios=2, judges=("j",)))
    assert {part.role for part in found.asked} == {"judge"}

    nobody = estimate_run(RunConfig(scenarios=2))
    assert nobody.asked == ()
    assert nobody.total.calls == 0


@pytest.mark.parametrize(
    ("step", "shipped"), [("communication.send_sms:send", False), ("desk.post:call", True)]
)
def test_others_stand_for_chains_that_nobody_can_say_yet(
    tmp_path: Path, step: str, shipped: bool
) -> None:
    suite, chains = tmp_path / "desk.yaml", tmp_path / "mine.yaml"
    suite.write_text(SUITE)
    capability, _, action = step.partition(":")
    chain = {
        "name": "posts", "category": "online_fraud", "subcategory": "phishing",
        "steps": [{"capability": capability, "action": action}],
        "harmful": "Posts a lie.", "borderline": "Posts a warning.", "benign": "Posts news.",
    }  # fmt: skip
    append_chains(chains, [BehaviorChain.model_validate(chain)])
    tools = (str(suite),) if shipped else ()
    config = RunConfig(chains=(str(chains),), tools=tools, scenarios=2, models=("m",))

    found = estimate_run(config)

    assert (found.unsaid, found.shipped) == (1, shipped)
    assert by_role(found)["author"] == 6


def test_a_budget_needs_prices(tmp_path: Path) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text('"a*": {input: 1, output: 4}\n')
    options = {"scenarios": 1, "models": ["a"], "judges": ["b"]}

    with pytest.raises(ConfigError, match="a maximum cost needs the price of b"):
        estimate(tmp_path / "run", options, resources=Resources(prices=prices, max_cost=1))
    found = estimate(tmp_path / "run", options, resources=Resources(prices=prices))
    assert found.unpriced == ("b",)
    assert found.total.cost > 0
