"""Fixtures of the traces' tests: stores in SQLite, and in a Postgres that is started for them."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentalign_lc.traces.store import TraceStore


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Start Postgres on a socket of its own, and return the URL of its database."""
    pytest.importorskip("psycopg", reason="needs the extra [postgres]")
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    found = shutil.which("pg_ctl") or (programs and programs[-1] / "pg_ctl")
    if not found:
        pytest.skip("Postgres is not installed: apt-get install postgresql")
    home = Path(tempfile.mkdtemp(prefix="agentalign-pg-"))
    as_user = {}
    if os.geteuid() == 0:  # as whom Postgres refuses to run
        as_user = {"user": "postgres", "group": "postgres", "extra_groups": []}
        shutil.chown(home, "postgres", "postgres")

    def run(program: str, *arguments: str) -> None:
        command = [Path(found).with_name(program), "-D", home / "data", *arguments]
        subprocess.run(command, check=True, cwd=home, stdout=subprocess.DEVNULL, **as_user)

    run(
        "initdb",
        "--username=postgres",
        "--auth=trust",
        "--encoding=UTF8",
        "--no-sync",
        "--no-instructions",
    )
    run("pg_ctl", "-w", "-l", f"{home}/log", "-o", f"-k {home} -h '' -F", "start")
    try:
        yield f"postgresql://postgres@/postgres?host={home}"
    finally:
        run("pg_ctl", "-m", "immediate", "stop")
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres: str) -> str:
    """The URL of a database without tables."""
    import psycopg  # noqa: PLC0415 - of an extra

    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    return postgres


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.xdist_group("postgres"))])  # fmt: skip
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a store may be made, in each database."""
    if request.param == "sqlite":
        return str(tmp_path / "traces.sqlite")
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def store(place: str) -> Iterator[TraceStore]:
    """An empty store, in each database."""
    with TraceStore.open(place) as opened:
        yield opened
