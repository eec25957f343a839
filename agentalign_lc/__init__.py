"""Agent-safety training data from behavior chains, for and with LangGraph.

Names load where they are first used, so that the import itself stays light.

Example:
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import agentalign_lc
    >>> with TemporaryDirectory() as folder:
    ...     agentalign_lc.synthesize(Path(folder, "run"), {"scenarios": 1}).planned
    3
"""

from typing import TYPE_CHECKING

from agentalign_lc.lazy import lazily

if TYPE_CHECKING:
    from agentalign_lc.dataset.export import export_run
    from agentalign_lc.dataset.store import RunStore
    from agentalign_lc.environment.catalog import Catalog, load_catalog
    from agentalign_lc.errors import AgentAlignError
    from agentalign_lc.quality.gate import Evidence, Gate
    from agentalign_lc.records import (
        Example,
        Instruction,
        Intent,
        Outcome,
        Scenario,
        Trajectory,
        Verdict,
    )
    from agentalign_lc.roles.base import Roles
    from agentalign_lc.roles.embedded import embedded_roles
    from agentalign_lc.roles.prompted import ask_many, prompted_roles
    from agentalign_lc.synthesis.estimate import estimate
    from agentalign_lc.synthesis.graph import build_graph
    from agentalign_lc.synthesis.planning import build_planner_graph
    from agentalign_lc.synthesis.resources import Resources
    from agentalign_lc.synthesis.runner import Summary, synthesize
    from agentalign_lc.synthesis.studio import Studio
    from agentalign_lc.taxonomy.library import Library, load_library

__all__ = [
    "AgentAlignError",
    "Catalog",
    "Evidence",
    "Example",
    "Gate",
    "Instruction",
    "Intent",
    "Library",
    "Outcome",
    "Resources",
    "Roles",
    "RunStore",
    "Scenario",
    "Studio",
    "Summary",
    "Trajectory",
    "Verdict",
    "ask_many",
    "build_graph",
    "build_planner_graph",
    "embedded_roles",
    "estimate",
    "export_run",
    "load_catalog",
    "load_library",
    "prompted_roles",
    "synthesize",
]

_HOMES = {
    "AgentAlignError": "errors",
    "Catalog": "environment.catalog",
    "Evidence": "quality.gate",
    "Example": "records",
    "Gate": "quality.gate",
    "Instruction": "records",
    "Intent": "records",
    "Library": "taxonomy.library",
    "Outcome": "records",
    "Resources": "synthesis.resources",
    "Roles": "roles.base",
    "RunStore": "dataset.store",
    "Scenario": "records",
    "Studio": "synthesis.studio",
    "Summary": "synthesis.runner",
    "Trajectory": "records",
    "Verdict": "records",
    "ask_many": "roles.prompted",
    "build_graph": "synthesis.graph",
    "build_planner_graph": "synthesis.planning",
    "embedded_roles": "roles.embedded",
    "estimate": "synthesis.estimate",
    "export_run": "dataset.export",
    "load_catalog": "environment.catalog",
    "load_library": "taxonomy.library",
    "prompted_roles": "roles.prompted",
    "synthesize": "synthesis.runner",
}

__getattr__ = lazily(__name__, _HOMES)
