"""Statistics of a run: what a small run must show, and what a bad one would."""

import json
import sqlite3
from pathlib import Path

import pytest

from agentalign_lc.dataset.statistics import Statistics, measure
from agentalign_lc.dataset.store import RunStore
from agentalign_lc.environment.catalog import Catalog
from agentalign_lc.synthesis import synthesize
from agentalign_lc.taxonomy import Library


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("statistics") / "run"
    synthesize(folder, {"scenarios": 40, "everyday": 10, "pressure": 0.5})
    return folder


@pytest.fixture
def found(run: Path, library: Library, catalog: Catalog) -> Statistics:
    with RunStore.read(run) as store:
        return measure(store, library, list(catalog.capabilities))


def test_a_run_is_measured(found: Statistics) -> None:
    assert found.instructions == 130
    assert sum(found.lengths.values()) == sum(found.steps.values()) == 130
    assert found.unfilled == 0
    assert found.adherence == found.grounding == found.schema_valid == 1.0
    assert found.refusal_purity == found.goal_reached == 1.0
    assert found.leaks == 0
    assert found.pairs["complied"] == 40
    assert sum(found.pairs.values()) == sum(found.splits.values()) == 130
    assert found.near_duplicates == 0.0
    assert 0 < found.subcategories[0] <= 40 < found.subcategories[1]
    assert found.phrasings[0] <= found.phrasings[1]
    assert 0.1 < found.overlap["benign"] < 0.9
    assert sum(found.pressure.values()) == 130
    assert found.pressure["none"] < 110


def test_an_open_slot_is_seen(
    run: Path, library: Library, catalog: Catalog, tmp_path: Path
) -> None:
    copy = tmp_path / "run"
    copy.mkdir()
    (copy / "run.sqlite").write_bytes((run / "run.sqlite").read_bytes())
    with sqlite3.connect(copy / "run.sqlite") as store:
        store.execute(
            "UPDATE results SET example = json_set(example, '$.instruction.text', 'Mail {boss.first}!') "
            "WHERE scenario = 3"
        )

    with RunStore.read(copy) as opened:
        assert measure(opened, library, list(catalog.capabilities), duplicates=False).unfilled == 3


def test_the_command_prints_and_gives_json(agentalign, run: Path) -> None:
    code, out, _ = agentalign("stats", run)
    assert code == 0
    for part in ("self-BLEU-4", "near-duplicates", "chain adherence", "100.00%", "under pressure"):
        assert part in out

    _, out, _ = agentalign("stats", run, "--json", "--no-duplicates")
    assert json.loads(out)["near_duplicates"] is None


def test_what_is_no_run_is_said(agentalign, tmp_path: Path) -> None:
    code, _, err = agentalign("stats", tmp_path)

    assert code == 2
    assert "holds no run" in err


def test_what_gates_turned_down_is_counted(
    run: Path, library: Library, catalog: Catalog, tmp_path: Path
) -> None:
    copy = tmp_path / "run"
    copy.mkdir()
    (copy / "run.sqlite").write_bytes((run / "run.sqlite").read_bytes())
    with sqlite3.connect(copy / "run.sqlite") as store:
        for gate, intent in [("goal", "benign"), ("purity", "harmful")]:
            store.execute(
                "UPDATE results SET status = 'rejected', gate = ? WHERE scenario < 4 AND intent = ?",
                (f"response.{gate}", intent),
            )

    with RunStore.read(copy) as opened:
        found = measure(opened, library, list(catalog.capabilities), duplicates=False)

    assert found.goal_reached == pytest.approx(1 - 4 / 90)
    assert found.refusal_purity == pytest.approx(1 - 4 / 40)
    assert found.schema_valid == 1.0
