"""``agentalign traces``: what live apps did, imported, looked at, labelled, exported."""

import typer

from agentalign_lc.cli.traces_export import export_traces, propose
from agentalign_lc.cli.traces_import import import_traces
from agentalign_lc.cli.traces_label import label_traces
from agentalign_lc.cli.traces_show import list_traces, show_trace

__all__ = ["traces"]

traces = typer.Typer(
    name="traces", help="Traces: what live apps did, as data.", no_args_is_help=True
)
traces.command("import")(import_traces)
traces.command("list")(list_traces)
traces.command("show")(show_trace)
traces.command("label")(label_traces)
traces.command("export")(export_traces)
traces.command("propose")(propose)
