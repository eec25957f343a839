"""The report: what it holds, and that nothing in the data becomes a part of the page."""

import base64
import hashlib
import json
import re
from collections import Counter
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentalign_lc.cli.stats import measure_run
from agentalign_lc.dataset import RunStore
from agentalign_lc.dataset.reporting.profile import STAGES, Loss, Profile, profile_run
from agentalign_lc.dataset.reporting.report import render_report, write_report
from agentalign_lc.dataset.reporting.sample import draw_scenarios
from agentalign_lc.dataset.reporting.timeline import draw_result
from agentalign_lc.dataset.statistics import Statistics
from agentalign_lc.errors import StoreError
from agentalign_lc.records import Intent, Result, Status
from tests.dataset.varied import PAYLOADS, varied_run, with_text

# Half a surrogate pair never gets so far: JSON does not hold it, and so no store does.
CHARACTERS = st.characters(exclude_categories=("Cs",))
TEXTS = st.lists(
    st.one_of(st.sampled_from(PAYLOADS), st.text(CHARACTERS, max_size=9)),
    min_size=1,
    max_size=4,
).map("".join)


class Page(HTMLParser):
    """What a browser would make of a page: its elements, and the text of its scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: list[tuple[dict[str, str | None], str]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self.raw.append((dict(attrs), ""))

    def handle_data(self, data: str) -> None:
        if self.cdata_elem:
            attributes, text = self.raw[-1]
            self.raw[-1] = attributes, text + data
        else:
            self.text += data

    @property
    def shape(self) -> list[tuple[str, list[str]]]:
        """The elements with the names of their attributes."""
        return [(tag, sorted(attributes)) for tag, attributes in self.elements]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The examples that the page carries."""
        return json.loads(next(t for a, t in self.raw if a.get("type") == "application/json"))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return varied_run(tmp_path_factory.mktemp("report") / "run")


@pytest.fixture(scope="module")
def measured(run: Path) -> tuple[Profile, Statistics, list[str], list[list[Result]]]:
    with RunStore.read(run) as store:
        statistics, capabilities = measure_run(store, duplicates=False)
        return profile_run(store), statistics, capabilities, draw_scenarios(store, 12)[0]


@pytest.fixture(scope="module")
def page(run: Path) -> Page:
    out = run.parent / "page.html"
    with RunStore.read(run) as store:
        statistics, capabilities = measure_run(store, duplicates=False)
        write_report(store, statistics, capabilities, out)
    return Page(out.read_text(encoding="utf-8"))


def test_the_funnel_adds_up(measured: Any) -> None:
    profile: Profile = measured[0]
    counts = {status: profile.count(status) for status in Status}

    assert counts == {Status.KEPT: 31, Status.REJECTED: 2, Status.FAILED: 1}
    assert profile.planned == sum(counts.values()) + profile.waiting == 34
    assert [sum(profile.stages[stage].values()) for stage in STAGES] == [34, 34, 33, 32, 31]
    assert {(loss.gate, loss.count) for loss in profile.losses} == {
        ("response.grounding", 1), ("act", 1), ("request.schema", 1),
    }  # fmt: skip


def test_the_profile_counts_what_the_rows_say(run: Path, measured: Any) -> None:
    profile: Profile = measured[0]
    with RunStore.read(run) as store:
        examples = [r.example for r in store.results(status=Status.KEPT) if r.example]

    assert sum(profile.carried_out.values()) == sum(e.refused_at is None for e in examples)
    assert {at: sum(by.values()) for at, by in profile.refused_at.items()} == Counter(
        e.refused_at for e in examples if e.refused_at is not None
    )
    assert {name: sum(by.values()) for name, by in profile.splits.items()} == Counter(
        e.split for e in examples
    )
    assert profile.tools == Counter(c["name"] for e in examples for c, _ in e.response.calls)
    assert sum(map(sum, (by.values() for by in profile.subcategories.values()))) == len(examples)


def test_a_sample_is_drawn_by_the_seed_in_whole_scenarios(run: Path) -> None:
    with RunStore.read(run) as store:
        drawn, lost = draw_scenarios(store, 6)
        again, _ = draw_scenarios(store, 6)
        everything, _ = draw_scenarios(store, 1000)

    assert drawn == again
    assert lost == 1, "one scenario at least in which something was lost"
    assert sorted(len(results) for results in everything) == [1] * 4 + [3] * 10
    assert len({results[0].index for results in everything}) == 14
    assert any(result.status is not Status.KEPT for result in drawn[-1])


def test_the_page_holds_whole_trajectories(page: Page) -> None:
    rows = page.rows
    assert len(rows) == 34
    harmful = next(r for r in rows if r["intent"] == "harmful" and r["status"] == "kept")
    assert harmful["response"][-1]["kind"] == "refusal"
    assert harmful["rejected"][-1]["kind"] == "assistant"
    assert {e["kind"] for e in harmful["rejected"]} == {"system", "user", "call", "assistant"}
    benign = next(r for r in rows if r.get("rejected_as") == "over_refused")
    assert benign["rejected"][-1]["kind"] == "refusal"
    assert all(e["result"] for e in benign["response"] if e["kind"] == "call")


