"""LangSmith's runs: exported one a line, listed by its API, or as the SDK sends them in batches."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agentalign_lc.traces.chat.values import mapping
from agentalign_lc.traces.importers.form import Form, Piece
from agentalign_lc.traces.importers.langsmith_runs import (
    Run,
    joined,
    parent_of,
    read_trace,
    trace_of,
)
from agentalign_lc.traces.trace import Trace

__all__ = ["LANGSMITH"]

_BATCHES = ("post", "patch")
_RUN = {
    "run_type",
    "dotted_order",
    "trace_id",
    "parent_run_id",
    "session_name",
    "end_time",
    "outputs",
}


def _fits(value: object) -> bool:
    if not isinstance(value, Mapping):
        return isinstance(value, list) and any(_is_run(one) for one in value[:20])
    if any(isinstance(value.get(name), list) for name in _BATCHES):
        return any(_is_run(one) for name in _BATCHES for one in value.get(name) or ())
    if isinstance(value.get("runs"), list):
        return any(_is_run(one) for one in value["runs"][:20])
    return _is_run(value)


def _is_run(value: object) -> bool:
    if not isinstance(value, Mapping) or not isinstance(value.get("id"), str):
        return False
    if isinstance(value.get("run_type"), str):
        return "inputs" in value or "start_time" in value
    return isinstance(value.get("dotted_order"), str) and len(_RUN & value.keys()) > 1


def _pieces(value: object) -> Iterator[Piece | str]:
    if isinstance(value, list):
        runs = value
    else:
        whole = mapping(value)
        listed = [
            whole.get(name) for name in (*_BATCHES, "runs") if isinstance(whole.get(name), list)
        ]
        runs = [one for several in listed for one in several or ()] if listed else [whole]
    for run in runs:
        yield from _run(run)


def _run(run: object) -> Iterator[Piece | str]:
    if not isinstance(run, Mapping) or not isinstance(run.get("id"), str):
        yield "a run without an id"
        return
    fields = {name: one for name, one in run.items() if name != "child_runs"}
    trace = trace_of(run)
    yield Piece(fields, id=run["id"], trace=trace or None, parent=parent_of(run))
    for child in run.get("child_runs") or ():
        if isinstance(child, Mapping):
            yield from _run({"parent_run_id": run["id"], "trace_id": trace, **child})


def _trace(id: str, pieces: Sequence[Run]) -> Trace:
    runs: dict[str, dict[str, Any]] = {}
    for piece in pieces:
        runs[piece["id"]] = joined(runs.get(piece["id"], {}), piece)
    return read_trace([{**run, "trace_id": id} for run in runs.values()], strict=True)


LANGSMITH = Form("langsmith", "LangSmith runs", _fits, _pieces, _trace)
"""Runs of LangSmith."""
