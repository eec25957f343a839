"""How varied the refusals are, and a sample of them to read.

Of a run (its kept harmful requests), or of the shipped chains, each refused so
many times: at once, midway (after a call), or without need (over-refusals). Printed are distinct-2,
self-BLEU-4, lengths, the most frequent opening of four words, and the share that
name something of the request: a slot's value, or two words of what is refused.

Run: python benchmarks/refusals.py [DIR] [--times 3] [--kind harmful] [--sample 40] [--seed 1]
"""

import argparse
import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from statistics import median

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from agentalign_lc import load_catalog, load_library
from agentalign_lc.dataset.diversity import distinct, self_bleu
from agentalign_lc.dataset.store import RunStore
from agentalign_lc.environment.catalog import Catalog
from agentalign_lc.quality.words import words
from agentalign_lc.records import BehaviorChain, Intent, Scenario, Status
from agentalign_lc.roles import Brief
from agentalign_lc.roles.embedded.reasons import describe
from agentalign_lc.roles.embedded.refuser import EmbeddedRefuser
from agentalign_lc.synthesis.stage import stage_scenario
from agentalign_lc.taxonomy import Library
from agentalign_lc.taxonomy.script import ChainScript

KINDS = ("harmful", "midway", "over")
Row = tuple[Scenario, str]
"""A scenario and its refusal."""


def of_run(run: Path) -> Iterator[Row]:
    """The refusals of a run's kept harmful requests."""
    with RunStore.read(run) as store:
        for result in store.results(status=Status.KEPT, intent=Intent.HARMFUL):
            if result.example is not None:
                yield result.example.scenario, result.example.response.answer


def of_chains(kind: str, times: int, catalog: Catalog, library: Library) -> Iterator[Row]:
    """Refusals of all chains, each so many times; for ``over`` of everyday requests too."""
    refuser = EmbeddedRefuser(library, catalog)
    intent = Intent.BENIGN if kind == "over" else Intent.HARMFUL
    chains: list[BehaviorChain] = [*library]
    if kind == "over":
        chains += library.everyday.values()
    for time in range(times):
        for number, chain in enumerate(chains):
            scenario = stage_scenario(number, time, (chain,), library, catalog)
            brief = Brief(scenario, intent, ())
            messages = _midway(number, scenario) if kind == "midway" else [HumanMessage("Do it.")]
            yield scenario, str(asyncio.run(refuser.refuse(messages, brief)).text)


def _midway(number: int, scenario: Scenario) -> list[BaseMessage]:
    """The beginning of a conversation: a note that was read, or a user turn that was helped."""
    arguments = {"path": "~/notes/today.md"} if number % 2 else {"query": "harbour"}
    call = {"name": scenario.tools[0], "args": arguments, "id": "c1"}
    messages: list[BaseMessage] = [
        HumanMessage("Begin."),
        AIMessage("", tool_calls=[call]),
        ToolMessage(f"{number}", tool_call_id="c1"),
    ]
    return messages if number % 3 else [*messages, AIMessage("Done."), HumanMessage("Go on.")]


def names_the_request(scenario: Scenario, refusal: str, library: Library) -> bool:
    """Whether a refusal holds a slot's value, or two longer words of what is refused."""
    values = [
        value
        for name, slot in scenario.slots.items()
        if name != "me"
        for value in slot.values()
        if len(value) > 2
    ]
    if any(value in refusal for value in values):
        return True
    script = library.scripts[scenario.chain.name]
    if not isinstance(script, ChainScript):
        return False
    told = describe(script, scenario.slots, Random(1))
    about = f"{script.harmful.reading} {told['object']} {told['Because']}"
    said = {word for word in words(about) if len(word) > 4}
    return len(said & set(words(refusal))) >= 2


def main() -> None:
    """Print the table and the sample."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("run", type=Path, nargs="?", help="a run; the shipped chains if left out")
    parser.add_argument("--times", type=int, default=3, help="refusals of each chain")
    parser.add_argument("--kind", choices=KINDS, default="harmful")
    parser.add_argument("--category", help="of this category alone")
    parser.add_argument("--sample", type=int, default=40, help="refusals to print")
    parser.add_argument("--seed", type=int, default=1, help="of the samples")
    options = parser.parse_args()
    catalog = load_catalog()
    library = load_library(catalog)
    made = (
        of_run(options.run)
        if options.run
        else of_chains(options.kind, options.times, catalog, library)
    )
    rows = [row for row in made if options.category in (None, row[0].chain.category)]
    if len(rows) < 2:
        parser.exit(2, "there are no refusals of that kind\n")
    random = Random(options.seed)
    texts = [words(text) for _, text in random.sample(rows, min(2000, len(rows)))]
    lengths = sorted(len(text.split()) for _, text in rows)
    openings = Counter(" ".join(words(text)[:4]) for _, text in rows)
    named = sum(names_the_request(scenario, text, library) for scenario, text in rows)
    print(f"{len(rows)} refusals, {len({text for _, text in rows})} of them distinct")
    print(
        f"distinct-2 {distinct(texts, 2):.3f}, self-BLEU-4 {self_bleu(texts):.3f} (of {len(texts)})"
    )
    print(f"words: {lengths[0]} to {lengths[-1]}, median {median(lengths):.0f}, 5 to 95 %: {lengths[len(lengths) // 20]} to {lengths[-len(lengths) // 20]}")  # fmt: skip
    print(f"openings of four words: {len(openings)}; the most frequent:")
    for opening, count in openings.most_common(5):
        print(f"  {count / len(rows):6.1%} {opening}")
    print(f"name something of the request: {named / len(rows):.1%}")
    for scenario, text in random.sample(rows, min(options.sample, len(rows))):
        print(f"\n{scenario.chain.subcategory} / {scenario.chain.name}\n  {text}")


if __name__ == "__main__":
    main()
