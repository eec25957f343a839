"""The low-rank adapter: fitted on a tiny encoder, stored, loaded, the same scores; nobody else's encoder changes."""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("sklearn")

from agentalign_lc.guard.learning import adapter, encoder_fit  # noqa: E402 - only where torch is
from agentalign_lc.guard.learning.classifier import load_classifier, save_classifier  # noqa: E402
from agentalign_lc.guard.learning.curriculum import Curriculum  # noqa: E402
from agentalign_lc.guard.learning.lessons import Lesson  # noqa: E402
from agentalign_lc.guard.learning.tensors import Tensor, TensorFile  # noqa: E402
from agentalign_lc.records import Intent  # noqa: E402


class _Encoder(torch.nn.Module):
    """As much of a sentence encoder as is used: a BERT of 20 thousand numbers that reads letters."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        config = transformers.BertConfig(
            vocab_size=128,
            hidden_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=adapter.TOKENS,
        )
        self.first = torch.nn.Module()
        self.first.auto_model = transformers.BertModel(config, add_pooling_layer=False)

    def __getitem__(self, place: int) -> torch.nn.Module:
        assert place == 0
        return self.first

    def tokenizer(
        self, texts: list[str], *, max_length: int, **_: object
    ) -> dict[str, torch.Tensor]:
        rows = [[ord(letter) % 127 + 1 for letter in text[:max_length]] for text in texts]
        longest = max(map(len, rows))
        ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
        return {"input_ids": ids, "attention_mask": (ids > 0).long()}


def _lessons() -> Iterator[Lesson]:
    for who in range(10):
        for source, words in (("request", 3), ("reading", 1)):
            for intent in Intent:
                verb = {"harmful": "rob", "borderline": "guard", "benign": "greet"}[intent]
                yield Lesson(
                    text=" ".join([f"{verb} person {who}"] * words),
                    intent=intent,
                    split="dev" if who > 6 else "train",
                    source=source,
                    group=f"{source} {who}",
                    chain=str(who),
                )
    yield Lesson("Look up a word.", Intent.BENIGN, "train", "tool", "tool a", everyday=True)


@pytest.fixture
def encoder(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Encoder]:
    encoder = _Encoder()
    for module in (adapter, encoder_fit):
        monkeypatch.setattr(module, "load_encoder", lambda: encoder)
    # Threads that wait for one another cost more than such small matrices.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield encoder
    torch.set_num_threads(threads)


def test_fitted_stored_and_loaded_it_says_the_same(encoder: _Encoder, tmp_path: Path) -> None:
    before = deepcopy(encoder.state_dict())
    lines: list[str] = []
    fitted, tensors = encoder_fit.fit_encoder(
        list(_lessons()), courses=[Curriculum(epochs=3, batch=9)] * 2, report=lines.append
    )
    assert any("batch 10" in line for line in lines)
    assert all(torch.equal(before[name], now) for name, now in encoder.state_dict().items())
    file = tmp_path / "w.safetensors"
    save_classifier(file, fitted, tensors)
    loaded = load_classifier(file)
    texts = ["rob person 3", "greet person 3", "a", "much " * 400]
    assert loaded.probabilities(texts) == pytest.approx(fitted.probabilities(texts), abs=1e-4)
    rob, greet, *_ = loaded.probabilities(texts)
    assert rob > greet


def test_the_same_seed_gives_the_same_weights(encoder: _Encoder) -> None:
    def fitted(seed: int) -> dict[str, bytes]:
        tensors = encoder_fit.fit_adapter(
            list(_lessons()), seed=seed, curriculum=Curriculum(epochs=1)
        )
        return {name: tensor.data for name, tensor in tensors.items()}

    state = torch.random.get_rng_state()
    assert fitted(7) == fitted(7) != fitted(8)
    assert torch.equal(torch.random.get_rng_state(), state), "others' random numbers stay theirs"


def test_the_mean_of_adapters_moves_the_encoder_by_the_mean(encoder: _Encoder) -> None:
    adapters = [
        encoder_fit.fit_adapter(list(_lessons()), seed=seed, curriculum=Curriculum(epochs=1))
        for seed in (7, 8)
    ]
    changes = [_change(encoder, adapter_) for adapter_ in (*adapters, adapter.average(adapters))]
    one, two, mean = changes
    assert one.abs().max() > 1e-4, "or nothing was learnt"
    assert torch.allclose(mean, (one + two) / 2, atol=1e-5)


def _change(encoder: _Encoder, tensors: dict[str, Tensor]) -> torch.Tensor:
    """What an adapter adds to all of the encoder's linear maps, in one row."""
    loaded = adapter.load_adapted(TensorFile(tensors)).encoder
    pairs = zip(adapter.linears(loaded), adapter.linears(encoder), strict=True)
    return torch.cat([(new.weight - old.weight).flatten() for (_, new), (_, old) in pairs])


def test_one_text_scores_as_among_others(encoder: _Encoder) -> None:
    head = torch.linspace(-1, 1, 16)
    scorer = adapter.AdaptedScorer(encoder.eval(), head, 0.5)
    texts = ["pay Ana", "x " * 300, "read the mail and send it"]
    alone = [scorer.scores([text])[0] for text in texts]
    assert scorer.scores(texts) == pytest.approx(alone, abs=1e-4)
    assert scorer.scores([]) == []


def test_a_harm_at_the_end_of_a_long_text_is_read() -> None:
    scorer = adapter.AdaptedScorer(SimpleNamespace(), torch.zeros(1), 0.0)
    windows = scorer._windows("word " * 5000 + "rob the bank")
    assert len(windows) <= 8
    assert windows[-1].endswith("rob the bank")
    assert scorer._windows("short") == ["short"]
