"""The tools of a trace, as the guard knows tools; schemas that nobody can read are passed over."""

from agentalign_lc.environment.catalog import Catalog
from agentalign_lc.errors import ConfigError
from agentalign_lc.guard.capabilities import map_tools
from agentalign_lc.guard.view import GuardedTool
from agentalign_lc.records import Trajectory

__all__ = ["trace_tools"]


def trace_tools(run: Trajectory, catalog: Catalog) -> dict[str, GuardedTool]:
    """Say of every tool of a run which capability it serves, by its name.

    Example:
        >>> from agentalign_lc.environment import load_catalog
        >>> run = Trajectory(messages=(), tools=({}, {"name": "frobnicate", "parameters": {}}))
        >>> list(trace_tools(run, load_catalog()))
        ['frobnicate']
    """
    found: dict[str, GuardedTool] = {}
    for tool in run.tools:
        try:
            found |= map_tools([tool], catalog)
        except ConfigError:
            continue  # what an app offered its model is as it is
    return found
