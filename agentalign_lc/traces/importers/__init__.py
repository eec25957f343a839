"""Importers: traces that other tools have written, read into traces of ours.

One file for each format; `read_traces` tells by itself which one a file has.
"""

from agentalign_lc.traces.importers.form import Form, Piece
from agentalign_lc.traces.importers.read import FORMS, read_traces, recognise

__all__ = ["FORMS", "Form", "Piece", "read_traces", "recognise"]
