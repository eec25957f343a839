"""The measures are scikit-learn's, without it; intervals hold the value they are about."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentalign_lc.guard.learning.measure import (
    FPRS,
    auroc,
    bootstrap,
    measure,
    percentile,
    recall_at_fpr,
)

metrics = pytest.importorskip("sklearn.metrics")
numpy = pytest.importorskip("numpy")

# Few distinct scores, so that equal ones are common: that is where measures differ.
_ROWS = st.lists(
    st.tuples(
        st.integers(0, 1), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0]), st.booleans()
    ),
    min_size=2,
    max_size=40,
)


@given(_ROWS)
@settings(max_examples=200, deadline=None)
def test_as_scikit_learn_measures(rows: list[tuple[int, float, bool]]) -> None:
    labels, scores, refused = (list(column) for column in zip(*rows, strict=True))
    found = measure(labels, scores, refused)
    if len(set(labels)) < 2:
        assert found.auroc is None
        assert set(found.recall_at_fpr.values()) == {None}
        return
    assert found.auroc == pytest.approx(metrics.roc_auc_score(labels, scores))
    fpr, recall, _ = metrics.roc_curve(labels, scores, drop_intermediate=False)
    for most in FPRS:
        assert found.recall_at_fpr[most] == pytest.approx(recall[fpr <= float(most)].max())
    assert found.recall == pytest.approx(metrics.recall_score(labels, refused))
    assert found.f1 == pytest.approx(metrics.f1_score(labels, refused))
    if any(refused):
        assert found.precision == pytest.approx(metrics.precision_score(labels, refused))
    else:
        assert found.precision is None


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), st.floats(0, 100))
@settings(deadline=None)
def test_percentiles_as_numpy_has_them(values: list[float], percent: float) -> None:
    assert math.isclose(
        percentile(values, percent), numpy.percentile(values, percent), rel_tol=1e-9, abs_tol=1e-6
    )


@given(_ROWS)
@settings(max_examples=50, deadline=None)
def test_a_scale_changes_nothing(rows: list[tuple[int, float, bool]]) -> None:
    labels, scores, _ = zip(*rows, strict=True)
    stretched = [7 * score - 3 for score in scores]
    assert auroc(labels, scores) == auroc(labels, stretched)
    assert recall_at_fpr(labels, scores, 0.05) == recall_at_fpr(labels, stretched, 0.05)


def test_intervals_hold_what_they_are_about_and_are_the_same_again() -> None:
    labels = [1] * 30 + [0] * 70
    scores = [0.3 + 0.02 * n for n in range(30)] + [0.01 * n for n in range(70)]
    refused = [score > 0.5 for score in scores]
    found = measure(labels, scores, refused, draws=100)
    assert found.intervals == bootstrap(labels, scores, refused, draws=100)
    for name in ("auroc", "precision", "recall", "fpr", "f1"):
        low, high = found.intervals[name]
        assert low <= getattr(found, name) <= high
        assert low < high
    low, high = found.intervals["recall_at_fpr 0.05"]
    assert low <= (found.recall_at_fpr["0.05"] or 0) <= high


def test_nothing_to_measure() -> None:
    found = measure([], [], [], draws=3)
    assert (found.rows, found.auroc, found.precision, found.f1) == (0, None, None, None)
    assert found.intervals == {}
