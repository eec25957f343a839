"""``agentalign guard init``: a policy for an app that is there."""

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from agentalign_lc.cli.guard_init import init
from agentalign_lc.errors import ConfigError
from agentalign_lc.guard.policy.policy import Policy
from agentalign_lc.guard.view import GuardedTool
from agentalign_lc.records import Effect

APPS = "tests.guard.ways.guarded_apps"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "120")
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(init)

    def call(*arguments: object) -> str:
        result = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
        assert result.exit_code == 0
        return result.output

    return call


@pytest.mark.parametrize("attribute", ["agent", "make_graph_later"])
def test_it_writes_a_policy_that_names_every_tool(run, tmp_path: Path, attribute: str) -> None:
    out = tmp_path / "deep" / "policy.yaml"

    said = run(f"{APPS}:{attribute}", "--out", out)

    assert "communication.send_email" in said
    assert f"2 tools in {out}" in said
    policy = Policy.load(out)
    assert policy.described(GuardedTool("send_email")).effect is Effect.TRANSMIT
    assert policy.described(GuardedTool("execute_command")).effect is Effect.EXECUTE
    assert policy.rules == Policy().rules
    assert "# recipients:" in out.read_text()


def test_a_graph_by_hand_and_a_file(run, tmp_path: Path) -> None:
    file = Path(__file__).parents[1] / "guard" / "ways" / "guarded_apps.py"
    out = tmp_path / "policy.yaml"

    run(f"{file}:by_hand", "--out", out)

    text = out.read_text()
    # Nobody knows what frobnicate does: until a person says so, it is taken for the worst.
    assert "No capability fits well enough" in text
    assert "# frobnicate: {effect: write}" in text
    assert Policy.load(out).described(GuardedTool("frobnicate")).effect is None
    assert set(Policy.load(out).tools) == {
        "execute_command",
        "frobnicate",
        "web_search",
        "create_payment",
    }


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (f"{APPS}:nobody", "has no attribute 'nobody'"),
        ("no.such.module:graph", "no module 'no"),
        ("nowhere.py:graph", "no such file"),
        ("graph", "write module:attribute"),
        (f"{APPS}:EMPTY", "has no tools that can be found"),
        (f"{APPS}:broken", "RuntimeError: no key; mend the module"),
    ],
)
def test_errors_are_one_line(run, tmp_path: Path, source: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        run(source, "--out", tmp_path / "policy.yaml")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "policy.yaml").exists()


def test_a_file_that_is_there_is_kept(run, tmp_path: Path) -> None:
    out = tmp_path / "policy.yaml"
    out.write_text("version: 1")
    with pytest.raises(ConfigError, match="exists already"):
        run(f"{APPS}:TOOLS", "--out", out)
    assert out.read_text() == "version: 1"
    run(f"{APPS}:TOOLS", "--out", out, "--force")
    assert "send_email" in out.read_text()
