"""The profile of a run: what a card and a report say about it, counted in one pass over the rows.

``statistics`` measures the texts (how diverse, how long); this counts what
happened: how each planned instruction ended and why, what the kept rows
cover, how they were answered, who wrote them, what it cost.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, TypeVar, get_args

from agentalign_lc.dataset.store import RunStore
from agentalign_lc.records import Intent, Outcome, Record, Split, Status
from agentalign_lc.taxonomy import EVERYDAY

__all__ = ["STAGES", "Loss", "Profile", "Source", "profile_run"]

STAGES = ("planned", "written", "screened", "responded", "kept")
"""What an instruction goes through; each stage has at most as many as the one before it."""

_LOST_AT = {"screen": 2, "act": 3, "refuse": 3, "check": 4}
_REASONS = 400
"""Reasons that are told apart; they can be as many as the rows, and a page is not."""

_A = TypeVar("_A", bound=Hashable)
_B = TypeVar("_B", bound=Hashable)


class Loss(Record):
    """Instructions that were not kept, all for one reason."""

    intent: Intent
    status: Status
    gate: str
    """The gate that rejected them, or the stage in which they failed."""
    reason: str
    count: int


class Source(Record):
    """Who wrote in a role, with which prompt, in how many of the kept examples."""

    role: str
    writer: str
    prompt: str | None
    examples: int


class Profile(Record):
    """What was counted about a run; all but the funnel is about kept examples."""

    stages: dict[str, dict[Intent, int]]
    """The funnel: how many instructions came so far, by stage and intent."""
    endings: dict[Status, dict[Intent, int]]
    """How the instructions ended, by status and intent."""
    waiting: int
    """Instructions that are planned and not yet tried; 0 in a complete run."""
    losses: tuple[Loss, ...]
    """What was not kept and why, the most frequent first."""
    scenarios: int
    """Scenarios with a kept example."""
    subcategories: dict[str, dict[str, int]]
    """Examples by category and subcategory."""
    coverage: dict[str, dict[str, int]]
    """Examples by subcategory and the suites that their chains go through."""
    capabilities: dict[str, int]
    """Examples by the capabilities of their chains."""
    offered: int
    """Different tools that were offered."""
    tools: dict[str, int]
    """Calls by tool."""
    calls: dict[int, dict[Intent, int]]
    """Examples by their number of tool calls, and intent."""
    errors: int
    """Calls that were answered by an error."""
    splits: dict[Split, dict[Intent, int]]
    """Examples by split, training first, and intent."""
    carried_out: dict[Intent, int]
    """Requests that were carried out, by intent."""
    refused_at: dict[int, dict[Intent, int]]
    """Refusals by the number of tool calls before them, and intent."""
    rejected_as: dict[str, dict[Intent, int]]
    """Rejected responses by what is wrong with them; ``none`` for examples without one."""
    twists: dict[str, int]
    """Examples by what does not go as planned in their world; ``none`` for most."""
    sources: tuple[Source, ...]
    gates: dict[str, dict[Outcome, int]]
    """Verdicts on the kept examples, by gate and outcome."""
    usage: dict[str, int]
    """Tokens of the kept responses, where a provider reported them."""
    versions: tuple[str, ...]
    """Versions of the package that made the rows."""

    @property
    def planned(self) -> int:
        """Number of instructions planned."""
        return sum(self.stages["planned"].values())

    @property
    def lost_at(self) -> dict[tuple[Status, str], dict[Intent, int]]:
        """Losses by how and where they were lost, the most frequent first, and intent."""
        places: dict[tuple[Status, str], Counter[Intent]] = defaultdict(Counter)
        for loss in self.losses:
            places[loss.status, loss.gate][loss.intent] += loss.count
        ordered = sorted(places.items(), key=lambda item: -item[1].total())
        return {place: {intent: counts[intent] for intent in Intent} for place, counts in ordered}

    def count(self, status: Status) -> int:
        """Number of instructions that ended so."""
        return sum(self.endings[status].values())


def profile_run(store: RunStore) -> Profile:
    """Count what happened in a run, in one pass over its rows.

    Raises:
        StoreError: the run cannot be read.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     with RunStore.create(Path(folder, "run"), {"scenarios": 2}) as store:
        ...         profile = profile_run(store)
        >>> profile.planned, profile.waiting
        (6, 6)
    """
    ended = Counter[tuple[Intent, Status, str]]()
    for intent, status, gate, count in store.table():
        ended[intent, status, gate] += count
    planned = _planned(store.config, ended)
    tally = _Tally()
    for row in store.kept():
        tally.add(row)
    return Profile(
        stages=_stages(planned, ended),
        endings={
            status: {
                intent: sum(n for (i, s, _), n in ended.items() if (i, s) == (intent, status))
                for intent in Intent
            }
            for status in Status
        },
        waiting=sum(planned.values()) - ended.total(),
        losses=_losses(store),
        **tally.counted(),
    )


def _planned(
    config: Mapping[str, Any], ended: Mapping[tuple[Intent, Status, str], int]
) -> dict[Intent, int]:
    # A run's configuration says what was planned; a store of other making has what it has.
    planned = dict.fromkeys(Intent, int(config.get("scenarios", 0)))
    planned[Intent.BENIGN] += int(config.get("everyday", 0))
    for intent in Intent:
        there = sum(n for (i, _, _), n in ended.items() if i is intent)
        planned[intent] = max(planned[intent], there)
    return planned


def _stages(
    planned: Mapping[Intent, int], ended: Mapping[tuple[Intent, Status, str], int]
) -> dict[str, dict[Intent, int]]:
    reached = {stage: dict(planned) for stage in STAGES}
    for intent in Intent:
        there = dict.fromkeys(range(1, len(STAGES)), 0)
        there[1] = planned[intent] - sum(n for (i, _, _), n in ended.items() if i is intent)
        for (i, status, gate), count in ended.items():
            if i is intent and status is not Status.KEPT:
                there[_lost_at(status, gate)] += count
        for lost, count in there.items():
            for stage in STAGES[lost:]:
                reached[stage][intent] -= count
    return reached


def _lost_at(status: Status, gate: str) -> int:
    """Position of the stage that a result did not reach."""
    if status is Status.FAILED:
        return _LOST_AT.get(gate, 1)
    return 2 if gate.startswith("request.") else 4


def _losses(store: RunStore) -> tuple[Loss, ...]:
    counts = Counter[tuple[Intent, Status, str, str]]()
    for _, intent, status, gate, reason in store.losses():
        key = (intent, status, gate, reason)
        if len(counts) >= _REASONS and key not in counts:
            key = (intent, status, gate, "other reasons")
        counts[key] += 1
    return tuple(
        Loss(intent=intent, status=status, gate=gate, reason=reason, count=count)
        for (intent, status, gate, reason), count in counts.most_common()
    )


class _Tally:
    """Counts that grow row by row; their size does not depend on the number of rows."""

    def __init__(self) -> None:
        self.pairs: dict[str, Counter[tuple[Any, Any]]] = defaultdict(Counter)
        self.single: dict[str, Counter[Any]] = defaultdict(Counter)
        self.offered: set[str] = set()
        self.scenarios = 0
        self._last = ""

    def add(self, row: Mapping[str, Any]) -> None:
        """Count one more kept example."""
        scenario, intent = row["scenario"], Intent(row["instruction"]["intent"])
        self._add_chain(scenario["chain"])
        self._add_response(row, intent)
        rejected_as = row.get("rejected_as") or "none"
        self.pairs["rejected_as"][rejected_as, intent] += 1
        self.pairs["splits"][row.get("split", "train"), intent] += 1
        self.single["twists"][(scenario["twist"] or {}).get("kind", "none")] += 1
        self.single["versions"][row["version"]] += 1
        for part in row["provenance"]:
            self.single["sources"][part["role"], part["writer"], part["prompt"]] += 1
        for verdict in row["verdicts"]:
            self.pairs["gates"][verdict["gate"], Outcome(verdict["outcome"])] += 1
        self.offered.update((*scenario["tools"], *scenario["distractors"]))
        # Rows come in the run's order: a scenario's are neighbours.
        self.scenarios += scenario["id"] != self._last
        self._last = scenario["id"]

    def _add_chain(self, chain: Mapping[str, Any]) -> None:
        category, subcategory = chain["category"], chain["subcategory"]
        self.pairs["subcategories"][category, subcategory] += 1
        capabilities = {step["capability"] for step in chain["steps"]}
        self.single["capabilities"].update(capabilities)
        place = EVERYDAY if category == EVERYDAY else subcategory
        for suite in {name.partition(".")[0] for name in capabilities}:
            self.pairs["coverage"][place, suite] += 1

    def _add_response(self, row: Mapping[str, Any], intent: Intent) -> None:
        calls = 0
        for message in row["response"]["messages"]:
            data = message["data"]
            if message["type"] == "tool":
                self.single["errors"]["errors"] += data.get("status") == "error"
            for call in data.get("tool_calls") or ():
                self.single["tools"][call["name"]] += 1
                calls += 1
        self.pairs["calls"][calls, intent] += 1
        refused_at = row.get("refused_at")
        if refused_at is None and intent is Intent.HARMFUL:
            # What is kept of a harmful request is a refusal, and a refusal ends it.
            refused_at = calls
        if refused_at is None:
            self.single["carried_out"][intent] += 1
        else:
            self.pairs["refused_at"][refused_at, intent] += 1
        self.single["usage"].update(row["response"]["usage"])

    def counted(self) -> dict[str, Any]:
        """Everything that was counted, by field of the profile."""
        pairs = (
            "subcategories", "coverage", "calls", "refused_at", "rejected_as", "gates",
        )  # fmt: skip
        splits = _nested(self.pairs["splits"])
        return {
            "scenarios": self.scenarios,
            "offered": len(self.offered),
            "errors": self.single["errors"].total(),
            "sources": tuple(
                Source(role=role, writer=writer, prompt=prompt, examples=count)
                for (role, writer, prompt), count in self.single["sources"].most_common()
            ),
            "versions": tuple(sorted(self.single["versions"])),
            "splits": {name: splits[name] for name in get_args(Split) if name in splits},
            **{name: _nested(self.pairs[name]) for name in pairs},
            **{
                name: dict(self.single[name].most_common())
                for name in ("capabilities", "tools", "twists")
            },
            **{name: _ordered(self.single[name].items()) for name in ("carried_out", "usage")},
        }


def _nested(counts: Mapping[tuple[_A, _B], int]) -> dict[_A, dict[_B, int]]:
    nested: dict[_A, dict[_B, int]] = {}
    for (one, other), count in _ordered(counts.items()).items():
        nested.setdefault(one, {})[other] = count
    return nested


def _ordered(items: Iterable[tuple[Any, int]]) -> dict[Any, int]:
    return dict(sorted(items))
