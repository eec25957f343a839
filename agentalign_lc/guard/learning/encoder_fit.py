"""Fits a low-rank adapter of the sentence encoder, and a head, on the texts of a run.

Each batch holds whole triplets: the same story told with harmful, borderline and
benign intent. The loss asks two things: that each text is told apart (cross
entropy), and that the harmful one of a triplet scores above the others of its
triplet (a logistic ranking loss), which no wording of the story can give away.
"""

import random
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass
from statistics import pstdev
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import Parameter
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

from agentalign_lc.guard.learning.adapter import (
    SCALE,
    adapter_tensors,
    average,
    embed,
    linears,
    load_adapted,
)
from agentalign_lc.guard.learning.classifier import Ensemble, Scorer
from agentalign_lc.guard.learning.curriculum import Curriculum, Group, plan_epochs
from agentalign_lc.guard.learning.fitted import Fitted, Report, finish, regression, say_nothing
from agentalign_lc.guard.learning.lessons import Lesson
from agentalign_lc.guard.learning.ngram_fit import fit_ngrams
from agentalign_lc.guard.learning.tensors import Tensor, TensorFile
from agentalign_lc.quality.encoder import load_encoder
from agentalign_lc.records import Intent

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["COURSES", "Objective", "fit_adapter", "fit_encoder", "join_ngrams"]

_Parts = dict[str, tuple[Parameter, Parameter]]

_RANK = 16
# A higher rate learns more of the run and forgets what the encoder knows of other requests.
_RATE, _HEAD_RATE = 2e-4, 2e-2
_WARM_UP = 20
_NGRAMS = 0.7
"""What the n-grams count beside the adapted encoder."""
_FIRST = 720
"""Texts that the first head is fitted on."""


@dataclass(frozen=True, slots=True)
class Objective:
    """What the losses count."""

    borderline: float = 0.3
    """A borderline text, where a harmful or a benign one counts 1."""
    ranking: float = 0.5
    """The ranking loss, beside the cross entropy."""


COURSES = (Curriculum(epochs=2, tools=False), Curriculum(epochs=1))
"""An adapter is trained on each, and their mean is taken: the first knows more of the run, the
second has forgotten less of what the encoder knew."""
_OBJECTIVE = Objective()


def fit_encoder(
    lessons: Sequence[Lesson],
    *,
    seed: int = 7,
    courses: Sequence[Curriculum] = COURSES,
    objective: Objective = _OBJECTIVE,
    report: Report = say_nothing,
) -> Fitted:
    """Fit an adapter and its head, calibrated together with n-grams.

    Same lessons, seed and kind of processor, same weights: one thread computes.

    Args:
        lessons: Those of the split ``train`` are trained on; the others calibrate and report.
        seed: Seed of the choice of stories, of the order and of the first weights.
        courses: For each an adapter is trained, with the next seed; they are averaged.
        objective: What is asked of the scores.
        report: Is told the loss, every ten batches.

    Raises:
        ConfigError: the extra ``local`` or ``fit`` is missing.
    """
    adapters = [
        fit_adapter(lessons, seed=seed + at, curriculum=course, objective=objective, report=report)
        for at, course in enumerate(courses)
    ]
    about = {
        "seed": seed,
        "rank": _RANK * len(adapters),
        "courses": [asdict(course) for course in courses],
        "objective": asdict(objective),
    }
    return join_ngrams(average(adapters), lessons, about, seed=seed, report=report)


def join_ngrams(
    adapter: dict[str, Tensor],
    lessons: Sequence[Lesson],
    about: dict[str, Any],
    *,
    seed: int = 7,
    report: Report = say_nothing,
) -> Fitted:
    """A classifier of an adapter and n-grams: fits these, weighs the two, calibrates the sum."""
    # What is calibrated is what will be loaded: half precision, added into the weights.
    scorer = load_adapted(TensorFile(adapter))
    report("beside it n-grams; calibrating on the split dev")
    ngrams = fit_ngrams(lessons, seed=seed)
    scorers = (scorer, ngrams.classifier.scorer)
    shares = _shares(scorers, [lesson.text for lesson in lessons if lesson.split == "dev"])
    ensemble = Ensemble(tuple(zip(scorers, shares, strict=True)))
    tensors = {**adapter, **ngrams.tensors, "shares": Tensor.of(shares)}
    return Fitted(finish("encoder", ensemble, lessons, about), tensors)


