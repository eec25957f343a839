"""The method in miniature runs from data to table; what it finds takes longer than a test."""

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

EXAMPLE = Path(__file__).parent.parent / "examples" / "miniature.py"
ASKED = {"role": "user", "content": "Send 'See you at nine!' to Ana (ana@x.example), 3 copies."}


def run(folder: Path, *arguments: str, path: str = "") -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "HF_HOME": str(folder.parent / "hub"),
        "PYTHONPATH": os.pathsep.join([path, os.environ.get("PYTHONPATH", "")]),
    }
    return subprocess.run(  # noqa: PLW1510 - the assertions show what it said
        [sys.executable, "-W", "error", EXAMPLE, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_from_data_to_table(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()

    ended = run(tmp_path / "work", "--smoke")

    assert ended.returncode == 0, ended.stderr
    for label in ("benign alone", "benign and refusals"):
        losses = re.search(rf"{label}: 3 steps .*loss ([\d.]+), at the end ([\d.]+)", ended.stdout)
        assert losses, ended.stdout
        assert float(losses[2]) < float(losses[1])
    table = ended.stdout.split("answered by each")[1]
    assert table.count("harmful") >= 2
    assert "Changes on the same cases" in table
    assert not list((tmp_path / "work").iterdir()), "nothing is left behind"


def test_a_missing_extra_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError(\"No module named 'torch'\")\n")

    ended = run(tmp_path, path=str(tmp_path))

    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert "pip install 'agentalign-lc[train]'" in line


@pytest.fixture
def words(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    pytest.importorskip("tokenizers")
    monkeypatch.syspath_prepend(str(EXAMPLE.parent))
    return importlib.import_module("tiny.words")


def test_arguments_become_places_in_the_request_and_words_again(words: ModuleType) -> None:
    given = {"to": ["ana@x.example"], "text": "see you at nine", "copies": 3.0, "mode": "fast"}
    called = {"role": "assistant", "content": "", "tool_calls": [call("send_mail", given)]}

    _, pointed = words.point([ASKED, called])

    written = pointed["tool_calls"][0]["function"]["arguments"]
    kinds = {"to": "array", "copies": "number"}
    said = words.pieces(ASKED["content"])
    assert "ana" not in str(written)
    assert {name: words._value(text, said, kinds.get(name)) for name, text in written.items()} == {
        **given,
        "text": "See you at nine",
    }


@pytest.fixture
def model(words: ModuleType) -> ModuleType:
    pytest.importorskip("torch")
    return importlib.import_module("tiny.model")


def network(model: ModuleType, pointable: list[int]) -> Any:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    config = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1}
    return model.Pointing(
        model.PointingConfig(vocab_size=220, num_attention_heads=1, pointable=pointable, **config)
    ).eval()


def test_what_is_pointed_at_is_the_same_word_by_word_and_at_once(
    words: ModuleType, model: ModuleType
) -> None:
    torch = pytest.importorskip("torch")
    ids = torch.tensor([[200, 201, words.USER, 210, 211, 212, words.END, words.ASSISTANT, 201]])
    pointable = [*range(len(words.MARKS), len(words.MARKS) + len(words.NUMBERS)), 200, 201, 202]
    tiny = network(model, pointable)

    with torch.inference_mode():
        once = tiny(ids).logits[:, -1]
        begun = tiny(ids[:, :-1])
        step = tiny(ids[:, -1:], past_key_values=begun.past_key_values).logits[:, -1]

    assert torch.allclose(once, step, atol=1e-5)
    reachable = {at for at in pointable if once[0, at] > -1e3}
    assert reachable == {200, 201, *(len(words.MARKS) + number for number in range(3))}


@pytest.mark.parametrize("weight", [-3.0, 3.0])
def test_the_first_answer_is_decided_by_the_words_of_the_request(
    words: ModuleType, model: ModuleType, weight: float
) -> None:
    torch = pytest.importorskip("torch")
    said = [words.USER, 210, 211, words.UNKNOWN, words.END]
    ids = torch.tensor([[200, *said, words.ASSISTANT]])
    tiny = network(model, [])
    with torch.no_grad():
        tiny.words.weight[211] = weight
        tiny.words.weight[[200, words.UNKNOWN]] = 100.0  # neither a tool nor a hidden word counts

    with torch.inference_mode():
        lean = float(tiny.lean(ids))
        first = int(tiny(ids).logits.argmax())
        again = torch.tensor([[*ids[0], words.CALL, words.END, words.ASSISTANT]])
        later = tiny(again).logits[0, -1]

    assert lean == weight
    assert first == (words.WORDS if weight > 0 else words.CALL)
    assert later.min() > -1e3, "later answers are the network's own"


def test_a_step_has_as_many_requests_answered_in_words_as_with_calls(
    words: ModuleType, model: ModuleType
) -> None:
    def row(first: int) -> dict[str, list[int]]:
        ids = [200, words.USER, 210, words.END, words.ASSISTANT, first, words.END]
        return {"input_ids": ids, "labels": [*[-100] * 5, first, words.END]}

    rows = [row(words.WORDS), *[row(words.CALL)] * 9]

    (step,) = model.steps_of(rows, 1, seed=7)
    (alone,) = model.steps_of(rows[1:], 1, seed=7)

    assert sum(step["in_words"]) == model.STARTS / 2
    assert set(alone["in_words"]) == {0.0}
    assert step["starts"][0] == [200, words.USER, 210, words.END]
    assert len(step["input_ids"]) == model.WHOLE


def call(name: str, arguments: dict[str, object]) -> dict[str, object]:
    return {"type": "function", "function": {"name": name, "arguments": arguments}}
