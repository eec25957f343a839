"""The report of a run: funnel, coverage, plots, triplets, a browser through the examples."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from agentalign_lc.dataset.files import write_whole
from agentalign_lc.dataset.reporting.page import render_page
from agentalign_lc.dataset.reporting.profile import STAGES, Profile, profile_run
from agentalign_lc.dataset.reporting.sample import draw_scenarios
from agentalign_lc.dataset.reporting.timeline import draw_result
from agentalign_lc.dataset.statistics import Statistics
from agentalign_lc.dataset.store import RunStore
from agentalign_lc.records import CANARY, Intent, Status
from agentalign_lc.taxonomy import EVERYDAY, load_harms

__all__ = ["render_report", "write_report"]

_TEMPLATE = Path(__file__).with_name("templates") / "report.html.j2"
_LEVELS = 5
_THINNEST = 0.6
_TRIPLETS = 4
_BINS = 12


def write_report(
    store: RunStore,
    statistics: Statistics,
    capabilities: Sequence[str],
    out: Path,
    examples: int = 200,
) -> int:
    """Write the report of a run and return how many results its browser holds.

    Args:
        store: The run.
        statistics: What was measured about its requests.
        capabilities: All that there are, for the columns of the heat map.
        out: The file; an older one is replaced, at once and as a whole.
        examples: About how many results the page holds; they come in whole scenarios.

    Raises:
        StoreError: the run cannot be read, or the file cannot be written.
    """
    drawn, lost = draw_scenarios(store, examples)
    rows = [[draw_result(result) for result in results] for results in drawn]
    name, seed = store.folder.resolve().name, store.config.get("seed")
    sample = {"rows": rows, "lost": lost, "run": name, "seed": seed}
    write_whole(out, render_report(profile_run(store), statistics, capabilities, sample))
    return sum(map(len, rows))


def render_report(
    profile: Profile,
    statistics: Statistics,
    capabilities: Sequence[str],
    sample: Mapping[str, Any],
) -> str:
    """Render the page from what was counted, measured and drawn.

    Args:
        profile: What was counted.
        statistics: What was measured.
        capabilities: All that there are.
        sample: ``rows`` (drawn results, by scenario), ``lost`` (how many scenarios
            of these were drawn among losses), ``run`` (its name) and ``seed``.
    """
    rows = [result for results in sample["rows"] for result in results]
    return render_page(
        _TEMPLATE,
        rows,
        run=sample["run"],
        seed=sample["seed"],
        lost=sample["lost"],
        results=len(rows),
        scenarios=len(sample["rows"]),
        profile=profile,
        statistics=statistics,
        intents=[intent.value for intent in Intent],
        canary=CANARY,
        funnel=[(stage, _plain(profile.stages[stage])) for stage in STAGES],
        endings={status.value: profile.count(status) for status in Status},
        lost_at=_bar_list(
            "Where it was lost",
            {f"{gate or 'unknown'} ({how.value})": _plain(c) for (how, gate), c in profile.lost_at.items()},
        ),
        map=_heat_map(profile, capabilities),
        histograms=_histograms(profile, statistics),
        bars=_bars(profile, statistics),
        triplets=_triplets(sample["rows"]),
    )  # fmt: skip


def _plain(counts: Mapping[Intent, int]) -> dict[str, int]:
    return {intent.value: counts.get(intent, 0) for intent in Intent}


def _heat_map(profile: Profile, capabilities: Sequence[str]) -> dict[str, Any]:
    """Rows by category: subcategory, a cell of count and level for each suite, and the total."""
    seen = {suite for counts in profile.coverage.values() for suite in counts}
    suites = sorted({name.partition(".")[0] for name in capabilities} | seen)
    known = {name: [s.name for s in c.subcategories] for name, c in load_harms().items()}
    for category, found in profile.subcategories.items():
        listed = known.setdefault(category, [])
        if category == EVERYDAY:
            listed[:] = [EVERYDAY]
        else:
            listed += [name for name in found if name not in listed]
    # Everyday requests are one row and many: they must not make the others pale.
    harms = (row for name, row in profile.coverage.items() if name != EVERYDAY)
    most = max((count for row in harms for count in row.values()), default=1)
    groups = []
    for category, names in known.items():
        rows = []
        for name in names:
            counts = [profile.coverage.get(name, {}).get(suite, 0) for suite in suites]
            found = profile.subcategories.get(category, {})
            total = sum(found.values()) if name == EVERYDAY else found.get(name, 0)
            rows.append((name, [(count, _level(count, most)) for count in counts], total))
        groups.append((category, rows))
    cells = [count for _, rows in groups for _, row, _ in rows for count, _ in row]
    return {"suites": suites, "groups": groups, "cells": len(cells), "empty": cells.count(0)}


def _level(count: int, most: int) -> int:
    # The root spreads the many small counts over the levels.
    return min(_LEVELS, math.ceil(_LEVELS * math.sqrt(count / most)))


def _histograms(profile: Profile, statistics: Statistics) -> list[dict[str, Any]]:
    calls = {number: _plain(counts) for number, counts in profile.calls.items()}
    return [
        _histogram(
            "Steps of the chain",
            "Examples by how many steps their chain has",
            {number: {"all": count} for number, count in statistics.steps.items()},
        ),
        _histogram(
            "Length of the request",
            "Examples by words, in bins of twenty: 40 is 40 to 59",
            {number: {"all": count} for number, count in statistics.lengths.items()},
            stride=20,
        ),
        _histogram(
            "Tool calls in the response",
            "Examples by calls made; a refusal at once makes none",
            calls,
        ),
    ]


def _histogram(
    title: str, text: str, counts: Mapping[int, Mapping[str, int]], *, stride: int = 1
) -> dict[str, Any]:
    bins: dict[int, dict[str, int]] = {}
    first, last = (min(counts), max(counts)) if counts else (0, -stride)
    cut = first + stride * (_BINS - 1)
    for value in range(first, min(last, cut) + stride, stride):
        bins[value] = {}
    for value, parts in counts.items():
        # A long tail becomes one last bin.
        into = bins[min(value, cut)]
        for part, count in parts.items():
            into[part] = into.get(part, 0) + count
    most = max((sum(parts.values()) for parts in bins.values()), default=0) or 1
    columns = []
    for value, parts in bins.items():
        top, stack = 0.0, []
        for part, count in parts.items():
            height = 100 * count / most
            stack.append((part, round(100 - top - height, 2), round(height, 2)))
            top += height
        tail = "+" if value == cut and last > cut else ""
        columns.append((f"{value}{tail}", stack, sum(parts.values()), round(100 - top, 2)))
    return {"title": title, "text": text, "columns": columns}


def _bars(profile: Profile, statistics: Statistics) -> list[dict[str, Any]]:
    responses = {"carried out": _plain(profile.carried_out)}
    for calls, counts in profile.refused_at.items():
        when = (
            f"refused after {calls} call{'s' if calls > 1 else ''}" if calls else "refused at once"
        )
        responses[when] = _plain(counts)
    rejected = {kind: _plain(counts) for kind, counts in profile.rejected_as.items()}
    pressure, twists = (
        {name: {"all": count} for name, count in counts.items()}
        for counts in (statistics.pressure, profile.twists)
    )
    return [
        _bar_list("Responses", responses),
        _bar_list("Rejected responses", _longest_first(rejected)),
        _bar_list("Splits", {name: _plain(counts) for name, counts in profile.splits.items()}),
        _bar_list("Pressure on the request", _longest_first(pressure)),
        _bar_list("What goes wrong in the world", _longest_first(twists)),
    ]


def _longest_first(counts: Mapping[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    return dict(sorted(counts.items(), key=lambda item: -sum(item[1].values())))


def _bar_list(title: str, counts: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
    """Bars by name; widths in percent of the longest."""
    most = max((sum(parts.values()) for parts in counts.values()), default=0) or 1
    bars = []
    for name, parts in counts.items():
        start, stack = 0.0, []
        for part, count in parts.items():
            # Thinner would not be seen.
            width = max(100 * count / most, _THINNEST) if count else 0.0
            stack.append((part, round(start, 2), round(width, 2)))
            start += width
        bars.append((name, stack, sum(parts.values())))
    return {"title": title, "bars": bars}


def _triplets(
    scenarios: Sequence[Sequence[Mapping[str, Any]]],
) -> list[Sequence[Mapping[str, Any]]]:
    """The first whole triplets of the sample, no two of a category."""
    found: dict[str, Sequence[Mapping[str, Any]]] = {}
    for results in scenarios:
        whole = [result["status"] for result in results] == ["kept"] * 3
        if whole and len(found) < _TRIPLETS:
            found.setdefault(results[0]["category"], results)
    return list(found.values())
