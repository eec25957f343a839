"""``agentalign guard verify``: whether an audit log is as it was written."""

from pathlib import Path
from typing import Annotated

import typer

from agentalign_lc.guard.audit.ledger import verify as verify_ledger

__all__ = ["verify"]


def verify(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Audit log of a guard, or a SqliteStore's file.")
    ],
    noted: Annotated[
        str | None,
        typer.Option(
            "--hash", help="A last hash that was noted down elsewhere; some line must have it."
        ),
    ] = None,
    namespace: Annotated[
        str, typer.Option(help="In a SqliteStore: where the audit is, parts joined by dots.")
    ] = "agentalign.audit",
) -> None:
    """Check the chain of hashes of an audit log; name the first line that is wrong."""
    # A log in a file must not wait for LangGraph.
    from agentalign_lc.guard.audit.store_ledger import is_sqlite, verify_sqlite  # noqa: PLC0415

    if is_sqlite(file):
        found = verify_sqlite(file, namespace.split("."), noted)
    else:
        found = verify_ledger(file, noted)
    if not found.intact:
        typer.echo(f"{file}:{found.line}: {found.problem}", err=True)
        lines = "1 line" if found.entries == 1 else f"{found.entries:,} lines"
        typer.echo(f"as written: {lines} before it", err=True)
        raise typer.Exit(1)
    typer.echo(f"{file}: intact, {found.entries:,} lines, last hash {found.end}")