def fit_adapter(
    lessons: Sequence[Lesson],
    *,
    seed: int = 7,
    curriculum: Curriculum = COURSES[0],
    objective: Objective = _OBJECTIVE,
    report: Report = say_nothing,
) -> dict[str, Tensor]:
    """Train the adapter and its head; what ``load_adapted`` reads."""
    chance = random.Random(seed)
    train = [lesson for lesson in lessons if lesson.split == "train"]
    epochs = plan_epochs(train, curriculum, chance)
    batches = [batch for epoch in epochs for batch in epoch]
    shown = sum(len(group) for batch in batches for group in batch)
    report(f"{shown:,} texts in {len(batches):,} batches to train on")
    threads = torch.get_num_threads()
    # Sums that several threads share depend on who is first.
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            # Others embed with the same, cached encoder: theirs must stay as it is.
            encoder = deepcopy(load_encoder())
            first = [lesson for batch in epochs[0] for group in batch for lesson in group]
            head = _first_head(encoder, first[:_FIRST], objective)
            parts = _adapt(encoder)
            _train(encoder, parts, head, batches, objective, report)
    finally:
        torch.set_num_threads(threads)
    return adapter_tensors(parts, head[0], head[1].item())


def _shares(scorers: Sequence[Scorer], texts: Sequence[str]) -> list[float]:
    """Of the adapted encoder and the n-grams: one over the spread of its scores on held-out texts.

    The two err on other texts. Shares learnt on a run's own requests would lean
    on what holds for those alone; the n-grams, the weaker of the two, count less.
    """
    spreads = [max(pstdev(scorer.scores(texts)), 1e-6) for scorer in scorers]
    return [weight / spread for weight, spread in zip((1.0, _NGRAMS), spreads, strict=True)]


def _first_head(
    encoder: "SentenceTransformer", lessons: Sequence[Lesson], objective: Objective
) -> tuple[Parameter, Parameter]:
    """A head for the bare encoder, so that the adapter starts from something that works."""
    with torch.no_grad():
        vectors = torch.cat(
            [_vectors(encoder, lessons[start : start + 32]) for start in range(0, len(lessons), 32)]
        )
    model = regression()(C=5.0, max_iter=2000)
    model.fit(
        vectors.numpy(),
        [lesson.harmful for lesson in lessons],
        sample_weight=[_weight(lesson, objective) for lesson in lessons],
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
    batches: Sequence[Sequence[Group]],
    objective: Objective,
    report: Report,
) -> None:
    thin = [matrix for pair in parts.values() for matrix in pair]
    optimizer = torch.optim.AdamW(
        [{"params": thin, "lr": _RATE}, {"params": list(head), "lr": _HEAD_RATE}],
        weight_decay=0.01,
    )
    rate = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min(1.0, (step + 1) / _WARM_UP) * max(0.02, 1 - step / len(batches)),
    )
    encoder.train()
    seen = 0.0
    for number, batch in enumerate(batches, start=1):
        loss = _loss(encoder, head, batch, objective)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(thin, 1.0)
        optimizer.step()
        rate.step()
        seen += loss.item()
        if number % 10 == 0:
            report(f"batch {number} of {len(batches)}, loss {seen / 10:.3f}")
            seen = 0.0


def _loss(
    encoder: "SentenceTransformer",
    head: tuple[Parameter, Parameter],
    batch: Sequence[Group],
    objective: Objective,
) -> torch.Tensor:
    lessons = [lesson for group in batch for lesson in group]
    scores = _vectors(encoder, lessons) @ head[0] + head[1]
    weights = torch.tensor([_weight(lesson, objective) for lesson in lessons])
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
    return loss + objective.ranking * ranked.mean()


def _vectors(encoder: "SentenceTransformer", lessons: Sequence[Lesson]) -> torch.Tensor:
    # Numbers of half the length: where the processor has instructions for them, twice as fast.
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return embed(encoder, [lesson.text for lesson in lessons]).float()


def _weight(lesson: Lesson, objective: Objective) -> float:
    return objective.borderline if lesson.intent is Intent.BORDERLINE else 1.0
