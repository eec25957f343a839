"""The data set: the run's store and its exports."""

from agentalign_lc.dataset.export import FORMATS, export_run
from agentalign_lc.dataset.store import RunStore

__all__ = ["FORMATS", "RunStore", "export_run"]
