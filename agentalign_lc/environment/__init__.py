"""The simulated world: suites, the catalogue, the world and its devices."""

from agentalign_lc.environment.catalog import Catalog, load_catalog, tools_folder
from agentalign_lc.environment.faults import ToolFault
from agentalign_lc.environment.simulate import compile_tool, run_tool, tool_schema
from agentalign_lc.environment.world import World

__all__ = [
    "Catalog",
    "ToolFault",
    "World",
    "compile_tool",
    "load_catalog",
    "run_tool",
    "tool_schema",
    "tools_folder",
]
