"""``agentalign traces export | propose``: labelled traces as training data, and new chains."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from agentalign_lc.cli.export import say_exported
from agentalign_lc.cli.traces_store import SourceOption, StoreOption, labelled
from agentalign_lc.dataset import FORMATS, export_conversations
from agentalign_lc.dataset.files import whole
from agentalign_lc.environment.catalog import load_catalog
from agentalign_lc.errors import ConfigError
from agentalign_lc.taxonomy import append_chains, load_library
from agentalign_lc.traces.export.agentevals import agentevals_row
from agentalign_lc.traces.export.otel import otel_row
from agentalign_lc.traces.harvesting import harvest
from agentalign_lc.traces.labelling import settled
from agentalign_lc.traces.store import TraceStore
from agentalign_lc.traces.trace import Label, Trace
from agentalign_lc.traces.wild import propose_chains

__all__ = ["export_traces", "propose"]

_AS_TRACES: Mapping[str, Callable[[Trace, Label | None], dict[str, Any]]] = {
    "agentevals": agentevals_row,
    "otel": otel_row,
}
"""Formats that take every trace, labelled or not."""
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
    with TraceStore.open(store, create=False) as opened:
        if format_ in _AS_TRACES:
            typer.echo(f"{_write(opened, source, out, _AS_TRACES[format_])} traces in {out}")
            return
        if format_ not in FORMATS:
            raise ConfigError(f"unknown format {format_!r}; the formats are {', '.join(_NAMES)}")
        known = sum(1 for _ in labelled(opened, source))
        if not known:
            raise ConfigError(f"no trace in {store} has a label: run `agentalign traces label`")
        made = harvest(labelled(opened, source))
        done = export_conversations(made, format_, out, split)
    say_exported(done, out)
    unused = known - done.rows - done.without_row - sum(done.left_out.values())
    if unused > 0 and format_ not in ("guard", "mistral"):  # these give several rows a trace
        typer.echo(f"{unused} labelled traces give no example: unanswered, or not begun by a user")


def propose(
    out: Annotated[Path, typer.Option(help="File for the proposals; it is added to.")],
    store: StoreOption = "traces.sqlite",
    source: SourceOption = None,
    subcategory: Annotated[
        str | None, typer.Option(help="Kind of harm, for traces whose label names none.")
    ] = None,
) -> None:
    """Propose a chain for each harmful trace whose steps no chain has; review them afterwards."""
    catalog = load_catalog()
    library = load_library(catalog)
    with TraceStore.open(store, create=False) as opened:
        harmful = [pair for pair in labelled(opened, source) if pair[1].label == "harmful"]
        found = list(propose_chains(harmful, library, catalog, subcategory))
    kinds = sorted({chain.category for chain in found})
    if len(kinds) > 1:
        for kind in kinds:
            named = out.with_name(f"{out.stem}.{kind}{out.suffix}")
            append_chains(named, [chain for chain in found if chain.category == kind])
            typer.echo(f"{sum(c.category == kind for c in found)} proposals in {named}")
    elif found:
        append_chains(out, found)
        typer.echo(f"{len(found)} proposals in {out}")
    typer.echo(
        f"{len(harmful)} harmful traces, {len(found)} with new steps"
        + ("; next: agentalign chains review FILE --out my_chains.yaml" if found else "")
    )
    if not subcategory and any(not label.category for _, label in harmful):
        without = sum(not label.category for _, label in harmful)
        typer.echo(f"{without} name no kind of harm: give --subcategory to propose theirs, too")


def _write(
    store: TraceStore,
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
