"""Prices and the file of models: found by name, wrong ones named by line."""

import pickle
from pathlib import Path

import pytest

from agentalign_lc.endpoints.endpoints import Endpoints
from agentalign_lc.endpoints.limits import Limits
from agentalign_lc.endpoints.price import Price, PriceTable
from agentalign_lc.errors import ConfigError, DocumentError
from tests.scripted import ScriptedChatModel

MODELS = """\
mine:
  model: qwen3-32b
  base_url: http://127.0.0.1:9/v1
  concurrency: 32
  timeout: 20
  options: {temperature: 0.7, max_tokens: 300}
team:
  model: openai:gpt-5.4
  api_key_env: TEAM_KEY
  requests_per_minute: 500
  price: {input: 2.0, cached_input: 0.2, output: 8.0}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "models.yaml"
    path.write_text(MODELS)
    return path


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "prices.yaml"
    path.write_text(text)
    return path


def test_a_price_counts_cached_input_apart() -> None:
    price = Price(input=2, cached_input=0.5, output=8)
    assert price.cost(1_000_000, 0) == 2
    assert price.cost(1_000_000, 1_000_000, cached_tokens=400_000) == pytest.approx(9.4)


def test_an_exact_name_goes_before_patterns_and_a_long_pattern_before_a_short(
    tmp_path: Path,
) -> None:
    table = PriceTable.load(
        written(
            tmp_path,
            '"*": {input: 1, output: 1}\n"gpt-5*": {input: 2, output: 2}\n'
            "gpt-5.4: {input: 3, output: 3}\n",
        )
    )
    assert [
        table.find(name).input for name in ("x", "openai:gpt-5.1", "openai:gpt-5.4", "gpt-5.4")
    ] == [1, 2, 3, 3]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("a: {input: 1, output: 2}\nb: {input: -1, output: 2}\n", ":2: b.input: "),
        ("a:\n  input: 1\n", ":1: a.output: field is missing"),
        ("a: {input: 1, output: 2, ouput: 3}\n", ":1: a.ouput: unknown field"),
        ("a: 3\n", ":1: a: "),
    ],
)
def test_a_bad_price_is_named_by_its_line(tmp_path: Path, text: str, wrong: str) -> None:
    with pytest.raises(DocumentError) as caught:
        PriceTable.load(written(tmp_path, text))
    assert f"prices.yaml{wrong}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_model_of_the_file_has_its_own_limits(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEAM_KEY", "sk-team")
    endpoints = Endpoints(file, limits=Limits(requests_per_minute=100, timeout=60), workers=2)

    mine, team = endpoints.get("mine"), endpoints.get("team")

    assert mine.limits == Limits(requests_per_minute=50, concurrency=16, timeout=20)
    assert team.limits == Limits(requests_per_minute=250, concurrency=32, timeout=60)
    assert mine.model.temperature == 0.7
    assert mine.model.max_tokens == 300
    assert mine.model.max_retries == team.model.max_retries == 0
    assert team.model.openai_api_key.get_secret_value() == "sk-team"
    assert team.price == Price(input=2, cached_input=0.2, output=8)
    assert mine.place == "mine at http://127.0.0.1:9/v1"


def test_roles_that_name_the_same_model_share_it(file: Path) -> None:
    endpoints = Endpoints(file)
    model = ScriptedChatModel(script=[])

    mix = endpoints.mix(["mine=3", "mine"])

    assert [weight for _, weight in mix] == [3.0, 1.0]
    assert mix[0][0] is mix[1][0] is endpoints.get("mine")
    assert endpoints.get(model) is endpoints.get(model)


def test_endpoints_can_be_sent_to_another_process(file: Path) -> None:
    endpoints = Endpoints(file, limits=Limits(timeout=5), workers=2)
    endpoints.get("mine")

    arrived = pickle.loads(pickle.dumps(endpoints))

    assert arrived == endpoints
    assert arrived.get("mine").limits == endpoints.get("mine").limits
    assert arrived.get("mine") is not endpoints.get("mine")


def test_a_key_that_is_not_set_is_named_by_its_line(file: Path, monkeypatch) -> None:
    monkeypatch.delenv("TEAM_KEY", raising=False)
    with pytest.raises(ConfigError, match=r"models.yaml:9: team.api_key_env: .* TEAM_KEY is not"):
        Endpoints(file).get("team")


def test_a_maximum_cost_needs_a_price(file: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r'needs the price of mine: give --prices FILE .*"mine":'):
        Endpoints(file, priced=True).get("mine")

    prices = written(tmp_path, "qwen3*: {input: 0, output: 0}\n")
    assert Endpoints(file, prices, priced=True).get("mine").price == Price(input=0, output=0)


@pytest.mark.parametrize("text", ["mine=0", "mine=much", "mine=-1", "mine=inf", "mine=nan"])
def test_a_weight_that_is_none(file: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="with a weight above 0"):
        Endpoints(file).mix([text])


def test_a_price_can_be_had_without_a_key(file: Path, monkeypatch) -> None:
    monkeypatch.delenv("TEAM_KEY", raising=False)
    assert Endpoints(file).price("team") == Price(input=2, cached_input=0.2, output=8)
    assert Endpoints(file).price("openai:gpt-5.4") is None


@pytest.mark.parametrize(
    ("name", "chat_completions"),
    [("qwen3", True), ("qwen2.5:7b", True), ("openai:llama", True), ("openai:gpt-5.4", False)],
)
def test_other_servers_speak_chat_completions(name: str, chat_completions: bool) -> None:
    model = Endpoints(base_url="http://127.0.0.1:9/v1").get(name).model
    assert (model.use_responses_api is False) == chat_completions


def test_a_bad_file_of_models_is_named_by_its_line(tmp_path: Path) -> None:
    path = written(tmp_path, "mine:\n  model: x\n  timeout: 0\n")
    with pytest.raises(DocumentError, match=r"prices.yaml:3: mine.timeout: "):
        Endpoints(path).get("mine")
