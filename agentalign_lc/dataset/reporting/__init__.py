"""Reporting: what a run came to, as a data set card and as a page to look at."""

from agentalign_lc.dataset.reporting.card import write_card
from agentalign_lc.dataset.reporting.report import write_report

__all__ = ["write_card", "write_report"]
