"""The options that the commands over traces share."""

from collections.abc import Iterator
from typing import Annotated, Literal

import typer

from agentalign_lc.traces.labelling import settled
from agentalign_lc.traces.store import TraceStore
from agentalign_lc.traces.trace import Label, Trace

__all__ = ["LabelOption", "SourceOption", "StoreOption", "labelled"]

StoreOption = Annotated[
    str,
    typer.Option("--store", help="File of SQLite, or postgresql://... (extra postgres)."),
]
LabelOption = Annotated[
    Literal["harmful", "benign", "unknown", "unlabelled"] | None,
    typer.Option("--label", help="Only traces with this label."),
]
SourceOption = Annotated[
    str | None,
    typer.Option("--source", help="Only what this recorder or importer saw, langfuse say."),
]


def labelled(store: TraceStore, source: str | None = None) -> Iterator[tuple[Trace, Label]]:
    """The traces of a store of which somebody knows what they are, each with its label."""
    for trace in store.traces(source=source):
        label = settled(store.labels(trace.id))
        if label is not None:
            yield trace, label
