"""Gates: small functions that say pass, fail or unknown, and why."""

from agentalign_lc.quality.contamination import Contamination
from agentalign_lc.quality.coverage import check_coverage
from agentalign_lc.quality.duplicates import Duplicates
from agentalign_lc.quality.execution import check_execution
from agentalign_lc.quality.grounding import check_grounding, profile_sources
from agentalign_lc.quality.injection import check_injection
from agentalign_lc.quality.purity import check_purity, check_willing
from agentalign_lc.quality.schema import check_schema, check_syntax

__all__ = [
    "Contamination",
    "Duplicates",
    "check_coverage",
    "check_execution",
    "check_grounding",
    "check_injection",
    "check_purity",
    "check_schema",
    "check_syntax",
    "check_willing",
    "profile_sources",
]
