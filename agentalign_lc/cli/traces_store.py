"""What the commands over traces share: options, the store, which label counts."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from agentalign_lc.errors import ConfigError
from agentalign_lc.traces.labelling import settled
from agentalign_lc.traces.trace import Label, Trace

if TYPE_CHECKING:
    from agentalign_lc.traces.store import TraceStore

__all__ = ["LabelOption", "SourceOption", "StoreOption", "check_some", "labelled", "open_store"]

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


def open_store(place: str, *, create: bool = False) -> "TraceStore":
    """Open a store that is there; with ``create`` make it if it is not."""
    # Not at the top: the database's library is heavy, and other commands do without it.
    from agentalign_lc.traces.store import TraceStore  # noqa: PLC0415

    return TraceStore.open(place, create=create)


def check_some(store: "TraceStore", source: str | None = None) -> None:
    """Refuse a store that has no trace, or none of a source.

    Raises:
        ConfigError: it has none.
    """
    if next(store.traces(source=source, limit=1), None) is None:
        of = f" of source {source!r}; `agentalign traces list` shows the sources" if source else ""
        raise ConfigError(f"{store.place} has no trace{of or ' yet'}")


def labelled(store: "TraceStore", source: str | None = None) -> Iterator[tuple[Trace, Label]]:
    """The traces of a store of which somebody knows what they are, each with its label."""
    for trace in store.traces(source=source):
        label = settled(store.labels(trace.id))
        if label is not None:
            yield trace, label
