"""The size of the matrix, for the end of the tests."""

import pytest

_CELLS = pytest.StashKey[int]()


def pytest_collection_modifyitems(config, items) -> None:
    """Count the cells that were collected."""
    cells = [i for i in items if "cell" in getattr(getattr(i, "callspec", None), "params", {})]
    config.stash[_CELLS] = len(cells)


def pytest_terminal_summary(terminalreporter, config) -> None:
    """Print how many cells the matrix has."""
    if count := config.stash.get(_CELLS, 0):
        terminalreporter.write_line(f"guard: {count} cells of the matrix")
