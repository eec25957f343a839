"""``agentalign traces import``: put traces that other tools wrote into a store."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from agentalign_lc.cli.problems import Problems
from agentalign_lc.cli.traces_store import open_store
from agentalign_lc.errors import AgentAlignError, StoreError
from agentalign_lc.traces.assembly import trajectories
from agentalign_lc.traces.importers import read_traces
from agentalign_lc.traces.redaction import REDACTIONS, Redactor
from agentalign_lc.traces.trace import Trace

if TYPE_CHECKING:
    from agentalign_lc.traces.store import TraceStore

__all__ = ["import_traces"]

_AT_ONCE = 100


def import_traces(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Files of any known format, packed (.gz) or not."),
    ],
    store: Annotated[
        str, typer.Option(help="File of SQLite, or postgresql://... (extra postgres).")
    ] = "traces.sqlite",
    redact: Annotated[
        bool,
        typer.Option(
            "--redact/--no-redact", help="Hide keys, mails, card and phone numbers before writing."
        ),
    ] = True,
) -> None:
    """Import traces of LangSmith, Langfuse, OpenTelemetry, Inspect, agentevals or OpenAI messages.

    The content of a file tells its format. What cannot be read is named, the rest
    is kept; traces that the store has already are not added again. Secrets and
    personal data are hidden before anything is written.
    """
    table = Table(title=f"Imported into {store}", title_justify="left")
    for heading in ("file", "format", "traces", "new", "messages", "problems"):
        right = heading not in ("file", "format")
        table.add_column(heading, justify="right" if right else "left", overflow="fold")
    failed = False
    redactor = Redactor(REDACTIONS if redact else ())
    with open_store(store, create=True) as kept:
        for file in files:
            with Problems() as problems:
                reading = _Counted(file, problems, redactor)
                new, failure = _append(reading, kept)
            if failure:
                typer.echo(failure, err=True)
            failed = failed or bool(failure)
            cells = (file.name, reading.form or "-", reading.count, new, reading.messages)
            table.add_row(*map(escape, map(str, cells)), str(problems.count + bool(failure)))
    Console().print(table)
    if failed:
        raise typer.Exit(1)


class _Counted:
    """The traces of a file, counted on their way."""

    def __init__(self, file: Path, problems: Problems, redactor: Redactor) -> None:
        self.file = file
        self._redactor = redactor
        self.count = self.messages = 0
        self._problems = problems
        self._forms: dict[str, None] = {}

    @property
    def form(self) -> str:
        """The formats that were found."""
        return ", ".join(self._forms)

    def __iter__(self) -> Iterator[Trace]:
        for trace in read_traces(self.file, self._problems.say):
            self._forms[trace.source] = None
            self.count += 1
            self.messages += sum(len(run.messages) for run in trajectories(trace))
            yield self._redactor(trace)


def _append(reading: _Counted, store: "TraceStore") -> tuple[int, str]:
    """How many traces were new, and why the file could not be read further."""
    new = 0
    try:
        traces = iter(reading)
        while some := tuple(islice(traces, _AT_ONCE)):
            new += store.append(some)
    except StoreError:
        raise
    except AgentAlignError as error:
        return new, str(error)
    return new, ""
