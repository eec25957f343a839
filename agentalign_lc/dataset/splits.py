"""Splits that measure generalisation: by chain, with tools and with sequences never trained on."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from agentalign_lc.environment.catalog import Catalog
from agentalign_lc.records import BehaviorChain, Split
from agentalign_lc.seeds import stream
from agentalign_lc.taxonomy import Library

__all__ = ["HELD_OUT", "Splits", "audit_splits", "plan_splits"]

HELD_OUT: tuple[Split, ...] = ("dev", "test", "test_tools", "test_chains")
_FEWEST = 10
"""Chains from which on anything is held out."""
_TOOLS = 0.1
"""Share of the tools that training never sees."""


@dataclass(frozen=True)
class Splits:
    """Which chain is in which split, and which tools are for ``test_tools`` alone."""

    chains: Mapping[str, Split] = field(default_factory=dict)
    """By name; a chain that is not here is trained on."""
    tools: frozenset[str] = frozenset()

    def of(self, chain: BehaviorChain) -> Split:
        """The split of a chain, and so of every scenario made from it."""
        return self.chains.get(chain.name, "train")

    def barred(self, chain: BehaviorChain) -> frozenset[str]:
        """The tools that a scenario of a chain must not even offer."""
        return frozenset() if self.of(chain) == "test_tools" else self.tools


def plan_splits(
    chains: Sequence[BehaviorChain],
    everyday: Sequence[BehaviorChain],
    library: Library,
    catalog: Catalog,
    seed: int,
    share: float = 0.2,
) -> Splits:
    """Deal the chains of a run into splits.

    A chain is in one split, with all its scenarios and all their requests. Of
    those held out a quarter each go to

    - ``dev`` and ``test``: other chains, of the same kind as those trained on;
    - ``test_tools``: chains with a step that a held-out tool can take. No other
      split offers such a tool, not even as a distractor;
    - ``test_chains``: chains whose sequence of capabilities no chain of another
      split has, everyday requests included.

    After the test sets of ToolLLM (arXiv 2307.16789): unseen instructions,
    tools and categories are measured apart. With fewer than ten chains all are
    trained on.

    Args:
        chains: The chains of the run.
        everyday: Its everyday requests.
        library: Where their steps' arguments are.
        catalog: The tools.
        seed: The run's seed.
        share: Share of the chains that is held out, 0 for none.
    """
    if not share or len(chains) < _FEWEST:
        return Splits()
    each = max(1, round(share * len(chains) / len(HELD_OUT)))
    served = {chain.name: _served(chain, library, catalog) for chain in (*chains, *everyday)}
    tools = _held_out_tools(served.values(), seed)
    order = list(chains)
    stream(seed, "splits").shuffle(order)
    split: dict[str, Split] = {}
    usable = [c for c in order if any(tools & set(step) for step in served[c.name])]
    split |= dict.fromkeys((c.name for c in usable[:each]), "test_tools")
    split |= dict.fromkeys(_unseen_sequences(order, split, each), "test_chains")
    rest = [chain.name for chain in order if chain.name not in split]
    split |= dict.fromkeys(rest[:each], "dev")
    split |= dict.fromkeys(rest[each : 2 * each], "test")
    unseen = {chain.capabilities for chain in chains if split.get(chain.name) == "test_chains"}
    return Splits(split | _everyday(everyday, unseen, share, seed), tools)


def _served(
    chain: BehaviorChain, library: Library, catalog: Catalog
) -> tuple[tuple[str, ...], ...]:
    return tuple(library.candidates(chain, n, catalog) for n in range(len(chain.steps)))


def _held_out_tools(steps: Iterable[Sequence[tuple[str, ...]]], seed: int) -> frozenset[str]:
    """Tools without which every step that they can take can still be taken."""
    options = {candidates for chain in steps for candidates in chain}
    by_tool: dict[str, list[set[str]]] = defaultdict(list)
    for candidates in sorted(options):
        left = set(candidates)  # shared by its tools, so that it knows which are gone
        for tool in candidates:
            by_tool[tool].append(left)
    order = sorted(by_tool)
    stream(seed, "held-out tools").shuffle(order)
    wanted = round(_TOOLS * len(order))
    chosen: set[str] = set()
    for tool in order:
        if len(chosen) < wanted and all(len(left) > 1 for left in by_tool[tool]):
            chosen.add(tool)
            for left in by_tool[tool]:
                left.discard(tool)
    return frozenset(chosen)


def _unseen_sequences(
    order: Sequence[BehaviorChain], taken: Mapping[str, Split], count: int
) -> list[str]:
    """Chains, so many, whose sequences no other chain is left with."""
    alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for chain in order:
        alike[chain.capabilities].append(chain.name)
    found: list[str] = []
    for sequence, names in alike.items():
        # A single step is no sequence: it says nothing about the order of things.
        fits = len(sequence) > 1 and len(found) + len(names) <= count
        if fits and not any(name in taken for name in names):
            found += names
    return found


def _everyday(
    everyday: Sequence[BehaviorChain], unseen: set[tuple[str, ...]], share: float, seed: int
) -> dict[str, Split]:
    order = [chain for chain in everyday if chain.capabilities not in unseen]
    stream(seed, "everyday splits").shuffle(order)
    each = round(share * len(order) / 2)
    return {
        **{c.name: "test_chains" for c in everyday if c.capabilities in unseen},
        **{c.name: "dev" for c in order[:each]},
        **{c.name: "test" for c in order[each : 2 * each]},
    }


def audit_splits(rows: Iterable[Mapping[str, object]]) -> list[str]:
    """Look for what must not be in two splits, over the kept examples of a run.

    Args:
        rows: Examples as plain JSON (``RunStore.kept``).

    Returns:
        One line for each leak; none if the splits hold.
    """
    seen: dict[str, dict[object, frozenset[str]]] = defaultdict(dict)
    joined = cache(lambda some, split: some | {split})  # a few sets, shared by all that is seen
    offered: dict[str, set[str]] = defaultdict(set)
    tested: list[tuple[object, set[str]]] = []
    sequences: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for row in rows:
        split = str(row["split"])
        scenario, instruction = dict(row["scenario"]), dict(row["instruction"])  # type: ignore[call-overload]
        note = instruction.get("note") or {}
        places = {
            "example": row["id"],
            "scenario": scenario["id"],
            "chain": scenario["chain"]["name"],
            "request": (instruction["text"], note.get("text")),
        }
        for kind, value in places.items():
            seen[kind][value] = joined(seen[kind].get(value, frozenset()), split)
        sequences[split].add(tuple(s["capability"] for s in scenario["chain"]["steps"]))
        tools = {*scenario["tools"], *scenario["distractors"]}
        tools |= {call["tool"] for call in scenario["opening"]}
        offered[split] |= tools
        if split == "test_tools":
            tested.append((row["id"], set(scenario["tools"])))
    leaks = [
        f"{kind} {value!s:.80} is in {', '.join(sorted(splits))}"
        for kind, values in seen.items()
        for value, splits in values.items()
        if len(splits) > 1
    ]
    others = {
        name for split, names in sequences.items() if split != "test_chains" for name in names
    }
    leaks += [
        f"sequence {' → '.join(sequence)} of test_chains is in another split"
        for sequence in sorted(sequences["test_chains"] & others)
    ]
    return leaks + [
        f"{name} of test_tools uses no tool that train does not offer"
        for name, tools in tested
        if tools <= offered["train"]
    ]
