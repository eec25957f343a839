"""``agentalign traces import``, as a person uses it."""

import json
from pathlib import Path

import pytest

from agentalign_lc.traces.store import TraceStore

DATA = Path(__file__).parents[1] / "traces" / "importers" / "data"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "mine.sqlite"


def rows(said: str) -> list[list[str]]:
    """The cells of the table that was printed."""
    lines = [line for line in said.splitlines() if line.startswith("│")]
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines]


def test_import_prints_a_row_a_file_and_fills_the_store(agentalign, store: Path) -> None:
    files = [DATA / "langsmith.jsonl", DATA / "langfuse.json", DATA / "openai.jsonl"]

    code, said, err = agentalign("traces", "import", *files, "--store", store)

    assert (code, err) == (0, "")
    assert rows(said) == [
        ["langsmith.jsonl", "langsmith", "1", "1", "5", "0"],
        ["langfuse.json", "langfuse", "1", "1", "5", "0"],
        ["openai.jsonl", "openai", "1", "1", "5", "0"],
    ]
    with TraceStore.open(store) as kept:
        assert sorted(trace.source for trace in kept.traces()) == [
            "langfuse",
            "langsmith",
            "openai",
        ]


def test_what_the_store_has_already_is_not_added_again(agentalign, store: Path) -> None:
    agentalign("traces", "import", DATA / "openai.jsonl", "--store", store)

    _, said, _ = agentalign("traces", "import", DATA / "openai.jsonl", "--store", store)

    assert rows(said) == [["openai.jsonl", "openai", "1", "0", "5", "0"]]
    with TraceStore.open(store) as kept:
        assert len(kept) == 1


def test_what_cannot_be_read_is_named_and_the_rest_is_kept(
    agentalign, store: Path, tmp_path: Path
) -> None:
    unknown, broken = tmp_path / "letter.txt", tmp_path / "chats.jsonl"
    unknown.write_text("Dear Ada")
    good = json.dumps({"messages": [{"role": "user", "content": "Hi"}]})
    broken.write_text(f'{good}\n{{\n{good[:-1]}, "id": "2"}}\n')

    code, _, err = agentalign("traces", "import", unknown, broken, "--store", store)

    assert code == 1
    assert f"{unknown} has no known format" in err
    assert f"{broken}:2: no JSON" in err
    with TraceStore.open(store) as kept:
        assert len(kept) == 2


def test_the_store_is_in_the_current_folder_by_default(
    agentalign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    code, _, _ = agentalign("traces", "import", DATA / "agentevals.json")

    assert code == 0
    assert (tmp_path / "traces.sqlite").exists()
