"""Synthesis: the scenario graph, and the runner that works through many scenarios."""

from agentalign_lc.synthesis.config import RunConfig
from agentalign_lc.synthesis.graph import build_graph
from agentalign_lc.synthesis.runner import Summary, synthesize
from agentalign_lc.synthesis.stage import stage_scenario
from agentalign_lc.synthesis.studio import Studio

__all__ = ["RunConfig", "Studio", "Summary", "build_graph", "stage_scenario", "synthesize"]
