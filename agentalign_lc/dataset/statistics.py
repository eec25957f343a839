"""Statistics of a run: how diverse its requests are, what they cover, what the gates found."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from random import Random
from typing import Any

from agentalign_lc.dataset.diversity import distinct, near_duplicates, self_bleu
from agentalign_lc.dataset.splits import audit_splits
from agentalign_lc.dataset.store import RunStore
from agentalign_lc.quality.words import words
from agentalign_lc.records import Intent, Record, Status
from agentalign_lc.taxonomy import EVERYDAY, Library, load_kinds

__all__ = ["Statistics", "measure"]

_UNFILLED = re.compile(r"\{+\s*[A-Za-z_][\w.]*\s*\}+")
_SAMPLE = 2000
_STRIDE = 20


class Statistics(Record):
    """What can be measured about a run's requests; shares are between 0 and 1."""

    instructions: int
    """Kept instructions; all figures are about them, unless they say otherwise."""
    distinct: tuple[float, float, float]
    """Distinct-1, -2 and -3 on the sample."""
    self_bleu: float
    """Self-BLEU-4 on the sample."""
    sample: int
    """Size of the sample, drawn with a fixed seed."""
    near_duplicates: float | None
    """Share with a near copy (Jaccard of word 3-grams at least 0.8); None if not measured."""
    lengths: dict[int, int]
    """Number of requests by length in words, in bins of twenty: 40 counts 40 to 59."""
    steps: dict[int, int]
    """Number of requests by steps of their chain."""
    subcategories: tuple[int, int]
    """Covered, and in the taxonomy."""
    capabilities: tuple[int, int]
    """Covered, and in the tools' suites."""
    cells: tuple[int, int]
    """Pairs of subcategory and capability: covered in the run, and in the library."""
    phrasings: tuple[int, int]
    """Used, and there are for the chains of the run; zero for requests that a model wrote."""
    pressure: dict[str, int]
    """Number of requests by the pressure that they come with; ``none`` for most."""
    unfilled: int
    """Requests in which a slot was left open."""
    adherence: float
    """Share of judged instructions whose calls, and whose run, take every step of the chain."""
    grounding: float
    """Share of judged instructions whose argument values come from what was given."""
    schema_valid: float
    """Share of judged instructions whose calls their tools' schemas allow."""
    refusal_purity: float
    """Share of judged refusals that call no tool and are no false compliance."""
    goal_reached: float
    """Share of judged runs that leave the world as the request wanted it."""
    pairs: dict[str, int]
    """Number of rejected responses by what is wrong with them."""
    splits: dict[str, int]
    """Number of examples by split."""
    leaks: int
    """What stands in two splits, or was trained on and should not have been; see ``audit_splits``."""
    overlap: dict[str, float]
    """Mean share of words that the harmful request shares with its borderline and benign twins."""


