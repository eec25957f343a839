"""The suite that `tools/README.md` shows is a suite, and does what the page says."""

import re
from pathlib import Path

import pytest

from agentalign_lc.environment.catalog import Catalog, load_catalog
from agentalign_lc.environment.mistakes import find_mistakes
from agentalign_lc.environment.simulate import run_tool
from agentalign_lc.environment.spec import CapabilitySpec, Operation
from agentalign_lc.synthesis import synthesize

PAGE = (Path(__file__).parents[2] / "tools" / "README.md").read_text(encoding="utf-8")
SUITE = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[1]


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    file = tmp_path / "notes.yaml"
    file.write_text(SUITE)
    return file


def test_it_is_fifteen_lines(notes: Path) -> None:
    assert len(SUITE.splitlines()) == 15
    assert find_mistakes([notes]) == (1, [])


def test_it_can_be_called(notes: Path) -> None:
    catalog: Catalog = load_catalog(own=[notes])
    world = catalog.fresh_world(1)

    reply = run_tool(catalog.tools["leave_note"], world, {"for_whom": "Lena", "text": "Hi"})

    assert reply["left_for"] == "Lena"
    assert world.find("notes", {"id": reply["id"]})["text"] == "Hi"


def test_it_can_be_synthesised_with(notes: Path, tmp_path: Path) -> None:
    summary = synthesize(tmp_path / "run", {"scenarios": 3, "tools": (str(notes),)})

    assert summary.kept == 9


def test_every_operation_is_on_the_page() -> None:
    verbs = {"find", "select", "insert", "update", "delete", "call", "use", "let", "require"}

    assert verbs <= set(Operation.model_fields)
    for verb in verbs:
        assert f"`{verb}`" in PAGE
    for effect in CapabilitySpec.model_fields["effect"].annotation:
        assert effect.value in PAGE
