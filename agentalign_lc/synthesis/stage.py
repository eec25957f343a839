"""Staging: a chain made concrete, from the run's seed and a number alone."""

from collections.abc import Sequence

from agentalign_lc.dataset.splits import Splits
from agentalign_lc.environment.catalog import Catalog
from agentalign_lc.environment.people import draw_person
from agentalign_lc.environment.slots import fill_slots
from agentalign_lc.errors import ConfigError
from agentalign_lc.records import BehaviorChain, ExpectedCall, Scenario
from agentalign_lc.seeds import derive_seed, stream
from agentalign_lc.styles import Pressure
from agentalign_lc.synthesis.delegation import draw_opening
from agentalign_lc.synthesis.offer import draw_distractors, draw_style, draw_twist
from agentalign_lc.taxonomy import Library

__all__ = ["choose_chains", "stage_scenario"]


def choose_chains(
    categories: Sequence[str], library: Library, catalog: Catalog, *, spoken: bool = True
) -> tuple[BehaviorChain, ...]:
    """The chains of a run: those of its categories, and with own tools those that use one.

    Args:
        categories: Categories or subcategories; empty for all.
        library: The chains.
        catalog: The tools.
        spoken: Whether the author needs phrasings, as the embedded one does.

    Raises:
        ConfigError: a category is unknown, or no chain is left.
    """
    chains = library.within(categories)
    if spoken:
        chains = tuple(chain for chain in chains if library.scripts[chain.name].spoken)
        if not chains:
            raise ConfigError(
                "these chains have readings and no phrasings, so a model must word them: give --model"
            )
    if not catalog.own:
        return chains
    served = tuple(
        chain
        for chain in chains
        if any(
            catalog.own.intersection(library.candidates(chain, position, catalog))
            for position in range(len(chain.steps))
        )
    )
    if not served:
        raise ConfigError(_unserved(chains, catalog))
    return served


def _unserved(chains: Sequence[BehaviorChain], catalog: Catalog) -> str:
    having = sorted({catalog.tools[name].capability for name in catalog.own})
    wanted = sorted({step.capability for chain in chains for step in chain.steps})
    return (
        f"no chain has a step for your tools, whose capabilities are {', '.join(having)}: "
        f"edit `capability` and `field` in the suite so that a tool serves one of {', '.join(wanted)}"
    )


def stage_scenario(  # noqa: PLR0913 - each of them decides something of the scenario
    index: int,
    seed: int,
    chains: Sequence[BehaviorChain],
    library: Library,
    catalog: Catalog,
    *,
    number: int | None = None,
    pressure: float = 0.0,
    splits: Splits = Splits(),  # noqa: B008 - frozen
) -> Scenario:
    """Make the scenario with this number in the run with this seed.

    Chains take turns: every round goes through all of them in a new order, so
    that a run of any size uses each equally often.

    Args:
        index: Position in the run, from 0.
        seed: The run's seed.
        chains: The chains of the run.
        library: Where their slots are.
        catalog: Where their tools are.
        number: Position among the scenarios that these chains are for, if that is another.
        pressure: Share of scenarios whose requests come under pressure.
        splits: Which tools the chain's scenarios may offer.

    Example:
        >>> from agentalign_lc.environment.catalog import load_catalog
        >>> from agentalign_lc.taxonomy import load_library
        >>> catalog = load_catalog()
        >>> library = load_library(catalog)
        >>> scenario = stage_scenario(3, 7, tuple(library), library, catalog)
        >>> scenario == stage_scenario(3, 7, tuple(library), library, catalog)
        True
    """
    turn, position = divmod(index if number is None else number, len(chains))
    order = list(range(len(chains)))
    stream(seed, "round", turn).shuffle(order)
    chain = chains[order[position]]
    own = derive_seed(seed, "scenario", index)
    random = stream(own, "stage")
    user = draw_person(random)
    script = library.scripts[chain.name]
    filled = fill_slots(script.all_slots(), user, random, own)
    barred = splits.barred(chain)
    tools = tuple(
        random.choice(_preferred(library.candidates(chain, position, catalog), chain, splits))
        for position in range(len(chain.steps))
    )
    distractors = draw_distractors(chain, tools, catalog, random, barred)
    strangers = tuple(draw_person(random) for _ in range(random.randint(2, 4)))
    style = draw_style(pressure, stream(own, "style"), conversation=script.converses)
    opening: tuple[ExpectedCall, ...] = ()
    if style.pressure is Pressure.DELEGATION:
        taken = f"{filled.values} {filled.fixtures}"
        opening = draw_opening(catalog, barred, taken, stream(own, "opening"))
    offered = (*tools, *distractors, *(call.tool for call in opening))
    twist, brought = draw_twist(chain, tools, offered, catalog, stream(own, "twist"), barred)
    if opening and twist is not None and twist.kind == "injection":
        twist, brought = None, ()  # nobody could say which of the two notes is the user's
    return Scenario(
        index=index,
        seed=own,
        # Where in the rotation of phrasings a run starts is its own; then they take turns.
        ordinal=turn + stream(seed, "phrasing", chain.name).randrange(1000),
        chain=chain,
        tools=tools,
        distractors=tuple(sorted({*distractors, *brought})),
        user=user,
        contacts=tuple(sorted((*filled.contacts, *strangers), key=lambda p: (p.last, p.first))),
        slots=filled.values,
        fixtures=filled.fixtures,
        twist=twist,
        style=style,
        opening=opening,
    )


def _preferred(candidates: Sequence[str], chain: BehaviorChain, splits: Splits) -> tuple[str, ...]:
    """The tools that may take a step: held-out ones where they are tested, others elsewhere."""
    held_out = tuple(name for name in candidates if name in splits.tools)
    others = tuple(name for name in candidates if name not in splits.tools)
    return (held_out or others) if splits.of(chain) == "test_tools" else others
