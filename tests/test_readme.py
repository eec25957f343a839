"""The README says what is true: its examples are drawn, its commands exist, its Python runs."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agentalign_lc.cli.main import app
from agentalign_lc.synthesis import synthesize

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_ten_examples_are_those_that_the_seed_draws(tmp_path: Path) -> None:
    synthesize(tmp_path / "run", {"scenarios": 120, "seed": 7})

    refresh = runpy.run_path(str(ROOT / "docs" / "refresh.py"))
    assert refresh["quote"](tmp_path / "run") in README, "run `make readme`"


APP = """
from langgraph.graph import START, MessagesState, StateGraph
app = StateGraph(MessagesState).add_node("agent", lambda _: {}).add_edge(START, "agent").compile()
"""


def test_the_python_runs(tmp_path: Path) -> None:
    synthesise, guard, traces = re.findall(r"```python\n(.*?)```", README, re.DOTALL)

    guarded = f'{APP}{guard}app.invoke({{"messages": ["Hello."]}})'
    for code in (synthesise, guarded, f"{APP}agent = app\n{traces}"):
        subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=tmp_path, check=True)

    assert (tmp_path / "runs" / "fraud" / "train.jsonl").stat().st_size > 0


def test_the_first_two_commands_are_synth_and_test() -> None:
    commands = re.findall(r"^\$ (\w+ \w+)", README, re.MULTILINE)

    assert commands[:2] == ["make synth", "make test"]


def test_every_option_named_exists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    names = ("synth", "show", "stats", "export", "mix", "card", "report", "plan", "chains list", "chains check",
             "chains review", "tools import", "tools try", "tools check",
             "guard init", "guard check", "guard fit", "guard eval", "guard verify",
             "traces import", "traces list", "traces show", "traces label", "traces export", "traces propose", "collect serve",
             "eval agent", "eval agentharm", "eval toolsword", "eval guard", "eval report")  # fmt: skip
    shown = "".join(CliRunner().invoke(app, [*name.split(), "--help"]).stdout for name in names)
    scripts = [*(ROOT / "examples").glob("*.py"), *(ROOT / "benchmarks").glob("*.py")]
    shown += "".join(file.read_text(encoding="utf-8") for file in scripts)
    for option in set(re.findall(r"(--[a-z][a-z-]+)", README)):
        assert option in shown, option


def test_it_is_short_enough() -> None:
    assert len(README.splitlines()) < 400
