"""A real MCP server, over stdio and over streamable HTTP, becomes a suite."""

import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentalign_lc.environment.imports import read_tools
from agentalign_lc.errors import ConfigError
from agentalign_lc.records import Effect

SERVER = Path(__file__).with_name("office_server.py")
COMMAND = shlex.join([sys.executable, str(SERVER)])
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server on loopback; it has written its URL when it accepts connections."""
    command = [sys.executable, str(SERVER), "http"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        yield child.stdout.readline().strip()
        child.terminate()


def test_over_stdio_to_training_data(imported, rows, called) -> None:
    file, catalog = imported(mcp_command=COMMAND)

    assert {name: catalog.tools[name].capability for name in catalog.own} == {
        "slackMessage": "communication.send_instant_message",
        "read_document": "system_tools.manage_files",
        "write_document": "system_tools.manage_files",
        "archive": "mine.archive",
    }
    assert catalog.capabilities["mine.archive"].effect is Effect.READ, "by its annotation"
    assert called(rows(file, 24)) >= catalog.own - {"archive"}


def test_over_http_it_is_the_same(url: str) -> None:
    assert read_tools(url) == read_tools(None, COMMAND)


def test_over_http_to_training_data(imported, rows, called, url: str) -> None:
    file, _ = imported(url)

    assert "slackMessage" in called(rows(file, 6))


def test_a_recursive_output_schema_ends(url: str) -> None:
    archive = next(tool for tool in read_tools(url) if tool.name == "archive")

    assert "recursively (Node)" in str(archive.output)


@pytest.mark.parametrize(
    ("source", "command", "line"),
    [
        ("http://127.0.0.1:9/mcp", None, "http://127.0.0.1:9/mcp gave no tools"),
        (None, "no-such-command-at-all", "no-such-command-at-all gave no tools"),
        (None, f"{sys.executable} -c pass", "gave no tools"),
        (None, "", "--mcp-command is empty"),
    ],
)
def test_a_server_that_does_not_answer(source, command, line: str) -> None:
    with pytest.raises(ConfigError, match=line) as caught:
        read_tools(source, command)
    assert len(str(caught.value).splitlines()) == 1
