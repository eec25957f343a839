"""From a source to training data: import, check, synthesise, export."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agentalign_lc.dataset import RunStore, export_run
from agentalign_lc.environment.catalog import Catalog, load_catalog
from agentalign_lc.environment.imports import read_tools, suite_text, weigh_tools
from agentalign_lc.environment.mistakes import find_mistakes
from agentalign_lc.quality.schema import check_schema
from agentalign_lc.synthesis import synthesize


@pytest.fixture
def imported(tmp_path: Path) -> Callable[..., tuple[Path, Catalog]]:
    """Import a source: the suite's file, and the catalogue with it."""

    def run(source: str | None = None, **options: Any) -> tuple[Path, Catalog]:
        shipped = load_catalog()
        file = tmp_path / "mine.yaml"
        tools = weigh_tools(read_tools(source, **options), shipped)
        file.write_text(suite_text("mine", source or "a server", tools, shipped))
        assert find_mistakes([file]) == (len(tools), [])
        return file, load_catalog(own=[file])

    return run


@pytest.fixture
def rows(tmp_path: Path) -> Callable[[Path, int], list[dict[str, Any]]]:
    """Synthesise with a suite, and export: everything is kept, every call is valid."""

    def run(suite: Path, scenarios: int) -> list[dict[str, Any]]:
        folder = tmp_path / "run"
        summary = synthesize(folder, {"scenarios": scenarios, "tools": (str(suite),)})
        catalog = load_catalog(own=[suite])
        with RunStore.read(folder) as store:
            assert [r.reason for r in store.results() if r.example is None] == []
            for result in store.results():
                assert set(result.example.scenario.tools) & catalog.own
                calls = [(c["name"], c["args"]) for c, _ in result.example.response.calls]
                assert check_schema(calls, catalog.tools).passed
            export_run(store, "trl", folder / "train.jsonl")
        assert summary.kept == summary.planned == 3 * scenarios
        return [json.loads(line) for line in (folder / "train.jsonl").read_text().splitlines()]

    return run


@pytest.fixture
def called() -> Callable[[list[dict[str, Any]]], set[str]]:
    """The names of the tools that some rows call."""

    def names(rows: list[dict[str, Any]]) -> set[str]:
        return {
            call["function"]["name"]
            for row in rows
            for message in row["messages"]
            for call in message.get("tool_calls", ())
        }

    return names
