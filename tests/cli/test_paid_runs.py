"""``synth`` with models that cost money: what it says before, during and after."""

import dataclasses
import json
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from agentalign_lc.synthesis import Studio
from tests.openai_server import LoopbackModel

SEED = 11
PRICES = '"team-*": {input: 1000, output: 2000}\n'
RUN = ("--scenarios", 2, "--seed", SEED, "--pressure", 0)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[object, ...]:
    """Options that name a file of models and one of prices; no key is set anywhere."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    (tmp_path / "prices.yaml").write_text(PRICES)
    return ("--models", tmp_path / "models.yaml", "--prices", tmp_path / "prices.yaml")


def name_models(files: tuple[object, ...], url: str) -> None:
    entry = {"model": "openai:loopback", "base_url": url}
    text = json.dumps({"team-writer": entry, "judge": entry})
    Path(str(files[1])).write_text(text)


def test_a_dry_run_asks_nobody_and_writes_nothing(agentalign, files, tmp_path: Path) -> None:
    name_models(files, "http://127.0.0.1:9/v1")
    before = sorted(tmp_path.iterdir())

    code, out, err = agentalign(
        "synth", "--out", tmp_path / "run", *RUN, *files, "--model", "team-writer",
        "--judge", "judge", "--dry-run",
    )  # fmt: skip

    assert (code, err) == (0, "")
    calls = {role: _cells(out, role)[2] for role in ("author", "actor", "refuser", "judge", "all")}
    assert calls["author"] == "6"
    assert int(calls["all"]) == sum(int(calls[role]) for role in calls if role != "all")
    assert _cells(out, "author")[1] == "team-writer"
    assert _cells(out, "author")[5].startswith("$")
    assert _cells(out, "judge")[5] == "no price"
    assert "Counted: 2 of 2 scenarios." in out
    assert 'give --prices FILE to see the cost, such as "judge": {input:' in out
    assert sorted(tmp_path.iterdir()) == before


def test_a_dry_run_says_that_a_budget_will_not_do(agentalign, files, tmp_path: Path) -> None:
    name_models(files, "http://127.0.0.1:9/v1")

    _, out, _ = agentalign(
        "synth", "--out", tmp_path / "run", *RUN, *files, "--model", "team-writer", "--dry-run",
        "--max-cost", 1,
    )  # fmt: skip

    assert "--max-cost $1.00 will stop the run before its end" in out


def test_a_dry_run_of_the_embedded_writers(agentalign, tmp_path: Path) -> None:
    _, out, _ = agentalign("synth", "--out", tmp_path / "run", *RUN, "--dry-run")

    assert "ask no model: nothing to pay" in out
    assert not (tmp_path / "run").exists()


def test_a_run_ends_with_what_was_spent(
    agentalign, files, tmp_path: Path, httpserver: HTTPServer, studio: Studio
) -> None:
    model = LoopbackModel(httpserver, dataclasses.replace(studio, pressure=0.0), SEED)
    name_models(files, model.plan(2))

    code, out, err = agentalign(
        "synth", "--out", tmp_path / "run", *RUN, *files, "--model", "team-writer",
        "--judge", "judge",
    )  # fmt: skip

    assert code == 0
    assert "planned 6 = kept 6 + rejected 0 + failed 0" in out
    calls = sum(count for role, count in model.asked.items() if role != "judge")
    # The server says that every call has 10 tokens in and 5 out.
    cost = f"${0.02 * calls:.2f}"
    spent = [str(calls), "0", "", str(10 * calls), str(5 * calls), cost]
    assert _cells(out, "team-writer")[1:] == spent
    assert _cells(out, "judge")[6] == "", "no price, no cost"
    assert f"{cost} so far" in err


def _cells(out: str, start: str) -> list[str]:
    """The cells of the table's row that starts so."""
    line = next(line for line in out.splitlines() if line.startswith(f"│ {start}"))
    return [cell.strip() for cell in line.split("│")[1:-1]]
