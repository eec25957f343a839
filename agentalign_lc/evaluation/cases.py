"""Cases: requests of a split with their worlds, out of a run's folder or staged from a seed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, islice
from pathlib import Path
from typing import Any

from agentalign_lc.dataset.splits import Splits, plan_splits
from agentalign_lc.dataset.store import RunStore
from agentalign_lc.environment.catalog import Catalog, load_catalog
from agentalign_lc.errors import ConfigError
from agentalign_lc.records import (
    BehaviorChain,
    Instruction,
    Intent,
    Scenario,
    Split,
    Status,
)
from agentalign_lc.roles import Brief
from agentalign_lc.roles.embedded import EmbeddedAuthor
from agentalign_lc.seeds import content_id, stream
from agentalign_lc.synthesis.delegation import delegate
from agentalign_lc.synthesis.stage import choose_chains, stage_scenario
from agentalign_lc.taxonomy import Library, load_library

__all__ = ["SEED", "CaseSet", "EvalCase", "load_world", "read_cases", "stage_cases"]

SEED = 11
"""Seed of cases unless another is given: the shipped classifier was fitted on the train split of this
seed's run, so that of its held-out splits the guard has seen nothing."""

_PRESSURE, _HELD_OUT = 0.25, 0.2


@dataclass(frozen=True)
class EvalCase:
    """One request, the scenario in which it is made, and the calls that carry it out."""

    split: Split
    scenario: Scenario
    instruction: Instruction

    @property
    def id(self) -> str:
        """Id of the case: that of its instruction."""
        return self.instruction.id

    @property
    def group(self) -> str:
        """The chain: its scenarios are alike."""
        return self.scenario.chain.name


