"""Fixtures that most tests share: the shipped tools and chains, and the embedded writers."""

import os
import sys
from collections import Counter, defaultdict

# Tests must not trace to a server, whatever the developer's shell says.
os.environ["LANGSMITH_TRACING"] = "false"
os.environ["LANGCHAIN_TRACING_V2"] = "false"

import pytest

from agentalign_lc.cli.main import main
from agentalign_lc.environment.catalog import Catalog, load_catalog
from agentalign_lc.records import Scenario
from agentalign_lc.roles.embedded import embedded_roles
from agentalign_lc.synthesis.stage import stage_scenario
from agentalign_lc.synthesis.studio import Studio
from agentalign_lc.taxonomy import Library, load_library


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture(scope="session")
def library(catalog: Catalog) -> Library:
    return load_library(catalog)


@pytest.fixture(scope="session")
def studio(catalog: Catalog, library: Library) -> Studio:
    return Studio(embedded_roles(library, catalog), catalog, library)


@pytest.fixture
def scenario(catalog: Catalog, library: Library) -> Scenario:
    """The first scenario of the run with seed 7."""
    return stage_scenario(0, 7, tuple(library), library, catalog)


@pytest.fixture
def agentalign(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """Run the command in this process: exit code, stdout, stderr."""
    monkeypatch.setenv("COLUMNS", "100")

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["agentalign", *map(str, arguments)])
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        else:
            code = 0
        out, err = capsys.readouterr()
        return code, out, err

    return run


_TABLE = pytest.StashKey[dict[str, Counter[str]]]()


def add_to_table(config, counted: dict[str, dict[str, int]]) -> None:
    """Count what each tool answered to valid and invalid arguments, for the end of the tests."""
    table = config.stash.setdefault(_TABLE, defaultdict(Counter))
    for tool, counts in counted.items():
        table[tool].update(counts)


_FIGURES = pytest.StashKey[Counter[str]]()


@pytest.fixture
def figures(pytestconfig) -> Counter[str]:
    """Counts to be printed at the end of the tests, by what was counted."""
    return pytestconfig.stash.setdefault(_FIGURES, Counter())


def pytest_sessionfinish(session) -> None:
    """Hand over what this process of pytest-xdist has counted."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["figures"] = dict(session.config.stash.get(_FIGURES, {}))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error) -> None:
    """Take over what a process of pytest-xdist has counted."""
    output = getattr(node, "workeroutput", {})
    add_to_table(node.config, output.get("tool_table", {}))
    node.config.stash.setdefault(_FIGURES, Counter()).update(output.get("figures", {}))


def pytest_terminal_summary(terminalreporter, config) -> None:
    """Print what was counted, and the table of tool and result."""
    for what, count in sorted(config.stash.get(_FIGURES, {}).items()):
        terminalreporter.write_line(f"{what}: {count:,}")
    table = config.stash.get(_TABLE, {})
    if not table:
        return
    line = "{:<34}{:>7}{:>10}{:>8}{:>9}"
    terminalreporter.section(
        "tools: valid calls, answered, errors; invalid calls, all refused by field"
    )
    terminalreporter.write_line(line.format("tool", "valid", "answered", "errors", "refused"))
    for tool, counts in sorted(table.items()):
        valid, answered = counts["valid"], counts["answered"]
        terminalreporter.write_line(
            line.format(tool, valid, answered, valid - answered, counts["refused"])
        )
