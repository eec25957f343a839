"""Fits a guard's classifier on a synthesised run: n-grams, or an adapter of the sentence encoder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from agentalign_lc.errors import ConfigError
from agentalign_lc.guard.learning.classifier import Classifier, save_classifier
from agentalign_lc.guard.learning.fitted import Report, say_nothing
from agentalign_lc.guard.learning.lessons import Lesson, read_lessons
from agentalign_lc.guard.learning.ngram_fit import fit_ngrams

__all__ = ["fit"]


def fit(
    folder: Path | None,
    out: Path,
    kind: Literal["ngrams", "encoder"],
    *,
    more: Sequence[Lesson] = (),
    seed: int = 7,
    report: Report = say_nothing,
) -> Classifier:
    """Fit a classifier on a run and write it.

    It is trained on the split ``train``, calibrated on ``dev``, and reported
    on the splits whose chains, tools and sequences it never saw.

    Args:
        folder: The run; None where all there is to learn from is given as ``more``.
        out: File to write.
        kind: What to fit.
        more: Further lessons, such as those of labelled traces.
        seed: Same seed and lessons, same weights.
        report: Is told what is being done.

    Raises:
        ConfigError: the run has too little to learn from, or an extra is missing.
        StoreError: the folder holds no run, or it cannot be read.
    """
    lessons = [*(read_lessons(folder) if folder is not None else ()), *more]
    source = " and ".join(filter(None, [str(folder or ""), "labelled traces" if more else ""]))
    counts = {
        label: sum(lesson.harmful == label for lesson in lessons if lesson.split == split)
        for split in ("train", "dev")
        for label in (0, 1)
    }
    if not all(counts.values()):
        mend = "synthesise at least 100 scenarios, some of them everyday ones"
        if folder is None:
            mend = "label more traces, or give the folder of a run as well"
        raise ConfigError(
            f"too little to fit on in {source}: harmful and benign requests in train and dev are "
            f"needed; {mend}"
        )
    report(f"{len(lessons):,} texts from {source}")
    if kind == "encoder":
        from agentalign_lc.guard.learning.encoder_fit import fit_encoder  # noqa: PLC0415 - heavy

        fitted = fit_encoder(lessons, seed=seed, report=report)
    else:
        fitted = fit_ngrams(lessons, seed=seed)
    save_classifier(out, fitted.classifier, fitted.tensors)
    return fitted.classifier
