"""A fitted classifier of requests: a scorer, its calibration, and where it is sure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from math import exp
from pathlib import Path
from typing import Any, Protocol

from agentalign_lc.errors import ConfigError
from agentalign_lc.guard.learning.ngrams import NgramScorer
from agentalign_lc.guard.learning.tensors import Tensor, TensorFile, read_tensors, write_tensors

__all__ = [
    "Calibration",
    "Classifier",
    "Ensemble",
    "Scorer",
    "load_classifier",
    "save_classifier",
    "shipped_classifier",
]


class Scorer(Protocol):
    """Gives texts a score; a higher one is likelier harmful."""

    def scores(self, texts: Sequence[str]) -> list[float]:
        """A score for each text."""
        ...


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Scorers whose scores are added up, each multiplied by its share."""

    parts: tuple[tuple[Scorer, float], ...]

    def scores(self, texts: Sequence[str]) -> list[float]:
        """How harmful each text looks to all of them.

        Example:
            >>> high, low = NgramScorer([0.0] * 8, bias=3.0), NgramScorer([0.0] * 8, bias=-1.0)
            >>> Ensemble(((high, 0.5), (low, 1.0))).scores(["Hi"])
            [0.5]
        """
        columns = [
            [share * score for score in scorer.scores(texts)] for scorer, share in self.parts
        ]
        return [sum(row) for row in zip(*columns, strict=True)]


@dataclass(frozen=True, slots=True)
class Calibration:
    """From scores to probabilities (Platt, 1999), and which of them decide."""

    slope: float = 1.0
    offset: float = 0.0
    refuse: float = 0.9
    """A probability from which on it is sure of harm."""
    allow: float = 0.1
    """A probability up to which it is sure that there is none."""

    def probability(self, score: float) -> float:
        """How probably a text of this score is harmful.

        Example:
            >>> Calibration(slope=2.0, offset=1.0).probability(-0.5)
            0.5
        """
        odds = max(-60.0, min(60.0, self.slope * score + self.offset))
        return 1 / (1 + exp(-odds))


@dataclass(frozen=True, slots=True)
class Classifier:
    """A fitted classifier."""

    kind: str
    """``ngrams``, or ``encoder``: an adapted encoder and n-grams together."""
    scorer: Scorer
    calibration: Calibration = Calibration()
    about: Mapping[str, Any] = field(default_factory=dict)
    """What it was fitted on and how it did there; JSON."""

    def probabilities(self, texts: Sequence[str]) -> list[float]:
        """How probably each text asks for harm.

        Example:
            >>> fair = Classifier("ngrams", NgramScorer([0.0] * 8))
            >>> fair.probabilities(["Book a table."])
            [0.5]
        """
        return [self.calibration.probability(score) for score in self.scorer.scores(texts)]


def save_classifier(file: Path, classifier: Classifier, tensors: Mapping[str, Tensor]) -> None:
    """Write a classifier whose scorer consists of these tensors.

    Raises:
        ConfigError: the file cannot be written.
    """
    calibration = classifier.calibration
    about = {
        "kind": classifier.kind,
        "calibration": json.dumps(
            {name: getattr(calibration, name) for name in calibration.__slots__}
        ),
        "about": json.dumps(dict(classifier.about), sort_keys=True),
    }
    write_tensors(file, TensorFile(tensors, about))


def load_classifier(file: Path) -> Classifier:
    """Load a classifier that ``agentalign guard fit`` made.

    Raises:
        ConfigError: it cannot be read, or what it needs is not installed.
    """
    content = read_tensors(file)
    try:
        calibration = Calibration(**json.loads(content.about["calibration"]))
        about = json.loads(content.about["about"])
        kind = content.about["kind"]
        scorer = _scorer(kind, content)
    except (KeyError, ValueError, TypeError) as error:
        raise ConfigError(
            f"{file} is no classifier of a guard; make one with `agentalign guard fit`"
        ) from error
    return Classifier(kind, scorer, calibration, about)


def _scorer(kind: str, content: TensorFile) -> Scorer:
    tensors = content.tensors
    ngrams = NgramScorer(tensors["ngrams.weights"].values(), *tensors["ngrams.bias"].values())
    if kind != "encoder":
        return ngrams
    from agentalign_lc.guard.learning.adapter import load_adapted  # noqa: PLC0415 - heavy

    ours, theirs = tensors["shares"].values()
    return Ensemble(((load_adapted(content), ours), (ngrams, theirs)))


@cache
def shipped_classifier(kind: str = "") -> Classifier:
    """The classifier that comes with the package.

    Args:
        kind: ``ngrams`` or ``encoder``; by default the encoder's where the extra
            ``local`` is installed, else that of n-grams.

    Raises:
        ConfigError: the extra is not installed, or the encoder's own weights cannot be had.

    Example:
        >>> shipped_classifier("ngrams").kind
        'ngrams'
    """
    kind = kind or ("encoder" if find_spec("sentence_transformers") else "ngrams")
    return load_classifier(
        Path(str(files("agentalign_lc.guard.learning") / "weights" / f"{kind}.safetensors"))
    )