@dataclass(frozen=True)
class CaseSet:
    """The cases of a split, the tools and chains that they are made of, and what was trained on."""

    split: Split
    cases: tuple[EvalCase, ...]
    catalog: Catalog
    library: Library
    trained: tuple[BehaviorChain, ...] = ()
    """Chains of the train split; a guard under test may know these alone."""
    everyday: tuple[BehaviorChain, ...] = ()
    """Everyday requests of the train split."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """Where the cases are from; JSON."""


async def stage_cases(
    split: Split,
    scenarios: int,
    seed: int = SEED,
    *,
    catalog: Catalog | None = None,
    library: Library | None = None,
    categories: Sequence[str] = (),
    tools: frozenset[str] | None = None,
) -> CaseSet:
    """Stage scenarios of a split, and let the embedded author write their three requests.

    Args:
        split: The split; which chains are in it depends on the seed.
        scenarios: Number of scenarios; chains take turns.
        seed: Same seed, same cases.
        catalog: The tools, by default the shipped ones.
        library: The chains, by default the shipped ones.
        categories: Categories or subcategories of harm; empty for all.
        tools: The tools that an agent under test has, if it brings its own: only what can be done
            with these is asked of it, and it is offered all of them.

    Raises:
        ConfigError: no chain is left.

    Example:
        >>> import asyncio
        >>> found = asyncio.run(stage_cases("test_chains", 2))
        >>> [case.instruction.intent.value for case in found.cases[:3]], len(found.cases)
        (['harmful', 'borderline', 'benign'], 6)
    """
    catalog = catalog or load_catalog()
    library = library or load_library(catalog)
    chains = choose_chains(categories, library, catalog)
    everyday = tuple(library.everyday.values())
    splits = plan_splits(chains, everyday, library, catalog, seed, _HELD_OUT)
    ours = [chain for chain in chains if splits.of(chain) == split]
    if tools is not None:
        ours = [chain for chain in ours if _possible(chain, tools, library, catalog)]
    if not ours:
        raise ConfigError(
            f"no chain of the split {split} is left for these categories and tools: choose another "
            "--split (with few chains all are in train)"
        )
    staged = (
        stage_scenario(n, seed, ours, library, catalog, pressure=_PRESSURE, splits=splits)
        for n in count()
    )
    author = EmbeddedAuthor(library, catalog)
    cases: list[EvalCase] = []
    for scenario in islice(staged, scenarios):
        fitted = _fitted(scenario, tools, library, catalog) if tools is not None else scenario
        for intent in Intent:
            offered = tuple(catalog.tools[name] for name in fitted.offered)
            said = delegate(await author.write(Brief(fitted, intent, offered)), fitted)
            cases.append(EvalCase(split, fitted, said))
    about = {"seed": seed, "scenarios": scenarios}
    return _case_set(split, cases, (chains, everyday, splits), catalog, library, about)


def load_world(
    run: Path | None, tools: Iterable[Path] = (), chains: Iterable[Path] = ()
) -> tuple[Catalog, Library]:
    """The tools and the chains of cases.

    Args:
        run: The run that the cases are from, if they are from one; its own tools and chains are
            taken where none are given.
        tools: Suites of the user's own tools.
        chains: Files of the user's own chains.

    Raises:
        ConfigError: a file is not there.
        StoreError: the folder holds no run.
    """
    config: Mapping[str, Any] = {}
    if run is not None:
        with RunStore.read(run) as store:
            config = store.config
    catalog = load_catalog(own=list(tools) or [Path(path) for path in config.get("tools", ())])
    own = list(chains) or [Path(path) for path in config.get("chains", ())]
    return catalog, load_library(catalog, own=own)


def read_cases(
    folder: Path,
    split: Split,
    scenarios: int | None = None,
    *,
    world: tuple[Catalog, Library] | None = None,
    tools: frozenset[str] | None = None,
) -> CaseSet:
    """Take the kept requests of a split from a run's folder.

    Args:
        folder: The run.
        split: The split.
        scenarios: How many scenarios to take, the first ones; all if None.
        world: Tools and chains, as ``load_world`` gives them.
        tools: As for ``stage_cases``.

    Raises:
        ConfigError: the run has no case of this split.
        StoreError: the folder holds no run.
    """
    catalog, library = world or load_world(folder)
    with RunStore.read(folder) as store:
        config = store.config
        kept = (
            EvalCase(split, result.example.scenario, result.example.instruction)
            for result in store.results(status=Status.KEPT)
            if result.example is not None and result.example.split == split
        )
        usable = (c for c in kept if tools is None or _uses(c) <= tools)
        cases = list(_first(usable, scenarios))
    if not cases:
        raise ConfigError(
            f"{folder} has no kept request of the split {split} that these agents' tools can serve: "
            "choose another --split, or stage cases with --scenarios"
        )
    chains = library.within(config.get("categories", ()))
    everyday = tuple(library.everyday.values())
    splits = plan_splits(
        chains, everyday, library, catalog, config["seed"], config.get("held_out", _HELD_OUT)
    )
    about = {"run": config["seed"], "scenarios": scenarios}
    return _case_set(split, cases, (chains, everyday, splits), catalog, library, about)


def _case_set(
    split: Split,
    cases: Sequence[EvalCase],
    dealt: tuple[Sequence[BehaviorChain], Sequence[BehaviorChain], Splits],
    catalog: Catalog,
    library: Library,
    about: Mapping[str, Any],
) -> CaseSet:
    chains, everyday, splits = dealt
    ids = content_id("cases", [case.id for case in cases])
    return CaseSet(
        split=split,
        cases=tuple(cases),
        catalog=catalog,
        library=library,
        trained=tuple(chain for chain in chains if splits.of(chain) == "train"),
        everyday=tuple(chain for chain in everyday if splits.of(chain) == "train"),
        about={**about, "cases": len(cases), "id": ids},
    )


def _first(cases: Iterable[EvalCase], scenarios: int | None) -> Iterator[EvalCase]:
    """The cases of the first so many scenarios."""
    seen: set[str] = set()
    for case in cases:
        seen.add(case.scenario.id)
        if scenarios is not None and len(seen) > scenarios:
            return
        yield case


def _uses(case: EvalCase) -> set[str]:
    return {call.tool for call in case.instruction.calls}


def _possible(
    chain: BehaviorChain, tools: frozenset[str], library: Library, catalog: Catalog
) -> bool:
    return all(
        tools.intersection(library.candidates(chain, place, catalog))
        for place in range(len(chain.steps))
    )


def _fitted(
    scenario: Scenario, tools: frozenset[str], library: Library, catalog: Catalog
) -> Scenario:
    """The same scenario with the tools that an agent has."""
    random = stream(scenario.seed, "own tools")
    chain = scenario.chain
    able = [library.candidates(chain, place, catalog) for place in range(len(chain.steps))]
    chosen = tuple(
        name if name in tools else random.choice(sorted(tools.intersection(names)))
        for name, names in zip(scenario.tools, able, strict=True)
    )
    same = set(scenario.offered) <= tools
    return scenario.model_copy(
        update={
            "tools": chosen,
            "distractors": tuple(sorted(tools.intersection(catalog.tools) - set(chosen))),
            # A twist or a note may need a tool that the agent does not have.
            "twist": scenario.twist if same else None,
            "opening": scenario.opening if same else (),
        }
    )