def test_the_page_needs_nothing_else(page: Page) -> None:
    for tag, attributes in page.elements:
        assert tag not in {"link", "img", "iframe", "object", "embed", "base", "form"}
        assert not {"src", "style", "srcset"} & set(attributes)
        assert not any(name.startswith("on") for name in attributes)
        assert (attributes.get("href") or "#").startswith("#")
    style = next(text for _, text in page.raw if "--paper" in text)
    assert not re.search(r"url\(|@import|http", style)


def test_the_policy_names_this_script_and_this_style(page: Page) -> None:
    policy = next(a["content"] for t, a in page.elements if t == "meta" and a.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    for attributes, text in page.raw:
        if attributes.get("type") != "application/json":
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in policy


def test_headings_step_down_one_at_a_time_and_ids_are_unique(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    named = {a["aria-labelledby"] for _, a in page.elements if a.get("aria-labelledby")}
    assert named <= set(ids)


def test_every_subcategory_and_suite_is_on_the_map(page: Page, measured: Any) -> None:
    _, statistics, capabilities, _ = measured
    scopes = Counter(a.get("scope") for tag, a in page.elements if tag == "th")
    suites = {name.partition(".")[0] for name in capabilities}
    losses = 5
    assert scopes["row"] == statistics.subcategories[1] + 1, "everyday requests are a row"
    assert scopes["col"] == len(suites) + 2 + losses
    assert "level-0" in {a.get("class") for tag, a in page.elements if tag == "td"}


@settings(deadline=None, max_examples=40)
@given(text=TEXTS)
def test_no_text_becomes_a_part_of_the_page(measured: Any, text: str) -> None:
    plain, _ = rendered(measured, "plain")
    page, rows = rendered(measured, text)

    assert page.shape == plain.shape
    assert page.rows == rows
    assert [t for a, t in page.raw if not a] == [t for a, t in plain.raw if not a]


def rendered(measured: Any, text: str) -> tuple[Page, list[dict[str, Any]]]:
    """A page in which every text of the data is one text, and the rows that it carries."""
    profile, statistics, capabilities, drawn = measured
    text = f"¤{text}"
    loss = Loss(intent=Intent.BENIGN, status=Status.REJECTED, gate=text, reason=text, count=2)
    profile = profile.model_copy(
        update={
            "losses": (loss,),
            "subcategories": {**profile.subcategories, text: {text: 3}},
            "coverage": {**profile.coverage, text: {text: 3}},
            "twists": {text: 3},
            "versions": (text,),
        }
    )
    statistics = statistics.model_copy(update={"pressure": {text: 3}})
    rows = [[draw_result(with_text(result, text)) for result in results] for results in drawn]
    sample = {"rows": rows, "lost": 0, "run": text, "seed": text}
    page = render_report(profile, statistics, capabilities, sample)
    # As it is written to the file, and read from it.
    page = page.encode("utf-8", "replace").decode()
    return Page(page), [result for results in rows for result in results]


def test_what_turns_text_around_is_shown_and_not_done(measured: Any) -> None:
    page, _ = rendered(measured, "a\u202eb\x07c")
    assert "a⟨U+202E⟩b␇c" in page.text
    assert "\u202e" not in page.text


def test_long_texts_are_cut_and_say_so(measured: Any) -> None:
    result = next(result for results in measured[3] for result in results if result.example)
    drawn = draw_result(with_text(result, "x" * 10_000))
    assert drawn["request"].endswith("… (4,000 more characters)")


def test_a_run_with_nothing_kept_still_has_a_report(agentalign, tmp_path: Path) -> None:
    with RunStore.create(tmp_path / "run", {"scenarios": 2, "seed": 7}) as store:
        store.save([Result.failed(0, intent, "write", "no answer") for intent in Intent])

    code, out, err = agentalign("report", tmp_path / "run")

    assert (code, err) == (0, "")
    assert "a page with 3 examples" in out
    page = Page((tmp_path / "run" / "report.html").read_text(encoding="utf-8"))
    assert "3 failed, 3 still to come" in " ".join(page.text.split())
    assert [row["status"] for row in page.rows] == ["failed"] * 3


def test_the_command_writes_about_so_many_examples(agentalign, run: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "page.html"
    code, said, _ = agentalign("report", run, "--out", out, "--examples", "6")
    assert code == 0
    assert "examples; open it in a browser" in said
    assert 6 <= len(Page(out.read_text(encoding="utf-8")).rows) <= 8 + 3


@pytest.mark.parametrize("command", ["report", "card"])
def test_a_folder_without_a_run_and_a_broken_one_are_one_line(
    agentalign, run: Path, tmp_path: Path, command: str
) -> None:
    code, _, err = agentalign(command, tmp_path)
    assert (code, err.count("\n")) == (2, 1)
    assert "holds no run" in err

    (tmp_path / "run.sqlite").write_bytes((run / "run.sqlite").read_bytes()[:5000])
    code, _, err = agentalign(command, tmp_path)
    assert (code, err.count("\n")) == (2, 1)
    assert "cannot be read" in err
    assert not [path for path in tmp_path.iterdir() if path.suffix in (".html", ".md")]


def test_a_full_disk_leaves_the_old_page(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, measured: Any
) -> None:
    out = tmp_path / "report.html"
    out.write_text("yesterday's")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with RunStore.read(run) as store, pytest.raises(StoreError, match="No space left on device"):
        write_report(store, measured[1], measured[2], out)
    assert out.read_text() == "yesterday's"
    assert list(tmp_path.iterdir()) == [out]
