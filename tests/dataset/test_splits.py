"""Splits: nothing in two of them, and what a test split has never been trained on."""

from collections import Counter
from pathlib import Path

import pytest

from agentalign_lc.dataset.splits import HELD_OUT, Splits, audit_splits, plan_splits
from agentalign_lc.dataset.store import RunStore
from agentalign_lc.environment.catalog import Catalog
from agentalign_lc.synthesis import synthesize
from agentalign_lc.taxonomy import Library


@pytest.fixture(scope="module")
def splits(library: Library, catalog: Catalog) -> Splits:
    everyday = tuple(library.everyday.values())
    return plan_splits(tuple(library), everyday, library, catalog, seed=11)


def test_a_fifth_is_held_out_in_four_parts(splits: Splits, library: Library) -> None:
    counts = Counter(splits.of(chain) for chain in library)

    assert counts["train"] == 512
    assert {split: counts[split] for split in HELD_OUT} == dict.fromkeys(HELD_OUT, 32)


def test_sequences_of_test_chains_are_in_no_other_split(splits: Splits, library: Library) -> None:
    every = [*library, *library.everyday.values()]
    unseen = {c.capabilities for c in every if splits.of(c) == "test_chains"}
    others = {c.capabilities for c in every if splits.of(c) != "test_chains"}

    assert unseen
    assert not unseen & others
    assert all(len(sequence) > 1 for sequence in unseen)


def test_held_out_tools_leave_another_for_every_step(
    splits: Splits, library: Library, catalog: Catalog
) -> None:
    assert 20 <= len(splits.tools) <= 30
    for chain in (*library, *library.everyday.values()):
        for position in range(len(chain.steps)):
            assert set(library.candidates(chain, position, catalog)) - splits.tools


def test_the_seed_decides(library: Library, catalog: Catalog, splits: Splits) -> None:
    chains, everyday = tuple(library), tuple(library.everyday.values())

    assert plan_splits(chains, everyday, library, catalog, seed=11) == splits
    assert plan_splits(chains, everyday, library, catalog, seed=12) != splits


@pytest.mark.parametrize(("count", "share"), [(9, 0.2), (100, 0.0)])
def test_few_chains_or_no_share_leave_all_for_training(
    library: Library, catalog: Catalog, count: int, share: float
) -> None:
    planned = plan_splits(tuple(library)[:count], (), library, catalog, 7, share)

    assert planned == Splits()
    assert {planned.of(chain) for chain in library} == {"train"}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    folder: Path = tmp_path_factory.mktemp("splits") / "run"
    synthesize(folder, {"scenarios": 60, "everyday": 20, "held_out": 0.6, "pressure": 0.5})
    with RunStore.read(folder) as store:
        return list(store.kept())


def test_a_run_has_every_split_and_no_leak(rows: list[dict]) -> None:
    assert {row["split"] for row in rows} == {"train", *HELD_OUT}
    assert audit_splits(rows) == []


def test_a_leak_is_named(rows: list[dict]) -> None:
    unseen = next(row for row in rows if row["split"] == "test_chains")
    tools = next(row for row in rows if row["split"] == "test_tools")

    assert any(
        "is in test_chains, train" in leak
        for leak in audit_splits([*rows, {**unseen, "split": "train"}])
    )
    assert any(
        "of test_chains is in another split" in leak
        for leak in audit_splits([unseen, {**unseen, "split": "dev"}])
    )
    assert any("no tool that train does not offer" in leak for leak in audit_splits([tools, {**tools, "split": "train"}]))  # fmt: skip
