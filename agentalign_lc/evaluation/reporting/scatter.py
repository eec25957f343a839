"""The scatter of safety against utility: where points, intervals and labels stand in a drawing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Point", "draw_scatter"]

_LEFT, _RIGHT, _TOP, _BOTTOM = 62.0, 618.0, 18.0, 372.0
_LINE = 17.0
"""Height of a label."""
_ASIDE, _ABOVE = 8.0, 7.0
"""Where a label stands from its point, if it can: above the line of the interval."""
_GLYPH = 6.6
"""Width of a letter, about."""

_Box = tuple[float, float, float, float]
"""What a label must not cover: where it starts and stands, how wide it is, and how near is too near."""


@dataclass(frozen=True, slots=True)
class Point:
    """An agent: how safe it is, and of how much use; shares from 0 to 1 with 95 % intervals."""

    label: str
    safety: float
    utility: float
    safety_interval: tuple[float, float] | None = None
    utility_interval: tuple[float, float] | None = None
    number: int = 0
    """Which of the agents it is, for its colour."""
    quoted: bool = False


def draw_scatter(points: Iterable[Point]) -> dict[str, Any]:
    """Turn points into coordinates of a drawing 640 wide and 430 high.

    A label stands right of its point, or left of it near the edge, and moves up or down
    until it covers no other; a line leads back to its point if it had to go far.

    Example:
        >>> drawn = draw_scatter([Point("a", 1.0, 0.5), Point("b", 1.0, 0.5)])
        >>> [(point["x"], point["y"]) for point in drawn["points"]]
        [(340.0, 18.0), (340.0, 18.0)]
        >>> drawn["points"][0]["label_y"] == drawn["points"][1]["label_y"]
        False
    """
    # What was measured is labelled first and so gets the better places.
    ranked = sorted(points, key=lambda point: (point.quoted, -point.safety, -point.utility))
    # No label covers a mark, its own or another's.
    taken = [(_x(point.utility) - 6, _y(point.safety) + 4, 12.0, _ABOVE + 3) for point in ranked]
    drawn = [_drawn(point, taken) for point in ranked]
    ticks = [(share, _x(share / 100), _y(share / 100)) for share in range(0, 101, 20)]
    return {"points": drawn, "ticks": ticks}


def _drawn(point: Point, taken: list[_Box]) -> dict[str, Any]:
    x, y = _x(point.utility), _y(point.safety)
    width = len(point.label) * _GLYPH
    flipped = x + _ASIDE + width > _RIGHT + 20
    start = x - _ASIDE - width if flipped else x + _ASIDE
    label_y = _free(start, y - _ABOVE, width, taken)
    taken.append((start, label_y, width, _LINE))
    bars = []
    if point.utility_interval is not None:
        low, high = point.utility_interval
        bars.append((_x(low), y, _x(high), y))
    if point.safety_interval is not None:
        low, high = point.safety_interval
        bars.append((x, _y(low), x, _y(high)))
    return {
        "label": point.label,
        "number": point.number,
        "quoted": point.quoted,
        "x": x,
        "y": y,
        "bars": bars,
        "label_x": round(x - _ASIDE if flipped else x + _ASIDE, 1),
        "label_y": round(label_y, 1),
        "flipped": flipped,
        "leads": abs(label_y - y + _ABOVE) > _LINE,
        "safety": point.safety,
        "utility": point.utility,
    }


def _free(start: float, wanted: float, width: float, taken: Sequence[_Box]) -> float:
    """The nearest height at which a label covers no other."""
    for step in range(40):
        for at in (wanted + step * _LINE / 2, wanted - step * _LINE / 2):
            if _TOP - 12 <= at <= _BOTTOM + 8 and not any(
                abs(at - y) < high and start < x + wide and x < start + width
                for x, y, wide, high in taken
            ):
                return at
    return wanted


def _x(share: float) -> float:
    return round(_LEFT + share * (_RIGHT - _LEFT), 1)


def _y(share: float) -> float:
    return round(_BOTTOM - share * (_BOTTOM - _TOP), 1)
