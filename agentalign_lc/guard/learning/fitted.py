"""What fitting ends with: a classifier that is calibrated, and how it does on what it never saw."""

from collections.abc import Callable, Sequence
from math import inf
from typing import Any, NamedTuple

from agentalign_lc.errors import ConfigError
from agentalign_lc.guard.learning.classifier import Calibration, Classifier, Scorer
from agentalign_lc.guard.learning.lessons import Lesson
from agentalign_lc.guard.learning.measure import auroc, recall_at_fpr, roc
from agentalign_lc.guard.learning.tensors import Tensor
from agentalign_lc.records import Intent, Split

__all__ = [
    "Fitted",
    "Report",
    "calibrate",
    "finish",
    "held_out",
    "regression",
    "say_nothing",
]

Report = Callable[[str], None]
"""Is told what is being done, a line at a time."""

_REFUSE_FPR = 0.028
_ALLOW_MISSES = 0.05
_SPLITS: tuple[Split, ...] = ("dev", "test", "test_chains", "test_tools")
_TABLES = (
    ("requests", "request", Intent.BENIGN),
    ("requests vs borderline", "request", Intent.BORDERLINE),
    ("readings", "reading", Intent.BENIGN),
    ("readings vs borderline", "reading", Intent.BORDERLINE),
    ("outlines", "outline", Intent.BENIGN),
)
"""What is reported of a split: name, source of the lessons, what the harmful ones are told from."""


def say_nothing(line: str) -> None:
    """Report nothing."""


class Fitted(NamedTuple):
    """A classifier, and the numbers that it is stored as."""

    classifier: Classifier
    tensors: dict[str, Tensor]


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
    """AUROC and recall by held-out split: the harmful against the benign, and against the borderline."""
    unseen = [lesson for lesson in lessons if lesson.split in _SPLITS]
    scores = classifier.scorer.scores([lesson.text for lesson in unseen])
    scored = list(zip(unseen, scores, strict=True))
    found: dict[str, dict[str, float]] = {}
    for split in _SPLITS:
        for name, source, other in _TABLES:
            rows = [
                (lesson.harmful, score)
                for lesson, score in scored
                if (lesson.split, lesson.source) == (split, source)
                and lesson.intent in (Intent.HARMFUL, other)
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
