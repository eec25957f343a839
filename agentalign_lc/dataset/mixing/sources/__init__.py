"""Third-party data, one file a format; every reader gives turns and tools."""

from agentalign_lc.dataset.mixing.sources.source import FORMATS, Source, parse_source, read_row
from agentalign_lc.dataset.mixing.sources.turns import RowError

__all__ = ["FORMATS", "RowError", "Source", "parse_source", "read_row"]
