"""One way to run the command."""

import sys

import pytest

from agentalign_lc.cli.main import main


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
