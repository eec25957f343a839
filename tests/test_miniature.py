"""The method in miniature runs from data to table; what it finds takes longer than a test."""

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

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


def test_what_is_pointed_at_is_the_same_word_by_word_and_at_once(words: ModuleType) -> None:
    torch, model = pytest.importorskip("torch"), importlib.import_module("tiny.model")
    ids = torch.tensor([[200, 201, words.USER, 210, 211, 212, words.END, words.ASSISTANT, 201]])
    pointable = [*range(len(words.MARKS), len(words.MARKS) + len(words.NUMBERS)), 200, 201, 202]
    torch.manual_seed(0)
    config = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1}
    network = model.Pointing(
        model.PointingConfig(vocab_size=220, num_attention_heads=1, pointable=pointable, **config)
    ).eval()

    with torch.inference_mode():
        once = network(ids).logits[:, -1]
        begun = network(ids[:, :-1])
        step = network(ids[:, -1:], past_key_values=begun.past_key_values).logits[:, -1]

    assert torch.allclose(once, step, atol=1e-5)
    reachable = {at for at in pointable if once[0, at] > -1e3}
    assert reachable == {200, 201, *(len(words.MARKS) + number for number in range(3))}


def call(name: str, arguments: dict[str, object]) -> dict[str, object]:
    return {"type": "function", "function": {"name": name, "arguments": arguments}}
