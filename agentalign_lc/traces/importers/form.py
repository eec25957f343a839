"""The form of a file: how it is known, taken apart, and made into traces."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agentalign_lc.traces.trace import Trace

__all__ = ["Form", "Piece"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a trace as it stands in a file; the pieces of a trace need not stand together."""

    value: Mapping[str, Any]
    """Any JSON object."""
    id: str = ""
    trace: str | None = None
    """Id of the trace; None if only the parent tells."""
    parent: str | None = None
    alone: bool = False
    """Whether it is a trace by itself, which need not wait for others."""


@dataclass(frozen=True, slots=True)
class Form:
    """One format that traces come in.

    Example:
        >>> from agentalign_lc.traces.importers.langsmith import LANGSMITH
        >>> LANGSMITH.fits({"id": "1", "run_type": "llm", "inputs": {}})
        True
    """

    name: str
    """What a trace's ``source`` says."""
    title: str
    """What a person reads."""
    fits: Callable[[object], bool]
    """Whether a JSON value is of this form; quick."""
    pieces: Callable[[object], Iterator[Piece | str]]
    """Takes a value apart; a text is a reason why something could not be read."""
    trace: Callable[[str, Sequence[Mapping[str, Any]]], Trace]
    """Makes a trace, with this id, of all pieces that belong to it."""
