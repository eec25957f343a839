"""The report of a run: one HTML page that needs nothing else and trusts nothing in the data.

The data is full of hostile text. On the server side all of it goes through
Jinja's escaping; the browser of examples gets it as JSON in which no markup
can begin, and puts it on the page as text only. A Content-Security-Policy
allows this page's one style and one script, by their hashes, and nothing else:
no request, no inline handler, no markup from strings.
"""

import base64
import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from agentalign_lc.dataset.files import write_whole
from agentalign_lc.dataset.reporting.profile import STAGES, Profile, profile_run
from agentalign_lc.dataset.reporting.sample import draw_scenarios
from agentalign_lc.dataset.reporting.timeline import draw_result
from agentalign_lc.dataset.statistics import Statistics
from agentalign_lc.dataset.store import RunStore
from agentalign_lc.records import CANARY, Intent, Status
from agentalign_lc.taxonomy import EVERYDAY, load_harms

__all__ = ["render_report", "write_report"]

_TEMPLATES = Path(__file__).with_name("templates")
_POLICY = (
    "default-src 'none'; script-src '{script}'; style-src '{style}'; "
    "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
_INERT = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}
_PICTURES = {code: 0x2400 + code for code in range(32) if chr(code) not in "\t\n"} | {0x7F: 0x2421}
_TURNING = {code: f"⟨U+{code:04X}⟩" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
_HYPHEN = re.compile(r"(?<=[A-Za-z0-9])-(?=[A-Za-z0-9])")
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
    script, style = (_asset(name) for name in ("report.js", "report.css"))
    rows = [result for results in sample["rows"] for result in results]
    return _environment().get_template("report.html.j2").render(
        policy=_POLICY.format(script=_digest(script), style=_digest(style)),
        script=Markup(script),  # noqa: S704 - ours, from the package
        style=Markup(style),  # noqa: S704
        data=Markup(_inert_json(rows)),  # noqa: S704 - no character of markup is left in it
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


@lru_cache(maxsize=1)
def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )
    environment.filters["number"] = lambda value: f"{value:,}"
    environment.filters["label"] = _label
    environment.filters["title"] = lambda name: _HYPHEN.sub(" ", _label(name))
    environment.filters["step"] = _step
    return environment


def _label(name: str) -> str:
    return name.replace("_", " ")


def _step(step: str) -> str:
    """``system_tools.manage_files:copy`` as people say it: manage files, copy."""
    return _label(step.partition(".")[2].replace(":", ", "))


def _visible(value: object) -> object:
    """Show what would act without being seen: control characters, and those that turn text around."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return value.translate(_PICTURES).translate(_TURNING).encode("utf-8", "replace").decode()


def _asset(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _inert_json(value: object) -> str:
    """JSON in ASCII in which no tag, comment or entity can begin."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for character, escape in _INERT.items():
        text = text.replace(character, escape)
    return text


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
