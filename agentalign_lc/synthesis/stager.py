"""The stager: which scenario a number of a run stands for, and the split that it belongs to."""

from functools import cache

from agentalign_lc.dataset.splits import Splits, plan_splits
from agentalign_lc.records import Scenario, Split
from agentalign_lc.roles import needs_phrasings
from agentalign_lc.synthesis.stage import choose_chains, stage_scenario
from agentalign_lc.synthesis.studio import Studio

__all__ = ["Stager"]


class Stager:
    """Makes the scenarios of a studio's runs; the same number and seed give the same scenario.

    Raises:
        ConfigError: a category is unknown, or no chain is left.
    """

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._chains = choose_chains(
            studio.categories,
            studio.library,
            studio.catalog,
            spoken=needs_phrasings(studio.roles.author),
        )
        self._everyday = tuple(studio.library.everyday.values())
        self._splits = cache(self._planned)

    def stage(self, index: int, seed: int, everyday: int | None = None) -> tuple[Scenario, Split]:
        """Make a scenario.

        Args:
            index: Position in the run, from 0.
            seed: The run's seed.
            everyday: For an everyday request, its number among them, from 0.
        """
        splits = self._splits(seed)
        scenario = stage_scenario(
            index,
            seed,
            self._chains if everyday is None else self._everyday,
            self._studio.library,
            self._studio.catalog,
            number=everyday,
            pressure=self._studio.pressure,
            splits=splits,
        )
        return scenario, splits.of(scenario.chain)

    def _planned(self, seed: int) -> Splits:
        studio = self._studio
        return plan_splits(
            self._chains, self._everyday, studio.library, studio.catalog, seed, studio.held_out
        )
