"""A mistake in a suite or a chain is named by file and line, with its mend."""

import shutil
from pathlib import Path

import pytest

from agentalign_lc.documents import load_document
from agentalign_lc.environment.catalog import load_catalog, tools_folder
from agentalign_lc.environment.spec import SuiteSpec
from agentalign_lc.errors import ConfigError, DocumentError
from agentalign_lc.taxonomy import load_library

SUITE = """\
suite: notes
description: Notes.
capabilities:
  write_note:
    effect: write
    description: Write a note down.
    actions:
      write: [text]
collections:
  notes: {id: "note_####"}
tools:
  add_note:
    capability: write_note
    description: Add a note.
    parameters:
      text: {type: string, text: true}
    does:
      - {insert: notes, row: {text: "{{ args.text }}"}, as: note}
    returns: {id: "{{ note.id }}"}
"""


@pytest.mark.parametrize(
    ("right", "wrong", "line", "message"),
    [
        ("effect: write", "efect: write", 5, "unknown field|field is missing"),
        ("effect: write", "effect: scribble", 5, "input should be 'read'"),
        ("type: string", "type: strnig", 16, "input should be 'string'"),
        ("capability: write_note", "capability: write_notes", 13, "not declared in any suite"),
        ("insert: notes", "insert: nots", 18, "collection 'nots' is not declared"),
        ("insert: notes", "call: files.wirte", 18, "no device operation 'files.wirte'"),
        ("{{ args.text }}", "{{ args.text }", 18, "not a valid expression"),
        ("text: {type", "body: {type", 16, "no parameter takes 'text'"),
        ("suite: notes", "suite: [notes", 2, "flow sequence|expected"),
        ("tools:", "tools: {}\nother:", 11, "at least 1|unknown field"),
    ],
)
def test_a_typo_in_a_suite(tmp_path: Path, right: str, wrong: str, line: int, message: str) -> None:
    assert right in SUITE
    file = tmp_path / "notes.yaml"
    file.write_text(SUITE.replace(right, wrong))

    with pytest.raises(DocumentError, match=message) as caught:
        load_catalog(tmp_path)

    assert len(str(caught.value).splitlines()) == 1
    named = str(caught.value).removeprefix(f"{file}:").split(":")[0]
    assert abs(int(named) - line) <= 1, str(caught.value)


def test_the_suite_without_a_typo_loads(tmp_path: Path) -> None:
    (tmp_path / "notes.yaml").write_text(SUITE)

    assert list(load_catalog(tmp_path).tools) == ["add_note"]


def test_two_tools_of_one_name(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SUITE)
    (tmp_path / "b.yaml").write_text(
        SUITE.replace("suite: notes", "suite: other")
        .replace("  notes: {id", "  more: {id")
        .replace("insert: notes", "insert: more")
    )

    with pytest.raises(DocumentError, match="tool 'add_note' exists already"):
        load_catalog(tmp_path)


def test_a_folder_without_suites(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no suite"):
        load_catalog(tmp_path)


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("subcategory: ", "subcategory: xx", "has no subcategory 'xx"),
        ("harmful:", "harmfull:", "unknown field|field is missing"),
        ("steps: [", "steps: [search.web_serch:search, ", "no tool serves search.web_serch:search"),
    ],
)
def test_a_typo_in_a_chain(tmp_path: Path, right: str, wrong: str, message: str) -> None:
    catalog = load_catalog()
    chains = tools_folder().parent / "agentalign_lc" / "taxonomy" / "chains"
    file = tmp_path / "doxing.yaml"
    shutil.copy(chains / "privacy" / "doxing.yaml", file)
    text = file.read_text()
    assert right in text
    file.write_text(text.replace(right, wrong, 1))

    with pytest.raises(DocumentError, match=message) as caught:
        load_library(catalog, tmp_path)
    assert str(caught.value).startswith(f"{file}:")


@pytest.mark.parametrize("suite", sorted(tools_folder().glob("*.yaml")), ids=lambda path: path.stem)
def test_every_expression_of_the_shipped_suites_compiles(suite: Path) -> None:
    assert load_document(suite, SuiteSpec).tools
