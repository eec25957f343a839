"""Fits a guard's classifier on a synthesised run: n-grams, or an adapter of the sentence encoder."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from agentalign_lc.errors import ConfigError
from agentalign_lc.guard.classifier import Calibration, Classifier, Scorer, save_classifier
from agentalign_lc.guard.lessons import Lesson, read_lessons
from agentalign_lc.guard.measure import auroc, recall_at_fpr, roc
from agentalign_lc.guard.ngrams import BUCKETS, NgramScorer, ngram_features
from agentalign_lc.guard.tensors import Tensor
from agentalign_lc.records import Intent, Split

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = [
    "Fitted",
    "Report",
    "calibrate",
    "finish",
    "fit",
    "fit_ngrams",
    "held_out",
    "regression",
    "say_nothing",
]

Report = Callable[[str], None]
"""Is told what is being done, a line at a time."""


def say_nothing(line: str) -> None:
    """Report nothing."""


_REFUSE_FPR = 0.028
_ALLOW_MISSES = 0.05
_SPLITS: tuple[Split, ...] = ("dev", "test", "test_chains", "test_tools")
_TABLES = (
    ("requests", "request", False),
    ("requests, borderline too", "request", True),
    ("readings", "reading", False),
)
"""What is reported of a split: name, source of the lessons, whether borderline ones count."""


class Fitted(NamedTuple):
    """A classifier, and the numbers that it is stored as."""

    classifier: Classifier
    tensors: dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class _Weights:
    """How much lessons of a kind count; chosen on the split dev and on other people's requests."""

    borderline: float
    reading: float
    everyday: float
    tool: float

    def of(self, lesson: Lesson) -> float:
        weight = self.borderline if lesson.intent is Intent.BORDERLINE else 1.0
        if lesson.source == "tool":
            return weight * self.tool
        weight *= self.reading if lesson.source == "reading" else 1.0
        return weight * (self.everyday if lesson.everyday else 1.0)


_NGRAMS = _Weights(borderline=0.0, reading=4.0, everyday=3.0, tool=1.0)
"""Borderline requests share their words with harmful ones: n-grams learn nothing from them but doubt."""


def fit(
    folder: Path,
    out: Path,
    kind: Literal["ngrams", "encoder"],
    *,
    seed: int = 7,
    epochs: int = 2,
    report: Report = say_nothing,
) -> Classifier:
    """Fit a classifier on a run and write it.

    It is trained on the split ``train``, calibrated on ``dev``, and reported
    on the splits whose chains, tools and sequences it never saw.

    Raises:
        ConfigError: the run has too little to learn from, or an extra is missing.
        StoreError: the folder holds no run, or it cannot be read.
    """
    lessons = read_lessons(folder)
    counts = {
        label: sum(lesson.harmful == label for lesson in lessons if lesson.split == split)
        for split in ("train", "dev")
        for label in (0, 1)
    }
    if not all(counts.values()):
        raise ConfigError(
            f"{folder} has too little to fit on: harmful and benign requests in train and dev are "
            "needed; synthesise at least 100 scenarios, some of them everyday ones"
        )
    report(f"{len(lessons):,} texts from {folder}")
    if kind == "encoder":
        from agentalign_lc.guard.training import fit_encoder  # noqa: PLC0415 - heavy

        fitted = fit_encoder(lessons, seed=seed, epochs=epochs, report=report)
    else:
        fitted = fit_ngrams(lessons, seed=seed)
    save_classifier(out, fitted.classifier, fitted.tensors)
    return fitted.classifier


def fit_ngrams(lessons: Sequence[Lesson], *, seed: int = 7, buckets: int = BUCKETS) -> Fitted:
    """Fit the weights of n-grams: logistic regression, liblinear.

    Raises:
        ConfigError: scikit-learn is not installed.
    """
    logistic = regression()
    used = [
        (lesson, weight)
        for lesson in lessons
        if lesson.split == "train" and (weight := _NGRAMS.of(lesson))
    ]
    model = logistic(C=10.0, solver="liblinear", max_iter=1000, random_state=seed)
    model.fit(
        _matrix([lesson.text for lesson, _ in used], buckets),
        [lesson.harmful for lesson, _ in used],
        sample_weight=[weight for _, weight in used],
    )
    tensors = {
        "ngrams.weights": Tensor.of(model.coef_[0].tolist(), dtype="F16"),
        "ngrams.bias": Tensor.of(model.intercept_.tolist()),
    }
    # What is calibrated is what will be loaded: weights of half precision.
    scorer = NgramScorer(tensors["ngrams.weights"].values(), *tensors["ngrams.bias"].values())
    return Fitted(finish("ngrams", scorer, lessons, {"seed": seed, "texts": len(used)}), tensors)