def measure(
    store: RunStore,
    library: Library,
    capabilities: Sequence[str],
    *,
    duplicates: bool = True,
) -> Statistics:
    """Measure a run.

    Args:
        store: The run.
        library: Its chains.
        capabilities: All that there are.
        duplicates: Whether to look for near-duplicates too, which takes longest.

    Raises:
        StoreError: the run cannot be read.
        ConfigError: near-duplicates are wanted, and the extra ``stats`` is missing.
    """
    rows = list(_rows(store))
    texts = [words(row["text"]) for row in rows]
    picked = sorted(Random(7).sample(range(len(rows)), min(_SAMPLE, len(rows))))
    sample = [texts[number] for number in picked]
    harms = set(load_kinds())
    cells = {(row["subcategory"], capability) for row in rows for capability in row["steps"]}
    cells = {cell for cell in cells if cell[0] in harms}
    known = {(c.subcategory, capability) for c in library for capability in c.capabilities}
    used, there = _phrasings(rows, library)
    return Statistics(
        instructions=len(rows),
        distinct=(distinct(sample, 1), distinct(sample, 2), distinct(sample, 3)),
        self_bleu=self_bleu(sample),
        sample=len(sample),
        near_duplicates=near_duplicates(texts) if duplicates else None,
        lengths=_sorted(Counter(len(text) // _STRIDE * _STRIDE for text in texts)),
        steps=_sorted(Counter(len(row["steps"]) for row in rows)),
        subcategories=(len({row["subcategory"] for row in rows} & harms), len(harms)),
        capabilities=(
            len({capability for row in rows for capability in row["steps"]}), len(capabilities),
        ),
        cells=(len(cells), len(known)),
        phrasings=(used, there),
        pressure=dict(sorted(Counter(row["pressure"] or "none" for row in rows).items())),
        unfilled=sum(_UNFILLED.search(row["text"]) is not None for row in rows),
        adherence=_passing(store, ("coverage", "order")),
        grounding=_passing(store, ("grounding",)),
        schema_valid=_passing(store, ("schema", "syntax")),
        refusal_purity=_passing(store, ("purity", "refusal", "compliance"), {Intent.HARMFUL}),
        goal_reached=_passing(store, ("goal",), {Intent.BORDERLINE, Intent.BENIGN}),
        pairs=dict(sorted(Counter(row["rejected_as"] for row in rows if row["rejected_as"]).items())),
        splits=dict(sorted(Counter(row["split"] for row in rows).items())),
        leaks=len(audit_splits(store.kept())),
        overlap=_overlap(rows, texts),
    )  # fmt: skip


def _rows(store: RunStore) -> Iterator[dict[str, Any]]:
    parts = {
        "text": "instruction.text",
        "note": "instruction.note.text",
        "phrasing": "instruction.phrasing",
        "chain": "scenario.chain.name",
        "subcategory": "scenario.chain.subcategory",
        "category": "scenario.chain.category",
        "steps": "scenario.chain.steps",
        "pressure": "scenario.style.pressure",
        "split": "split",
        "rejected_as": "rejected_as",
    }
    for index, intent, values in store.parts(parts.values()):
        row = dict(zip(parts, values, strict=True))
        row["text"] = row.pop("note") or row["text"]  # the request proper
        row["steps"] = [step["capability"] for step in row["steps"]]
        yield {"index": index, "intent": intent, **row}


def _phrasings(rows: Sequence[Mapping[str, Any]], library: Library) -> tuple[int, int]:
    """Phrasings used, and those that the chains and intents of the rows have."""
    used = {
        (row["chain"], row["intent"], row["phrasing"])
        for row in rows
        if row["phrasing"] is not None
    }
    asked = {(row["chain"], row["intent"]) for row in rows if row["chain"] in library.scripts}
    there = sum(len(library.scripts[chain].readings[intent].phrasings) for chain, intent in asked)
    return len(used), there


def _passing(
    store: RunStore, gates: Collection[str], intents: Collection[Intent] = tuple(Intent)
) -> float:
    """Share of the instructions that were written which none of these gates turned down."""
    written = [row for row in store.table() if row[0] in intents and row[1] is not Status.FAILED]
    turned_down = sum(count for _, _, at, count in written if at.rpartition(".")[2] in gates)
    total = sum(row[3] for row in written)
    return 1 - turned_down / total if total else 0.0


def _overlap(rows: Sequence[Mapping[str, Any]], texts: Sequence[Sequence[str]]) -> dict[str, float]:
    triplets: dict[int, dict[Intent, set[str]]] = defaultdict(dict)
    for row, text in zip(rows, texts, strict=True):
        if row["category"] != EVERYDAY:
            triplets[row["index"]][row["intent"]] = set(text)
    shares: dict[str, list[float]] = defaultdict(list)
    for said in triplets.values():
        harmful = said.get(Intent.HARMFUL)
        for twin in (Intent.BORDERLINE, Intent.BENIGN):
            if harmful and said.get(twin):
                shares[twin.value].append(len(harmful & said[twin]) / len(harmful | said[twin]))
    return {twin: sum(values) / len(values) for twin, values in shares.items()}


def _sorted(counts: Mapping[int, int]) -> dict[int, int]:
    return {key: counts[key] for key in sorted(counts)}
