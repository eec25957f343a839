"""Gates: small functions that say pass, fail or unknown, and why; and the order in which they ask."""

from agentalign_lc.quality.compliance import check_compliance, check_prose
from agentalign_lc.quality.contamination import Contamination
from agentalign_lc.quality.coverage import check_coverage
from agentalign_lc.quality.duplicates import Duplicates
from agentalign_lc.quality.execution import check_execution
from agentalign_lc.quality.gate import Check, Evidence, Gate, Kind, examine
from agentalign_lc.quality.gates import DEFAULT_GATES, GATES, build_gates, contamination_gate
from agentalign_lc.quality.goal import check_goal, expected_changes
from agentalign_lc.quality.grounding import check_grounding, profile_sources
from agentalign_lc.quality.injection import check_injection
from agentalign_lc.quality.near_duplicates import NearDuplicates
from agentalign_lc.quality.order import check_order
from agentalign_lc.quality.purity import check_purity, check_willing
from agentalign_lc.quality.schema import check_schema, check_syntax
from agentalign_lc.quality.semantic import check_semantic

__all__ = [
    "DEFAULT_GATES",
    "GATES",
    "Check",
    "Contamination",
    "Duplicates",
    "Evidence",
    "Gate",
    "Kind",
    "NearDuplicates",
    "build_gates",
    "check_compliance",
    "check_coverage",
    "check_execution",
    "check_goal",
    "check_grounding",
    "check_injection",
    "check_order",
    "check_prose",
    "check_purity",
    "check_schema",
    "check_semantic",
    "check_syntax",
    "check_willing",
    "contamination_gate",
    "examine",
    "expected_changes",
    "profile_sources",
]
