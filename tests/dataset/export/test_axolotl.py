"""axolotl's own chat-template strategy takes our rows: what it trains has every call."""

import json
import textwrap
import warnings
from pathlib import Path

import pytest
import trl
import yaml

from agentalign_lc.dataset import Conversation
from agentalign_lc.dataset.export import axolotl
from tests.dataset.export.conversations import SHAPES, calls_of, says

pytest.importorskip("addict")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("axolotl")
    from axolotl.prompt_strategies.chat_template import load as load_strategy
    from axolotl.utils.dict import DictDefault

TEMPLATES = Path(trl.__file__).parent / "chat_templates"


@pytest.fixture(
    params=[
        "qwen2_5",
        "qwen3_instruct_2507",
        "nemotron_3_nano",
        "qwen3_5_nothink",
        "glm4moe",
        "lfm2_v2",
    ]
)
def strategy(request, tokenizer, monkeypatch):
    """As axolotl builds it from the YAML in our module's docstring."""
    text = (TEMPLATES / f"{request.param}.jinja").read_text(encoding="utf-8")
    monkeypatch.setattr(tokenizer, "chat_template", text)
    config = DictDefault({"sequence_len": 1_000_000, "train_on_inputs": False})
    block = str(axolotl.__doc__).split("```")[1].removeprefix("yaml")
    (about,) = yaml.safe_load(textwrap.dedent(block))["datasets"]
    return load_strategy(tokenizer, config, about)


def trained(strategy, row) -> str:
    made = strategy.tokenize_prompt(row)
    labels = [
        i for i, label in zip(made["input_ids"], made["labels"], strict=True) if label != -100
    ]
    return strategy.tokenizer.decode(labels)


def test_every_shape(strategy, load) -> None:
    rows = load(SHAPES.values(), "axolotl")
    for shape, row in zip(SHAPES.values(), rows, strict=True):
        text = trained(strategy, row)
        assert all(says(text, arguments) for _, arguments in calls_of(shape.messages))
        for turn in shape.messages:
            assert (turn["content"] in text) == (turn["role"] == "assistant")


def test_the_rows_of_a_run(strategy, load, kept: list[Conversation]) -> None:
    for conversation, row in zip(kept, load(kept, "axolotl"), strict=True):
        assert json.loads(row["tools"])
        text = trained(strategy, row)
        assert all(says(text, arguments) for _, arguments in calls_of(conversation.messages))
