"""All that the scenario graph works with."""

from collections.abc import Sequence
from dataclasses import dataclass

from agentalign_lc.environment.catalog import Catalog
from agentalign_lc.environment.spec import ToolSpec
from agentalign_lc.quality import DEFAULT_GATES, Gate, build_gates
from agentalign_lc.records import Scenario
from agentalign_lc.roles import Roles
from agentalign_lc.synthesis.config import RunConfig
from agentalign_lc.taxonomy import Library

__all__ = ["Studio"]


@dataclass(frozen=True)
class Studio:
    """All that the graph works with: who writes, in which world, about what.

    Args:
        roles: Who writes.
        catalog: The tools.
        library: The chains' language.
        categories: Categories or subcategories to draw chains from; empty for all.
        max_turns: How often an agent may call tools before it is stopped.
        max_tries: How often an instruction may be written before it is rejected.
        pressure: Share of scenarios whose requests come under pressure.
        gates: What instructions and responses must pass, in this order.
        rejected: Whether each example gets a response that a model should not give beside it.
        held_out: Share of the chains that is not trained on (``dataset.plan_splits``).
    """

    roles: Roles
    catalog: Catalog
    library: Library
    categories: tuple[str, ...] = ()
    max_turns: int = 12
    max_tries: int = 3
    pressure: float = 0.25
    gates: tuple[Gate, ...] = build_gates(DEFAULT_GATES)
    rejected: bool = True
    held_out: float = 0.2

    @classmethod
    def of(
        cls,
        config: RunConfig,
        roles: Roles,
        catalog: Catalog,
        library: Library,
        gates: Sequence[Gate] = (),
    ) -> "Studio":
        """The studio of a run.

        Args:
            config: The run's configuration.
            roles: Who writes.
            catalog: The tools.
            library: The chains' language.
            gates: Gates besides the shipped ones; the configuration may name them.

        Raises:
            ConfigError: there is no gate of a name.
        """
        return cls(
            roles=roles,
            catalog=catalog,
            library=library,
            categories=config.categories,
            max_turns=config.max_turns,
            max_tries=config.max_tries,
            pressure=config.pressure,
            gates=build_gates(config.gates, gates),
            rejected=config.rejected,
            held_out=config.held_out,
        )

    def tools(self, scenario: Scenario) -> dict[str, ToolSpec]:
        """The tools that a scenario offers, by name."""
        return {name: self.catalog.tools[name] for name in scenario.offered}
