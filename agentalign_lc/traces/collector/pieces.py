"""Pieces of runs: a run is posted when it starts, patched when it ends, in either order."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from agentalign_lc.traces.body import LONGEST_TEXT
from agentalign_lc.traces.importers.langsmith_runs import trace_of
from agentalign_lc.traces.trace import Trace

__all__ = ["Piece", "piece", "redacted"]

_LONGEST = LONGEST_TEXT - 100
"""Characters of one text that are kept; with the note, the store need not cut it again."""
_DEEPEST = 100
_LONGEST_ID = 200
_TOLD = ("inputs", "outputs", "error", "events", "extra", "serialized")
"""What the app itself said; the rest are ids, names and times."""
_WANTED = (
    *("id", "trace_id", "parent_run_id", "dotted_order", "name", "run_type", "session_name"),
    *("start_time", "end_time", "tags", "inputs", "outputs", "error", "events", "extra"),
)
"""What becomes a part of a trace; ``serialized`` is the app's code, and repeats the schemas."""


@dataclass(frozen=True)
class Piece:
    """What one post or patch says of a run."""

    id: str
    trace: str
    """Id of its trace; empty if it does not say."""
    patch: bool
    run: Mapping[str, Any]


def piece(run: object, *, patch: bool, id: str = "") -> Piece:
    """Read a piece, leave out what nobody asks for, cut what is too long or too deep.

    Args:
        run: A JSON object.
        patch: Whether it changes a run that was posted before.
        id: Of the run, where the object does not name it.

    Raises:
        ValueError: it is no run, or has no id.

    Example:
        >>> piece({"id": "1", "outputs": {"a": 2}, "manifest_id": None}, patch=True).run
        {'id': '1', 'outputs': {'a': 2}}
    """
    if not isinstance(run, Mapping):
        raise ValueError("a run is a JSON object")  # noqa: TRY004 - whose fault it is
    named = run.get("id") or id
    if not isinstance(named, str) or not 0 < len(named) <= _LONGEST_ID:
        raise ValueError("a run has an id, a text of at most 200 characters")
    kept = {name: _fitted(value) for name, value in _wanted(run).items()}
    if "parent_run_id" in run and run["parent_run_id"] is None:
        kept["parent_run_id"] = None  # which tells a root
    kept["id"] = named = str(_fitted(named))
    return Piece(named, trace_of(kept)[:_LONGEST_ID], patch, kept)


def redacted(piece: Piece, redact: Callable[[Trace], Trace]) -> Piece:
    """Redact what the app said, by a function that redacts a trace's attributes."""
    told = {name: piece.run[name] for name in _TOLD if name in piece.run}
    # Not validated: it was JSON a moment ago, and large.
    carrier = Trace.model_construct(
        id=piece.trace or piece.id,
        source="collector",
        name="",
        thread="",
        spans=(),
        attributes=told,
    )
    return Piece(piece.id, piece.trace, piece.patch, {**piece.run, **redact(carrier).attributes})


def _wanted(run: Mapping[str, Any]) -> dict[str, Any]:
    wanted = {name: run[name] for name in _WANTED if run.get(name) is not None}
    if run.get("run_type") == "chain" and run.get("parent_run_id"):
        # Each node's state repeats the one before: by far the most of what is posted.
        wanted.pop("inputs", None)
        outputs = wanted.pop("outputs", None)
        if isinstance(outputs, Mapping) and outputs.get("__interrupt__"):
            wanted["outputs"] = {"__interrupt__": True}
    return wanted


def _fitted(value: Any, depth: int = 0) -> Any:  # noqa: ANN401 - any JSON value
    """The same value with no text too long for a store, and none that is no Unicode."""
    if isinstance(value, str):
        if len(value) > _LONGEST:
            value = f"{value[:_LONGEST]}[cut: {len(value):,} characters]"
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, dict | list) and depth >= _DEEPEST:
        return "[deeper]"
    if isinstance(value, dict):
        return {_fitted(key): _fitted(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_fitted(item, depth + 1) for item in value]
    # Python refuses to print more digits than some thousands.
    return hex(value) if isinstance(value, int) and value.bit_length() > 1000 else value
