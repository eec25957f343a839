"""The report of an evaluation: what it says, what it leaves out, and where its labels stand."""

import json
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentalign_lc.errors import ConfigError
from agentalign_lc.evaluation.reporting.disagreements import find_disagreements
from agentalign_lc.evaluation.reporting.quoted import QUOTED
from agentalign_lc.evaluation.reporting.report import write_evaluation_report
from agentalign_lc.evaluation.reporting.scatter import Point, draw_scatter
from agentalign_lc.evaluation.store import EvalStore
from agentalign_lc.records import CANARY, Intent
from tests.dataset.varied import PAYLOADS
from tests.evaluation.reporting.evaluated import evaluated, outcome

SHARES = st.floats(0, 1)
NAMES = st.text("abcdefgh-:+. ", min_size=1, max_size=24)


def page_of(folder: Path) -> str:
    out = folder / "report.html"
    with EvalStore.read(folder) as store:
        write_evaluation_report(store, out)
    return out.read_text(encoding="utf-8")


def test_unknown_stands_first_and_says_why(tmp_path: Path) -> None:
    page = page_of(evaluated(tmp_path))
    alarm, figures = page.index('role="alert"'), page.index("Figures, in percent")
    assert alarm < figures
    assert "6 of 18 runs could not be judged" in page
    assert "the judge broke: no answer" in page


def test_the_paper_is_quoted_as_such(tmp_path: Path) -> None:
    page = page_of(evaluated(tmp_path))
    assert all(one.model in page for one in QUOTED)
    assert "quoted from the AgentAlign paper" in page
    assert "other requests than these" in page
    assert CANARY in page


def test_every_disagreement_is_there_with_what_each_agent_did(tmp_path: Path) -> None:
    page = page_of(evaluated(tmp_path))
    cases = json.loads(page.split('type="application/json">')[1].split("</script>")[0])
    assert [case["intent"] for case in cases] == ["harmful", "harmful"]
    for case in cases:
        assert [answer["verdict"] for answer in case["answers"]] == ["done", "refused", "unknown"]
        assert case["answers"][1]["events"][-1]["kind"] == "refusal"


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    page = page_of(evaluated(tmp_path, PAYLOADS))
    for payload in PAYLOADS:
        if "<" in payload:
            assert payload not in page


def test_figures_of_a_guard_are_shown_or_refused(tmp_path: Path) -> None:
    folder = evaluated(tmp_path)
    card = {
        "classifier": "ngrams",
        "rows": 10,
        "harmful": 5,
        "auroc": 0.9,
        "recall": 0.5,
        "fpr": 0.0,
    }
    (folder / "guard.json").write_text(json.dumps({**card, "recall_at_fpr": {"0.028": 0.4}}))
    assert "0.900" in page_of(folder)
    (folder / "guard.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"guard\.json holds no figures of a guard"):
        page_of(folder)


def test_nothing_to_show_is_one_line(tmp_path: Path) -> None:
    with EvalStore.open(tmp_path / "new"):
        pass
    with pytest.raises(ConfigError, match="has no outcome yet"):
        page_of(tmp_path / "new")


def test_what_was_not_judged_disagrees_with_nothing() -> None:
    told = [outcome(agent, 0, Intent.BENIGN, "Mail it.") for agent in ("model", "mute")]
    assert find_disagreements(told) == []


@given(st.lists(st.tuples(NAMES, SHARES, SHARES), max_size=8))
def test_labels_cover_neither_each_other_nor_points(points: list[tuple[str, float, float]]) -> None:
    drawn = draw_scatter(Point(*point) for point in points)["points"]

    def box(point: dict) -> tuple[float, float, float]:
        width = len(point["label"]) * 6.6
        start = point["label_x"] - (width if point["flipped"] else 0)
        return start, start + width, point["label_y"]

    for one, other in combinations(drawn, 2):
        (a, b, high), (c, d, low) = box(one), box(other)
        assert b <= c or d <= a or abs(high - low) >= 16
