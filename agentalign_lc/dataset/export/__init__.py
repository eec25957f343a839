"""Exports, one file per trainer; rows stream from conversations to files."""

from agentalign_lc.dataset.export.formats import FORMATS, Format
from agentalign_lc.dataset.export.writing import Exported, export_conversations, export_run

__all__ = ["FORMATS", "Exported", "Format", "export_conversations", "export_run"]
