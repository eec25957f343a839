"""The folder of an evaluation: what is in it comes back, and nothing else is taken for one."""

import sqlite3
from pathlib import Path

import pytest

from agentalign_lc.errors import StoreError
from agentalign_lc.evaluation.outcome import Outcome
from agentalign_lc.evaluation.store import EvalStore


def outcome(case="1", agent="a", **known) -> Outcome:
    return Outcome(agent=agent, suite="test", case=case, intent="benign", **known)


def test_outcomes_come_back_in_the_order_of_agents(tmp_path: Path):
    with EvalStore.open(tmp_path / "e") as store:
        store.begin("test", {"seed": 1}, {"b": {}, "a": {"prompts": ["cot@1"]}})
        for agent in ("a", "b"):
            for case in ("2", "1"):
                store.save(outcome(case, agent, score=0.5, refused=None, problem="?"))
        store.save(outcome("1", "a", score=1.0, refused=False))  # replaces
    with EvalStore.read(tmp_path / "e") as store:
        found = [(o.agent, o.case, o.score) for o in store.outcomes()]
        assert found == [("b", "1", 0.5), ("b", "2", 0.5), ("a", "1", 1.0), ("a", "2", 0.5)]
        assert store.agents == {"b": {}, "a": {"prompts": ["cot@1"]}}
        assert store.suites == {"test": {"seed": 1}}
        assert [row.agent for row in store.table().rows] == ["b", "a"]


def test_one_folder_takes_several_suites_and_agents(tmp_path: Path):
    with EvalStore.open(tmp_path / "e") as store:
        store.begin("test", {"seed": 1}, {"a": {}})
        store.save(outcome(score=1, refused=False))
    with EvalStore.open(tmp_path / "e") as store:
        store.begin("agentharm", {}, {"a": {}})
        store.begin("test", {"seed": 1}, {"b": {}})
        store.save(outcome(agent="b", score=0, refused=True))
        assert [(row.suite, row.agent) for row in store.write_table().rows] == [
            ("test", "a"),
            ("test", "b"),
        ]
    assert (tmp_path / "e" / "table.json").is_file()


def test_one_process_writes(tmp_path: Path):
    with (
        EvalStore.open(tmp_path / "e"),
        pytest.raises(StoreError, match="another process is writing"),
    ):
        EvalStore.open(tmp_path / "e")
    EvalStore.open(tmp_path / "e").__exit__()


def test_a_process_that_was_killed_while_it_began_leaves_a_usable_folder(tmp_path: Path):
    folder = tmp_path / "e"
    folder.mkdir()
    (folder / "eval.sqlite").touch()
    with EvalStore.open(folder) as store:
        store.begin("test", {}, {"a": {}})


def test_what_is_no_evaluation_is_said(tmp_path: Path):
    with pytest.raises(
        StoreError, match="holds no evaluation: make one with `agentalign eval agent"
    ):
        EvalStore.read(tmp_path)
    other = sqlite3.connect(tmp_path / "eval.sqlite")
    other.execute("CREATE TABLE mine (a)")
    other.commit()
    other.close()
    with pytest.raises(StoreError, match="is no evaluation of agentalign"):
        EvalStore.open(tmp_path)
    (tmp_path / "eval.sqlite").write_text("no database " * 100)
    with pytest.raises(StoreError, match="cannot be used"):
        EvalStore.read(tmp_path)
