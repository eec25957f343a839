"""The card: its front matter is Hugging Face's, and nothing in the data breaks its Markdown."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import DatasetCard
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from agentalign_lc.cli.stats import measure_run
from agentalign_lc.dataset import RunStore
from agentalign_lc.dataset.reporting.card import escape_markdown, render_card
from agentalign_lc.dataset.reporting.profile import Loss, Source, profile_run
from agentalign_lc.records import CANARY, Intent, Result, Status
from tests.dataset.varied import PAYLOADS, varied_run

MARKDOWN = MarkdownIt("commonmark").enable("table")
TEXTS = st.one_of(
    st.sampled_from(PAYLOADS), st.text(max_size=20), st.text("|`*_<>[]()!#\\&@:w. a\n")
)
# How a text is cut into pieces, and not what is done with it.
PIECES = {"text", "text_special", "softbreak", "code_inline"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return varied_run(tmp_path_factory.mktemp("card") / "run")


@pytest.fixture(scope="module")
def measured(run: Path) -> tuple[Any, Any, dict[str, Any]]:
    with RunStore.read(run) as store:
        return profile_run(store), measure_run(store, duplicates=False)[0], store.config


def test_the_front_matter_is_what_the_hub_reads(measured: Any) -> None:
    card = DatasetCard(render_card(*measured))

    data = card.data.to_dict()
    assert data["license"] == "apache-2.0"
    assert data["language"] == ["en"]
    assert data["size_categories"] == ["n<1K"]
    assert data["task_categories"] == ["text-generation"]
    assert {"agent-safety", "agentalign"} <= set(data["tags"])
    assert card.text.lstrip().startswith("# Agent safety from behavior chains")


def test_the_card_says_what_the_run_says(measured: Any) -> None:
    text = " ".join(render_card(*measured).split())

    assert "planned 34 = kept 31 + rejected 2 + failed 1" in text
    assert "| borderline | failed | `act` | APITimeoutError: timed out | 1 |" in text
    assert "| `seed` | 5 |" in text
    assert "| author | `embedded` | none | 31 |" in text
    assert "Cost: none." in text
    assert "| over refused |" in text
    assert "arXiv:2505.23020" in text
    assert CANARY in text
    for split in measured[0].splits:
        assert f"| `{split}` |" in text
    for heading in ("Loading", "Coverage", "Diversity", "What it is not for", "Limitations"):
        assert f"## {heading}" in text


def test_tokens_are_the_cost_where_a_model_wrote(measured: Any) -> None:
    profile, statistics, config = measured
    written = Source(role="author", writer="openai:gpt-5.4-mini", prompt="author 3", examples=31)
    profile = profile.model_copy(
        update={"sources": (written,), "usage": {"input_tokens": 12_345, "output_tokens": 678}}
    )
    text = render_card(profile, statistics, config)
    assert "Cost: 12,345 input tokens, 678 output tokens" in text
    assert "| author | `openai:gpt-5.4-mini` | `author 3` | 31 |" in text
    assert "grammar" not in text


@settings(deadline=None, max_examples=60)
@given(text=TEXTS)
def test_no_text_breaks_the_markdown(measured: Any, text: str) -> None:
    plain, card = (MARKDOWN.parse(hostile_card(measured, said)) for said in ("plain", text))

    assert [token.type for token in card] == [token.type for token in plain]
    assert kinds(card) == kinds(plain)


@given(text=TEXTS)
def test_an_escaped_text_reads_as_it_was_written(text: str) -> None:
    escaped = escape_markdown(f"x{text}x")

    assert "\n" not in escaped
    table = MARKDOWN.parse(f"| a |\n| --- |\n| {escaped} |\n")
    shown = [token for token in table if token.type == "inline"][1].children or []
    assert {child.type for child in shown} <= {"text", "text_special"}
    said = "".join(child.content for child in shown)
    assert said.split() == escape_free(f"x{text}x").split()


def escape_free(text: str) -> str:
    """A text without what stays invisible on a line: separators, controls, turned directions."""
    hidden = {*range(32), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)}
    return "".join(" " if ord(c) in hidden or c in "\u2028\u2029" else c for c in text)


def hostile_card(measured: Any, text: str) -> str:
    profile, statistics, config = measured
    text = f"x{text}"
    loss = Loss(intent=Intent.BENIGN, status=Status.REJECTED, gate=text, reason=text, count=2)
    source = Source(role=text, writer=text, prompt=text, examples=1)
    profile = profile.model_copy(
        update={
            "losses": (loss,),
            "sources": (source,),
            "tools": {text: 3},
            "twists": {text: 3},
            "gates": {text: {}},
            "versions": (text,),
        }
    )
    statistics = statistics.model_copy(update={"pressure": {text: 3}})
    return render_card(profile, statistics, {**config, "model": text, "tools": [text]})


def kinds(tokens: list[Any]) -> Counter[str]:
    """What stands inside the lines, other than text."""
    return Counter(
        child.type for token in tokens for child in token.children or () if child.type not in PIECES
    )


def test_the_command_writes_it_into_the_run(agentalign, run: Path) -> None:
    code, out, _ = agentalign("card", run)
    assert code == 0
    assert out == f"{run / 'README.md'}: the data set card\n"
    assert (run / "README.md").read_text(encoding="utf-8").startswith("---\npretty_name:")


def test_a_run_with_nothing_kept_still_has_a_card(agentalign, tmp_path: Path) -> None:
    with RunStore.create(tmp_path / "run", {"scenarios": 2, "seed": 7}) as store:
        store.save([Result.failed(0, intent, "write", "no answer") for intent in Intent])

    code, _, err = agentalign("card", tmp_path / "run", "--out", tmp_path / "card.md")

    assert (code, err) == (0, "")
    text = (tmp_path / "card.md").read_text(encoding="utf-8")
    assert "kept 0 + rejected 0 + failed 3 + not yet tried 3" in text
