"""``guard verify`` as a person uses it."""

from pathlib import Path

import pytest
import typer
from langgraph.store.sqlite import SqliteStore
from typer.testing import CliRunner

from agentalign_lc.cli.guard_verify import verify
from agentalign_lc.errors import ConfigError, StoreError
from agentalign_lc.guard.audit.ledger import Ledger
from agentalign_lc.guard.audit.store_ledger import NAMESPACE, StoreLedger

app = typer.Typer()
app.command()(verify)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    ledger = Ledger(tmp_path / "log.jsonl")
    for n in range(3):
        ledger.append({"what": n})
    return tmp_path / "log.jsonl"


def test_an_intact_log_is_said_with_its_last_hash(log: Path) -> None:
    result = CliRunner().invoke(app, [str(log)])

    assert result.exit_code == 0
    assert "intact, 3 lines, last hash " in result.output
    noted = result.output.split()[-1]
    assert CliRunner().invoke(app, [str(log), "--hash", noted]).exit_code == 0


def test_the_first_wrong_line_is_named(log: Path) -> None:
    log.write_text(log.read_text().replace('"what":1', '"what":7'))

    result = CliRunner().invoke(app, [str(log)])

    assert result.exit_code == 1
    assert f"{log}:2: line 2 was changed" in result.output
    assert "1 line before it" in result.output


def test_a_hash_that_is_not_there_is_an_error(log: Path) -> None:
    result = CliRunner().invoke(app, [str(log), "--hash", "0" * 64])

    assert result.exit_code == 1
    assert "lines are gone" in result.output


def test_a_log_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [str(tmp_path / "none.jsonl")])

    assert isinstance(result.exception, StoreError)
    assert "cannot be read" in str(result.exception)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    file = tmp_path / "store.db"
    with SqliteStore.from_conn_string(str(file)) as store:
        for n in range(3):
            StoreLedger(store).append({"what": n})
    return file


def test_the_file_of_a_store_is_verified(database: Path) -> None:
    result = CliRunner().invoke(app, [str(database)])

    assert result.exit_code == 0
    assert "intact, 3 lines, last hash " in result.output


def test_an_entry_that_is_gone_from_a_store_is_named(database: Path) -> None:
    with SqliteStore.from_conn_string(str(database)) as store:
        store.delete(NAMESPACE, f"{2:015d}")

    result = CliRunner().invoke(app, [str(database)])

    assert result.exit_code == 1
    assert f"{database}:2: 1 line is gone" in result.output


def test_a_namespace_that_is_not_there_is_one_line(database: Path) -> None:
    result = CliRunner().invoke(app, [str(database), "--namespace", "other.place"])

    assert isinstance(result.exception, ConfigError)
    assert "no audit under other.place" in str(result.exception)


def test_a_broken_database_is_one_line(database: Path) -> None:
    database.write_bytes(database.read_bytes()[:3000])

    result = CliRunner().invoke(app, [str(database)])

    assert isinstance(result.exception, StoreError)
    assert "cannot be read" in str(result.exception)
