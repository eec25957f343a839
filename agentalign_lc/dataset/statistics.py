"""Statistics of a run: how diverse its requests are, what they cover, what the gates found."""

import re
from array import array
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from random import Random
from typing import Any

from agentalign_lc.dataset.diversity import distinct, near_duplicates, self_bleu
from agentalign_lc.dataset.splits import audit_splits
from agentalign_lc.dataset.store import RunStore
from agentalign_lc.quality.words import Words, words
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
    count = store.counts()[Status.KEPT]
    picked = frozenset(Random(7).sample(range(count), min(_SAMPLE, count)))
    seen = _Seen()
    sample: list[Words] = []
    for number, row in enumerate(_rows(store)):
        text = words(row["text"])
        seen.add(row, text)
        if number in picked:
            sample.append(text)
    harms = set(load_kinds())
    cells = {cell for cell in seen.cells if cell[0] in harms}
    known = {(c.subcategory, capability) for c in library for capability in c.capabilities}
    return Statistics(
        instructions=count,
        distinct=(distinct(sample, 1), distinct(sample, 2), distinct(sample, 3)),
        self_bleu=self_bleu(sample),
        sample=len(sample),
        near_duplicates=_near_duplicates(store) if duplicates else None,
        lengths=_sorted(seen.lengths),
        steps=_sorted(seen.steps),
        subcategories=(len({subcategory for subcategory, _ in cells}), len(harms)),
        capabilities=(len({capability for _, capability in seen.cells}), len(capabilities)),
        cells=(len(cells), len(known)),
        phrasings=_phrasings(seen, library),
        pressure=dict(sorted(seen.pressure.items())),
        unfilled=seen.unfilled,
        adherence=_passing(store, ("coverage", "order")),
        grounding=_passing(store, ("grounding",)),
        schema_valid=_passing(store, ("schema", "syntax")),
        refusal_purity=_passing(store, ("purity", "refusal", "compliance"), {Intent.HARMFUL}),
        goal_reached=_passing(store, ("goal",), {Intent.BORDERLINE, Intent.BENIGN}),
        pairs=dict(sorted(seen.pairs.items())),
        splits=dict(sorted(seen.splits.items())),
        leaks=len(audit_splits(store.kept())),
        overlap=seen.overlap.shares(),
    )


class _Seen:
    """What is counted over the rows of a run, one row at a time; none of them is kept."""

    def __init__(self) -> None:
        self.lengths: Counter[int] = Counter()
        self.steps: Counter[int] = Counter()
        self.pressure: Counter[str] = Counter()
        self.pairs: Counter[str] = Counter()
        self.splits: Counter[str] = Counter()
        self.cells: set[tuple[str, str]] = set()
        self.said: set[tuple[str, Intent, int | None]] = set()
        self.unfilled = 0
        self.overlap = _Overlap()

    def add(self, row: Mapping[str, Any], text: Words) -> None:
        self.lengths[len(text) // _STRIDE * _STRIDE] += 1
        self.steps[len(row["steps"])] += 1
        self.pressure[row["pressure"] or "none"] += 1
        self.splits[row["split"]] += 1
        if row["rejected_as"]:
            self.pairs[row["rejected_as"]] += 1
        self.cells.update((row["subcategory"], capability) for capability in row["steps"])
        self.said.add((row["chain"], row["intent"], row["phrasing"]))
        self.unfilled += _UNFILLED.search(row["text"]) is not None
        if row["category"] != EVERYDAY:
            self.overlap.add(row["index"], row["intent"], set(text))


class _Overlap:
    """Words that a harmful request shares with its twins, which come one after the other."""

    def __init__(self) -> None:
        self._index = -1
        self._triplet: dict[Intent, set[str]] = {}
        self._shares: dict[Intent, array[float]] = defaultdict(lambda: array("d"))

    def add(self, index: int, intent: Intent, text: set[str]) -> None:
        if index != self._index:
            self._compare()
            self._index = index
        self._triplet[intent] = text

    def shares(self) -> dict[str, float]:
        self._compare()
        return {
            twin.value: sum(self._shares[twin]) / len(self._shares[twin])
            for twin in (Intent.BORDERLINE, Intent.BENIGN)
            if twin in self._shares
        }

    def _compare(self) -> None:
        harmful = self._triplet.get(Intent.HARMFUL)
        for twin in (Intent.BORDERLINE, Intent.BENIGN):
            other = self._triplet.get(twin)
            if harmful and other:
                self._shares[twin].append(len(harmful & other) / len(harmful | other))
        self._triplet = {}


def _near_duplicates(store: RunStore) -> float:
    return near_duplicates(words(row["text"]) for row in _rows(store))


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


def _phrasings(seen: _Seen, library: Library) -> tuple[int, int]:
    """Phrasings used, and those that the chains and intents of the rows have."""
    used = {said for said in seen.said if said[2] is not None}
    asked = {(chain, intent) for chain, intent, _ in seen.said if chain in library.scripts}
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


def _sorted(counts: Mapping[int, int]) -> dict[int, int]:
    return {key: counts[key] for key in sorted(counts)}