def finish(
    kind: str, scorer: Scorer, lessons: Sequence[Lesson], about: dict[str, Any]
) -> Classifier:
    """Calibrate a scorer on the split dev and write down how it does on what it never saw."""
    dev = [lesson for lesson in lessons if lesson.split == "dev"]
    calibration = calibrate(scorer.scores([lesson.text for lesson in dev]), dev)
    bare = Classifier(kind, scorer, calibration)
    return Classifier(kind, scorer, calibration, {**about, "held_out": held_out(bare, lessons)})


def calibrate(scores: Sequence[float], lessons: Sequence[Lesson]) -> Calibration:
    """From scores of held-out lessons to probabilities, and thresholds.

    It refuses from the lowest probability at which at most 2.8 % of what is not
    harmful would be refused (borderline left aside), and allows up to the
    highest at which at most 5 % of the harmful would be allowed.

    Raises:
        ConfigError: scikit-learn is not installed.
    """
    model = regression()(C=1e6)
    labels = [lesson.harmful for lesson in lessons]
    model.fit(
        [[score] for score in scores],
        labels,
        sample_weight=[lesson.weight for lesson in lessons],
    )
    bare = Calibration(float(model.coef_[0][0]), float(model.intercept_[0]))
    clear = [
        (label, bare.probability(score))
        for label, score, lesson in zip(labels, scores, lessons, strict=True)
        if lesson.intent is not Intent.BORDERLINE
    ]
    curve = roc([label for label, _ in clear], [score for _, score in clear])
    refuse = min(point.threshold for point in curve if point.fpr <= _REFUSE_FPR)
    allow = max(point.threshold for point in curve if point.recall >= 1 - _ALLOW_MISSES)
    refuse = 1.0 if refuse == inf else round(refuse, 4)
    return Calibration(bare.slope, bare.offset, refuse, round(min(allow, refuse), 4))


def held_out(classifier: Classifier, lessons: Sequence[Lesson]) -> dict[str, dict[str, float]]:
    """AUROC and recall by held-out split: requests, with and without the borderline ones, readings."""
    unseen = [lesson for lesson in lessons if lesson.split in _SPLITS]
    scores = classifier.scorer.scores([lesson.text for lesson in unseen])
    scored = list(zip(unseen, scores, strict=True))
    found: dict[str, dict[str, float]] = {}
    for split in _SPLITS:
        for name, source, borderline in _TABLES:
            rows = [
                (lesson.harmful, score)
                for lesson, score in scored
                if (lesson.split, lesson.source) == (split, source)
                and (borderline or lesson.intent is not Intent.BORDERLINE)
            ]
            if figures := _figures(rows):
                found[f"{split}: {name}"] = figures
    return found


def _figures(rows: Sequence[tuple[int, float]]) -> dict[str, float]:
    labels, scores = [label for label, _ in rows], [score for _, score in rows]
    area, recall = auroc(labels, scores), recall_at_fpr(labels, scores, 0.028)
    if area is None or recall is None:
        return {}
    return {"rows": len(rows), "auroc": round(area, 4), "recall_at_0.028": round(recall, 4)}


def _matrix(texts: Sequence[str], buckets: int) -> "csr_matrix":
    from scipy.sparse import csr_matrix  # noqa: PLC0415 - comes with scikit-learn

    starts, columns, values = [0], list[int](), list[float]()
    for text in texts:
        features = ngram_features(text, buckets)
        columns += features.keys()
        values += features.values()
        starts.append(len(columns))
    return csr_matrix((values, columns, starts), shape=(len(texts), buckets))


def regression() -> Any:  # noqa: ANN401 - a class of an untyped library
    """The logistic regression of scikit-learn.

    Raises:
        ConfigError: the extra is not installed.
    """
    try:
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigError("fitting needs scikit-learn: pip install 'agentalign-lc[fit]'") from error
    return LogisticRegression
