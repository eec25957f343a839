"""``agentalign traces``: what live apps did, imported, looked at, labelled, exported."""

import typer

from agentalign_lc.cli.traces_import import import_traces

__all__ = ["traces"]

traces = typer.Typer(
    name="traces", help="Traces: what live apps did, as data.", no_args_is_help=True
)
traces.command("import")(import_traces)
