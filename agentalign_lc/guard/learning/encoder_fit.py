"""Fits a low-rank adapter of the sentence encoder, and a head, on the texts of a run.

Each batch holds whole triplets: the same story told with harmful, borderline and
benign intent. The loss asks two things: that each text is told apart (cross
entropy), and that the harmful one of a triplet scores above the others of its
triplet (a logistic ranking loss), which no wording of the story can give away.
"""

import random
from collections.abc import Sequence
from copy import deepcopy
from statistics import pstdev
from typing import TYPE_CHECKING

import torch
from torch.nn import Parameter
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

from agentalign_lc.guard.learning.adapter import (
    SCALE,
    adapter_tensors,
    embed,
    linears,
    load_adapted,
)
from agentalign_lc.guard.learning.classifier import Ensemble, Scorer
from agentalign_lc.guard.learning.fitted import Fitted, Report, finish, regression, say_nothing
from agentalign_lc.guard.learning.lessons import Lesson, triplets
from agentalign_lc.guard.learning.ngram_fit import fit_ngrams
from agentalign_lc.guard.learning.tensors import Tensor, TensorFile
from agentalign_lc.quality.encoder import load_encoder
from agentalign_lc.records import Intent

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["fit_encoder"]

_Group = list[Lesson]
_Parts = dict[str, tuple[Parameter, Parameter]]

_RANK = 16
_GROUPS = 12
"""Triplets in a batch."""
_RATE, _HEAD_RATE = 5e-4, 2e-2
_WARM_UP = 20
_BORDERLINE = 0.3
"""What a borderline text counts; at a half and more, recall on other people's requests falls."""
_RANKING = 0.5
"""What the ranking loss counts beside the cross entropy."""


def fit_encoder(
    lessons: Sequence[Lesson],
    *,
    seed: int = 7,
    epochs: int = 2,
    stories: int = 150,
    everyday: int = 130,
    report: Report = say_nothing,
) -> Fitted:
    """Fit the adapter and the head.

    Same lessons, seed and number of threads, same weights.

    Args:
        lessons: Those of the split ``train`` are trained on; the others calibrate and report.
        seed: Seed of the choice of stories, of the order and of the first weights.
        epochs: How often each text is seen.
        stories: Triplets of whole requests, each of another chain; readings come all.
        everyday: Everyday requests.
        report: Is told the loss, every ten batches.

    Raises:
        ConfigError: the extra ``local`` or ``fit`` is missing.
    """
    chance = random.Random(seed)
    torch.manual_seed(seed)
    groups = _choose(lessons, chance, stories=stories, everyday=everyday)
    report(f"{sum(map(len, groups)):,} texts in {len(groups):,} groups to train on")
    # Others embed with the same, cached encoder: theirs must stay as it is.
    encoder = deepcopy(load_encoder())
    head, bias = _first_head(encoder, [lesson for group in groups for lesson in group])
    parts = _adapt(encoder)
    _train(encoder, parts, (head, bias), groups, epochs=epochs, chance=chance, report=report)
    tensors = adapter_tensors(parts, head, bias.item())
    about = {"seed": seed, "epochs": epochs, "rank": _RANK, "texts": sum(map(len, groups))}
    # What is calibrated is what will be loaded: half precision, added into the weights.
    scorer = load_adapted(TensorFile(tensors))
    report("beside it n-grams; calibrating on the split dev")
    ngrams = fit_ngrams(lessons, seed=seed)
    scorers = (scorer, ngrams.classifier.scorer)
    shares = _shares(scorers, [lesson.text for lesson in lessons if lesson.split == "dev"])
    ensemble = Ensemble(tuple(zip(scorers, shares, strict=True)))
    tensors |= {**ngrams.tensors, "shares": Tensor.of(shares)}
    return Fitted(finish("encoder", ensemble, lessons, about), tensors)


def _shares(scorers: Sequence[Scorer], texts: Sequence[str]) -> list[float]:
    """As much for each: one over the spread of its scores on held-out texts.

    The two err on other texts. Shares learnt on a run's own requests would lean
    on what holds for those alone.
    """
    return [1 / max(pstdev(scorer.scores(texts)), 1e-6) for scorer in scorers]


def _choose(
    lessons: Sequence[Lesson], chance: random.Random, *, stories: int, everyday: int
) -> list[_Group]:
    """All readings; of the requests one story a chain, as many as are wanted."""
    train = [lesson for lesson in lessons if lesson.split == "train"]
    readings = triplets(lesson for lesson in train if lesson.source == "reading")
    by_chain: dict[str, list[_Group]] = {}
    for group in triplets(lesson for lesson in train if lesson.source == "request"):
        by_chain.setdefault(group[0].chain, []).append(group)
    one_each = [chance.choice(told) for told in by_chain.values()]
    chance.shuffle(one_each)
    usual = [group for group in one_each if group[0].everyday]
    told = [group for group in one_each if not group[0].everyday]
    return [*readings, *told[:stories], *usual[:everyday]]


