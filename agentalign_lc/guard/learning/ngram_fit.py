"""Fits weights of n-grams on the texts of a run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentalign_lc.guard.learning.fitted import Fitted, finish, regression
from agentalign_lc.guard.learning.lessons import Lesson
from agentalign_lc.guard.learning.ngrams import BUCKETS, NgramScorer, ngram_features
from agentalign_lc.guard.learning.tensors import Tensor
from agentalign_lc.records import Intent

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["fit_ngrams"]


@dataclass(frozen=True, slots=True)
class _Weights:
    """How much lessons of a kind count; chosen on the split dev and on other people's requests."""

    borderline: float
    reading: float
    outline: float
    everyday: float
    tool: float

    def of(self, lesson: Lesson) -> float:
        weight = self.borderline if lesson.intent is Intent.BORDERLINE else 1.0
        if lesson.source == "tool":
            return weight * self.tool
        weight *= {"reading": self.reading, "outline": self.outline}.get(lesson.source, 1.0)
        return weight * (self.everyday if lesson.everyday else 1.0)


_NGRAMS = _Weights(borderline=0.0, reading=8.0, outline=4.0, everyday=3.0, tool=4.0)
"""Borderline requests share their words with harmful ones: n-grams learn nothing from them but doubt."""


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


def _matrix(texts: Sequence[str], buckets: int) -> "csr_matrix":
    from scipy.sparse import csr_matrix  # noqa: PLC0415 - comes with scikit-learn

    starts, columns, values = [0], list[int](), list[float]()
    for text in texts:
        features = ngram_features(text, buckets)
        columns += features.keys()
        values += features.values()
        starts.append(len(columns))
    return csr_matrix((values, columns, starts), shape=(len(texts), buckets))
