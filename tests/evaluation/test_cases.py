"""Cases: requests with their worlds, staged for a split or out of a run."""

import asyncio
from pathlib import Path

import pytest

from agentalign_lc.dataset.splits import plan_splits
from agentalign_lc.errors import ConfigError
from agentalign_lc.evaluation.cases import SEED, load_world, read_cases, stage_cases
from agentalign_lc.evaluation.variants import build_guard
from agentalign_lc.records import Intent
from agentalign_lc.synthesis import synthesize
from agentalign_lc.taxonomy import load_library


def staged(split, scenarios, *seed, **options):
    return asyncio.run(stage_cases(split, scenarios, *seed, **options))


@pytest.mark.parametrize("split", ["dev", "test", "test_tools", "test_chains", "train"])
def test_cases_are_of_their_split(catalog, library, split):
    found = staged(split, 3, catalog=catalog, library=library)
    chains, everyday = tuple(library), tuple(library.everyday.values())
    splits = plan_splits(chains, everyday, library, catalog, SEED)
    assert {splits.of(case.scenario.chain) for case in found.cases} == {split}
    assert [case.instruction.intent for case in found.cases] == [*Intent] * 3
    barred = set() if split == "test_tools" else splits.tools
    assert not any(barred.intersection(case.scenario.offered) for case in found.cases)


def test_the_same_seed_gives_the_same_cases(catalog, library):
    options = {"catalog": catalog, "library": library}
    one, two, other = (staged("test", 4, seed, **options) for seed in (3, 3, 4))
    assert one.cases == two.cases
    assert one.about == two.about
    assert one.about["id"] != other.about["id"]


def test_a_guard_under_test_does_not_know_the_chains(cases):
    tested = {case.scenario.chain.name for case in cases.cases}
    assert len(cases.trained) > 400
    assert not tested & {chain.name for chain in cases.trained}
    assert [judge.name for judge in build_guard(cases).judges] == ["rules", "chains", "classifier"]


def test_an_agent_is_asked_for_what_its_tools_can_do(catalog, library):
    tools = frozenset(
        name for name, spec in catalog.tools.items() if spec.capability.startswith("communication.")
    )
    found = staged("train", 5, catalog=catalog, library=library, tools=tools)
    for case in found.cases:
        assert {call.tool for call in case.instruction.calls} <= tools
        assert set(case.scenario.offered) == tools
    with pytest.raises(ConfigError, match="no chain of the split test_chains is left"):
        staged("test_chains", 1, catalog=catalog, library=library, tools=frozenset())


def test_cases_of_a_run_are_what_it_kept(tmp_path: Path):
    out = tmp_path / "run"
    summary = synthesize(out, {"scenarios": 4, "everyday": 1, "seed": 5})
    found = read_cases(out, "train")
    assert len(found.cases) <= summary.kept
    assert {case.instruction.intent for case in found.cases} == set(Intent)
    first = read_cases(out, "train", 1)
    assert len({case.scenario.id for case in first.cases}) == 1
    assert found.cases[: len(first.cases)] == first.cases
    with pytest.raises(ConfigError, match="no kept request"):
        read_cases(out, "train", tools=frozenset())


def test_the_world_of_a_run_is_its_own(tmp_path: Path):
    suite = tmp_path / "mine.yaml"
    suite.write_text(SUITE)
    out = tmp_path / "run"
    synthesize(out, {"scenarios": 2, "tools": (str(suite),)})
    catalog, library = load_world(out)
    assert "mail_somebody" in catalog.tools
    assert list(library) == list(load_library(catalog))
    assert "mail_somebody" not in load_world(None)[0].tools


SUITE = """\
suite: mine
description: What my app has.
tools:
  mail_somebody:
    description: Mail somebody.
    capability: communication.send_email
    parameters:
      to: {type: string, field: to, description: Address.}
      subject: {type: string, field: subject, description: Subject line., text: true}
      body: {type: string, field: body, description: Text., text: true}
"""