def _first_head(
    encoder: "SentenceTransformer", lessons: Sequence[Lesson]
) -> tuple[Parameter, Parameter]:
    """A head for the bare encoder, so that the adapter starts from something that works."""
    with torch.no_grad():
        vectors = torch.cat(
            [
                embed(encoder, [lesson.text for lesson in lessons[start : start + 32]])
                for start in range(0, len(lessons), 32)
            ]
        )
    model = regression()(C=5.0, max_iter=2000)
    model.fit(
        vectors.numpy(),
        [lesson.harmful for lesson in lessons],
        sample_weight=[_weight(lesson) for lesson in lessons],
    )
    head = torch.tensor(model.coef_[0], dtype=torch.float32)
    return Parameter(head), Parameter(torch.tensor(model.intercept_[0], dtype=torch.float32))


def _adapt(encoder: "SentenceTransformer") -> _Parts:
    """Freeze the encoder and add to each linear map a product of thin matrices, zero at first."""
    encoder.requires_grad_(requires_grad=False)
    parts: _Parts = {}
    for name, linear in linears(encoder):
        down = Parameter(torch.randn(_RANK, linear.in_features) / linear.in_features**0.5)
        up = Parameter(torch.zeros(linear.out_features, _RANK))
        parts[name] = (down, up)

        def add(
            module: torch.nn.Module,  # noqa: ARG001 - a hook has these arguments
            inputs: tuple[torch.Tensor, ...],
            output: torch.Tensor,
            down: Parameter = down,
            up: Parameter = up,
        ) -> torch.Tensor:
            return output + SCALE * (inputs[0] @ down.T) @ up.T

        linear.register_forward_hook(add)
    return parts


def _train(
    encoder: "SentenceTransformer",
    parts: _Parts,
    head: tuple[Parameter, Parameter],
    groups: Sequence[_Group],
    *,
    epochs: int,
    chance: random.Random,
    report: Report,
) -> None:
    thin = [matrix for pair in parts.values() for matrix in pair]
    optimizer = torch.optim.AdamW(
        [{"params": thin, "lr": _RATE}, {"params": list(head), "lr": _HEAD_RATE}],
        weight_decay=0.01,
    )
    batches = [batch for _ in range(epochs) for batch in _batches(groups, chance)]
    rate = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min(1.0, (step + 1) / _WARM_UP) * max(0.02, 1 - step / len(batches)),
    )
    encoder.train()
    seen = 0.0
    for number, batch in enumerate(batches, start=1):
        loss = _loss(encoder, head, batch)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(thin, 1.0)
        optimizer.step()
        rate.step()
        seen += loss.item()
        if number % 10 == 0:
            report(f"batch {number} of {len(batches)}, loss {seen / 10:.3f}")
            seen = 0.0


def _batches(groups: Sequence[_Group], chance: random.Random) -> list[list[_Group]]:
    """Batches of groups of like length, so that little of them is padding, in any order."""
    shuffled = chance.sample(groups, len(groups))
    ranked = sorted(shuffled, key=lambda group: len(group[0].text) // 60)
    batches = [ranked[start : start + _GROUPS] for start in range(0, len(ranked), _GROUPS)]
    chance.shuffle(batches)
    return batches


def _loss(
    encoder: "SentenceTransformer", head: tuple[Parameter, Parameter], batch: Sequence[_Group]
) -> torch.Tensor:
    lessons = [lesson for group in batch for lesson in group]
    scores = embed(encoder, [lesson.text for lesson in lessons]) @ head[0] + head[1]
    weights = torch.tensor([_weight(lesson) for lesson in lessons])
    labels = torch.tensor([float(lesson.harmful) for lesson in lessons])
    each = binary_cross_entropy_with_logits(scores, labels, reduction="none")
    loss = (each * weights).sum() / weights.sum()
    pairs = [
        (above, below)
        for above, harmful in enumerate(lessons)
        for below, other in enumerate(lessons)
        if harmful.harmful and not other.harmful and harmful.group == other.group
    ]
    if not pairs:
        return loss
    above, below = (list(side) for side in zip(*pairs, strict=True))
    ranked = softplus(scores[below] - scores[above]) * weights[below]
    return loss + _RANKING * ranked.mean()


def _weight(lesson: Lesson) -> float:
    return _BORDERLINE if lesson.intent is Intent.BORDERLINE else 1.0
