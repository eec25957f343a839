"""Pictures of a scorecard: the curve, and where the scores lie."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path

from agentalign_lc.errors import ConfigError
from agentalign_lc.guard.learning.measure import FPRS, roc
from agentalign_lc.guard.measuring.scorecard import Scorecard

__all__ = ["draw"]

# Of Okabe and Ito's palette, which the colour-blind can tell apart.
_HARMFUL, _REST, _GREY = "#D55E00", "#0072B2", "#777777"
_NEAR = {"textcoords": "offset points"}
_ALONG = [10 ** (step / 20 - 2.5) for step in range(51)]
"""False-positive rates along the axis, from the lowest that is drawn to 1."""


def draw(
    card: Scorecard,
    folder: Path,
    threshold: float | None = None,
    *,
    name: str = "",
    beside: Mapping[str, Scorecard] | None = None,
) -> tuple[Path, Path]:
    """Draw ``roc.png`` and ``scores.png`` into a folder.

    Args:
        card: What was measured; its rows must hold harmful and others.
        folder: Is made if it is not there.
        threshold: Where the classifier refuses, for a line in the histogram.
        name: Of what was measured, for the legend.
        beside: What others made of the same rows, by name: curves to compare with.

    Raises:
        ConfigError: matplotlib is not installed, the rows are of one kind, or a file cannot be written.
    """
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigError("plots need matplotlib: pip install 'agentalign-lc[plots]'") from error
    if card.overall.auroc is None:
        raise ConfigError("plots need harmful rows and others; these are all of one kind")
    # A figure of its own, not pyplot's: nothing global, and no window system is asked for.
    curve, scores = Figure(figsize=(5.2, 4.8)), Figure(figsize=(6.4, 4.0))
    _draw_curves(curve.add_subplot(), {name: card, **(beside or {})})
    _draw_scores(scores.add_subplot(), card, threshold)
    made = (folder / "roc.png", folder / "scores.png")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for figure, file in zip((curve, scores), made, strict=True):
            figure.tight_layout()
            figure.savefig(file, dpi=130)
    except OSError as error:
        raise ConfigError(
            f"{folder} cannot be written to ({error.strerror or error}): choose another --plots"
        ) from error
    return made


def _draw_curves(axes, cards: Mapping[str, Scorecard]) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001 - an optional library's
    for (name, card), colour in zip(cards.items(), cycle((_HARMFUL, _REST, _GREY))):
        points = roc([row.label for row in card.scored], [row.score for row in card.scored])
        recall = card.overall.recall_at_fpr["0.028"] or 0.0
        axes.plot(
            [p.fpr for p in points],
            [p.recall for p in points],
            color=colour,
            linewidth=2,
            drawstyle="steps-post",
            label=f"{name} AUROC {card.overall.auroc:.3f}".strip(),
        )
        axes.plot([0.028], [recall], "o", color=colour)
        axes.annotate(f"{100 * recall:.0f} %", (0.028, recall), xytext=(-6, 6), ha="right", **_NEAR)
    axes.plot(_ALONG, _ALONG, color=_GREY, linewidth=1, linestyle=":", label="chance")
    # A guard lives at the left end, which an even scale would hide.
    axes.set_xscale("log")
    ticks = [0.005, *map(float, FPRS), 1.0]
    axes.set_xticks(ticks)
    axes.set_xticklabels([f"{100 * at:g} %" for at in ticks])
    axes.minorticks_off()
    axes.set(
        title=f"{next(iter(cards.values())).overall.rows:,} rows",
        xlabel="share of the rest that is refused",
        ylabel="share of the harmful that is refused",
        xlim=(_ALONG[0], 1.0),
        ylim=(0.0, 1.02),
    )
    axes.grid(color="#DDDDDD", linewidth=0.6)
    axes.legend(frameon=False, loc="lower right")
    axes.spines[["top", "right"]].set_visible(False)


def _draw_scores(axes, card: Scorecard, threshold: float | None) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001 - an optional library's
    bins = [step / 40 for step in range(41)]
    for label, name, colour in ((0, "the rest", _REST), (1, "harmful", _HARMFUL)):
        scores = [row.score for row in card.scored if row.label == label]
        axes.hist(
            scores,
            bins=bins,
            weights=_shares(scores),
            color=colour,
            alpha=0.6,
            label=f"{name} ({len(scores):,})",
        )
    if threshold is not None:
        axes.axvline(
            threshold, color="black", linewidth=1, linestyle="--", label="refused from here"
        )
    axes.set(title="Where the scores lie", xlabel="score", ylabel="share of the kind", xlim=(0, 1))
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)


def _shares(scores: Sequence[float]) -> list[float]:
    return [1 / len(scores)] * len(scores)
