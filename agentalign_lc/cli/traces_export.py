"""``agentalign traces export | propose``: labelled traces as training data, and new chains."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentalign_lc.cli.export import say_exported
from agentalign_lc.cli.traces_store import (
    SourceOption,
    StoreOption,
    check_some,
    labelled,
    open_store,
)
from agentalign_lc.dataset import FORMATS, export_conversations
from agentalign_lc.dataset.files import whole
from agentalign_lc.environment.catalog import load_catalog
from agentalign_lc.errors import ConfigError
from agentalign_lc.records import BehaviorChain
from agentalign_lc.taxonomy import append_chains, find_kind, load_library
from agentalign_lc.traces.export.agentevals import agentevals_row
from agentalign_lc.traces.export.otel import otel_row
from agentalign_lc.traces.harvesting import harvest
from agentalign_lc.traces.labelling import settled
from agentalign_lc.traces.trace import Label, Trace
from agentalign_lc.traces.wild import propose_chains

if TYPE_CHECKING:
    from agentalign_lc.traces.store import TraceStore

__all__ = ["export_traces", "propose"]

_AS_TRACES: Mapping[str, Callable[[Trace, Label | None], dict[str, Any]]] = {
    "agentevals": agentevals_row,
    "otel": otel_row,
}
"""Formats that take every trace, labelled or not."""
_NO_LABEL = "no trace in {} has a label that counts: run `agentalign traces label`"
_NAMES = sorted([*FORMATS, *_AS_TRACES])


def export_traces(
    out: Annotated[Path, typer.Option(help="File to write, or a folder with a file a split.")],
    format_: Annotated[str, typer.Option("--format", help=f"One of: {', '.join(_NAMES)}.")] = "trl",
    store: StoreOption = "traces.sqlite",
    source: SourceOption = None,
    split: Annotated[
        str | None, typer.Option(help="train, dev, test or all; agentevals and otel have none.")
    ] = None,
) -> None:
    """Write labelled traces for a trainer, or all of them as agentevals or OpenTelemetry."""
    if format_ not in _NAMES:
        raise ConfigError(f"unknown format {format_!r}; the formats are {', '.join(_NAMES)}")
    if split is not None and format_ in _AS_TRACES:
        raise ConfigError(f"{format_} holds whole traces and has no splits: leave out --split")
    with open_store(store) as opened:
        check_some(opened, source)
        if format_ in _AS_TRACES:
            count = _write(opened, source, out, _AS_TRACES[format_])
            typer.echo(f"{_counted(count, 'trace')} in {out}")
            return
        known = sum(1 for _ in labelled(opened, source))
        if not known:
            raise ConfigError(_NO_LABEL.format(opened.place))
        made = harvest(labelled(opened, source))
        done = export_conversations(made, format_, out, split)
    say_exported(done, out)
    unused = known - done.rows - done.without_row - sum(done.left_out.values())
    if unused > 0 and format_ not in ("guard", "mistral"):  # these give several rows a trace
        typer.echo(
            f"{_counted(unused, 'labelled trace')} without an example: unanswered, or not begun "
            "by a user"
        )


def propose(
    out: Annotated[Path, typer.Option(help="File for the proposals; it is added to.")],
    store: StoreOption = "traces.sqlite",
    source: SourceOption = None,
    subcategory: Annotated[
        str | None, typer.Option(help="Kind of harm, for traces whose label names none.")
    ] = None,
) -> None:
    """Propose a chain for each harmful trace whose steps no chain has; review them afterwards."""
    if subcategory is not None:
        find_kind(subcategory)
    catalog = load_catalog()
    library = load_library(catalog)
    with open_store(store) as opened:
        check_some(opened, source)
        if not any(True for _ in labelled(opened, source)):
            raise ConfigError(_NO_LABEL.format(opened.place))
        harmful = [pair for pair in labelled(opened, source) if pair[1].label == "harmful"]
        found = list(propose_chains(harmful, library, catalog, subcategory))
    places = _proposals(out, found)
    for place, chains in places.items():
        append_chains(place, chains)
        typer.echo(f"{_counted(len(chains), 'proposal')} in {place}")
    new = f"{len(found)} with steps that no chain has"
    typer.echo(f"{_counted(len(harmful), 'harmful trace')}, {new}")
    without = sum(not label.category for _, label in harmful)
    if without and subcategory is None:
        typer.echo(f"{without} of them without a kind of harm: name one with --subcategory")
    for place in places:
        typer.echo(f"next: agentalign chains review {place} --out my_chains.yaml")


def _proposals(out: Path, found: Sequence[BehaviorChain]) -> dict[Path, list[BehaviorChain]]:
    """Where proposals go: a file holds chains of one category."""
    kinds = sorted({chain.category for chain in found})
    alone = len(kinds) == 1
    return {
        out if alone else out.with_name(f"{out.stem}.{kind}{out.suffix}"): [
            chain for chain in found if chain.category == kind
        ]
        for kind in kinds
    }


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _write(
    store: "TraceStore",
    source: str | None,
    out: Path,
    row: Callable[[Trace, Label | None], dict[str, Any]],
) -> int:
    count = 0
    with whole(out) as place, place.open("w", encoding="utf-8") as file:
        for trace in store.traces(source=source):
            line = json.dumps(row(trace, settled(store.labels(trace.id))), ensure_ascii=False)
            file.write(line.encode("utf-8", "replace").decode() + "\n")
            count += 1
    return count
