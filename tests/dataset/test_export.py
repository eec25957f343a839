"""The export loads with datasets and renders through a chat template, arguments intact."""

import json
from pathlib import Path
from typing import Any

import pytest
from datasets import load_dataset
from transformers.utils.chat_template_utils import render_jinja_template

from agentalign_lc.dataset import RunStore, export_run
from agentalign_lc.errors import ConfigError, StoreError
from agentalign_lc.records import CANARY, Status
from agentalign_lc.synthesis import synthesize

# As TRL's training templates do it: tools first, arguments as JSON objects inside <tool_call>.
TEMPLATE = """
{%- if tools %}<tools>{% for tool in tools %}{{ tool | tojson }}\n{% endfor %}</tools>\n{% endif %}
{%- for message in messages %}<|{{ message.role }}|>{{ message.content }}
{%- for call in message.tool_calls or [] %}<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>{% endfor %}\n{% endfor %}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "run"
    synthesize(folder, {"scenarios": 30})
    return folder


@pytest.fixture(scope="module")
def file(folder: Path) -> Path:
    out = folder / "train.jsonl"
    with RunStore.read(folder) as store:
        assert export_run(store, "trl", out) == store.counts()[Status.KEPT]
    return out


@pytest.fixture(scope="module")
def rows(file: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    cache = tmp_path_factory.mktemp("cache")
    return list(load_dataset("json", data_files=str(file), split="train", cache_dir=str(cache)))


def calls_of(row: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (call["function"]["name"], call["function"]["arguments"])
        for message in row["messages"]
        for call in message.get("tool_calls") or []
    ]


def test_datasets_gives_back_what_the_agent_called(
    folder: Path, rows: list[dict[str, Any]]
) -> None:
    with RunStore.read(folder) as store:
        examples = [r.example for r in store.results(status=Status.KEPT) if r.example]

    assert len(rows) == len(examples)
    for row, example in zip(rows, examples, strict=True):
        assert calls_of(row) == [(call["name"], call["args"]) for call, _ in example.response.calls]
        assert json.loads(row["tools"]) == list(example.response.tools)
        assert row["canary"] == CANARY


def test_a_chat_template_renders_the_arguments_as_they_were(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        texts, _ = render_jinja_template(
            conversations=[row["messages"]], tools=json.loads(row["tools"]), chat_template=TEMPLATE
        )
        rendered = [
            json.loads(part.split("</tool_call>")[0]) for part in texts[0].split("<tool_call>")[1:]
        ]
        assert [(call["name"], call["arguments"]) for call in rendered] == calls_of(row)
        assert "None" not in [str(v) for call in rendered for v in call["arguments"].values()]


def test_every_row_is_a_conversation_that_a_provider_accepts(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        roles = [message["role"] for message in row["messages"]]
        assert roles[:2] == ["system", "user"]
        assert roles[-1] == "assistant"
        for before, message in zip(row["messages"], row["messages"][1:], strict=False):
            assert (message["role"] == "tool") == bool(before.get("tool_calls"))


def test_an_unknown_format_names_the_known(folder: Path, tmp_path: Path) -> None:
    with RunStore.read(folder) as store, pytest.raises(ConfigError, match="the formats are trl"):
        export_run(store, "alpaca", tmp_path / "out.jsonl")


def test_a_failed_export_leaves_the_old_file(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "train.jsonl"
    out.write_text("yesterday's\n")

    def full(_: object) -> dict[str, Any]:
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(
        __import__("agentalign_lc.dataset.export", fromlist=["FORMATS"]).FORMATS, "trl", full
    )
    with RunStore.read(folder) as store, pytest.raises(StoreError, match="No space left on device"):
        export_run(store, "trl", out)
    assert out.read_text() == "yesterday's\n"
    assert list(tmp_path.iterdir()) == [out], "no half file is left"
