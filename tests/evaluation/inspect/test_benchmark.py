"""Folders of behaviours: what is taken, and what is said about the others."""

import json

import pytest
from inspect_evals.agentharm import utils

from agentalign_lc.errors import ConfigError
from agentalign_lc.evaluation.inspect.benchmark import digest, halves, reading_from
from agentalign_lc.records import Intent
from tests.evaluation.inspect import office as offices


def test_a_snapshot_and_a_plain_folder_are_the_same_and_left_alone(tmp_path):
    plain = offices.write(tmp_path / "plain", "full", "half")
    (tmp_path / "snapshot").mkdir()
    snapshot = tmp_path / "snapshot"
    offices.write(snapshot / "benchmark", "full", "half")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.json")}
    assert digest(plain, "test_public") == digest(snapshot, "test_public")

    place = utils.AGENTHARM_DATASET_LOCATION
    with reading_from(snapshot):
        found = utils.load_dataset("harmful", "test_public", force_redownload=False)
        assert [sample.metadata["name"] for sample in found] == ["full", "half"]
    assert place == utils.AGENTHARM_DATASET_LOCATION
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.json*")} == before


def test_one_half_is_enough(tmp_path):
    folder = offices.write(tmp_path, "full")
    (folder / "harmful_behaviors_test_public.json").unlink()
    assert halves(folder, "test_public") == [Intent.BENIGN]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "cannot be read"),
        ("[]", 'no list "behaviors"'),
        ('{"behaviors": []}', 'no list "behaviors"'),
        ('{"behaviors": [{"id": "1"}]}', "behavior 1 has no prompt, category, target_functions"),
        ('{"behaviors": [3]}', "behavior 1 has no id, prompt"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path, content, says):
    offices.write(tmp_path, "full")
    (tmp_path / "benign_behaviors_test_public.json").write_text(content)
    with pytest.raises(ConfigError, match=says), reading_from(tmp_path):
        pass


def test_a_folder_without_behaviours_says_which_files_it_needs(tmp_path):
    (tmp_path / "other.json").write_text(json.dumps({}))
    with pytest.raises(ConfigError, match=r"harmful_behaviors_validation\.json or benign_"):
        halves(tmp_path, "val")
