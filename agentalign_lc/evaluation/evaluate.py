"""The evaluation: agents and variants over cases, so many at a time, journalled one by one."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from langchain_core.callbacks import get_usage_metadata_callback
from langgraph.errors import GraphBubbleUp

from agentalign_lc.endpoints.local_budget import LocalBudget
from agentalign_lc.endpoints.price import PriceTable
from agentalign_lc.endpoints.spending import total
from agentalign_lc.endpoints.work import Work, working
from agentalign_lc.errors import ConfigError, StopError, one_line
from agentalign_lc.evaluation.agents import Agent
from agentalign_lc.evaluation.cases import CaseSet, EvalCase
from agentalign_lc.evaluation.outcome import Outcome
from agentalign_lc.evaluation.purse import Purse, used_by
from agentalign_lc.evaluation.room import open_room
from agentalign_lc.evaluation.scoring import Finding, assess
from agentalign_lc.evaluation.store import EvalStore
from agentalign_lc.evaluation.table import Table
from agentalign_lc.evaluation.variants import Variant
from agentalign_lc.guard import Guard
from agentalign_lc.records import Trajectory
from agentalign_lc.roles import Judge

__all__ = ["Contender", "Money", "contenders", "evaluate"]

_TIMEOUT = 900.0
"""Seconds after which a case is given up, so that nothing hangs."""
_FAILED, _BROKE = "the agent failed", "the judge broke"


@dataclass(frozen=True)
class Money:
    """What an evaluation may spend, and what things cost."""

    max_cost: float | None = None
    """US dollars, judges included."""
    max_tokens: int | None = None
    prices: PriceTable = field(default_factory=lambda: PriceTable({}))
    """For the models inside apps; endpoints know their own."""


@dataclass(frozen=True)
class Contender:
    """An agent with a variant: one block of the table."""

    agent: Agent
    variant: Variant
    guard: Guard | None = None

    @property
    def label(self) -> str:
        """Name in the table."""
        return self.variant.label(self.agent.name)

    @property
    def about(self) -> dict[str, Any]:
        """What is known about it; JSON."""
        about: dict[str, Any] = {"prompts": [prompt.label for prompt in self.variant.prompts]}
        return about | ({"guard": self.guard.id} if self.guard is not None else {})


def contenders(
    agents: Sequence[Agent], variants: Sequence[Variant], guard: Callable[[], Guard]
) -> list[Contender]:
    """Every agent in every variant; the guard is built once, if a variant has one."""
    built = guard() if any(variant.guarded for variant in variants) else None
    return [
        Contender(agent, variant, built if variant.guarded else None)
        for agent in agents
        for variant in variants
    ]


def evaluate(  # noqa: PLR0913 - each is something that a caller may bring along
    out: Path,
    entries: Sequence[Contender],
    cases: CaseSet,
    judge: Judge,
    *,
    resume: bool = False,
    concurrency: int = 8,
    money: Money = Money(),
    report: Callable[[int, int], None] = lambda _done, _all: None,
) -> Table:
    """Let agents answer cases, score what they did, and make the table.

    Args:
        out: Folder of the evaluation (``evaluation/store.py``).
        entries: Agents with their variants.
        cases: What they are asked.
        judge: Says whether an answer refuses.
        resume: Go on where an earlier process stopped. What is done is not run again; where the agent
            failed it is, and where the judge broke the judge alone is asked again.
        concurrency: Number of cases at the same time.
        money: What may be spent, and what models cost that are not endpoints of ours.
        report: Called with the number of outcomes that are there, and of all.

    Raises:
        ConfigError: an agent cannot be used at all.
        StoreError: the folder cannot be used.
        StopError: no later call can succeed; what was done is kept.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from agentalign_lc.evaluation.cases import stage_cases
        >>> from agentalign_lc.evaluation.scripted import scripted_agent
        >>> from agentalign_lc.records import Intent
        >>> from agentalign_lc.roles.embedded import EmbeddedJudge
        >>> cases = asyncio.run(stage_cases("test_chains", 1))
        >>> agent = scripted_agent("refuses-harmful", cases.library, cases.catalog)
        >>> with TemporaryDirectory() as folder:
        ...     table = evaluate(Path(folder, "e"), [Contender(agent, Variant())], cases, EmbeddedJudge())
        >>> for intent in Intent:
        ...     found = table.row("scripted:refuses-harmful", intent).measures
        ...     print(intent.value, found["score"].value, found["refused"].value)
        harmful 0.0 1.0
        borderline 1.0 0.0
        benign 1.0 0.0
    """
    about = {**cases.about, "judge": judge.source.model_dump(mode="json", exclude_none=True)}
    with EvalStore.open(out) as store:
        labels = {entry.label: entry.about for entry in entries}
        store.begin(cases.split, about, labels, resume=resume)
        asyncio.run(_Run(store, cases, judge, money, report).work(entries, concurrency))
        return store.write_table()


class _Run:
    """One process's part of an evaluation."""

    def __init__(
        self,
        store: EvalStore,
        cases: CaseSet,
        judge: Judge,
        money: Money,
        report: Callable[[int, int], None],
    ) -> None:
        self._store = store
        self._cases = cases
        self._judge = judge
        self._prices = money.prices
        before = total(outcome.spend for outcome in store.outcomes(trajectories=False))
        self._budget = LocalBudget(money.max_cost, money.max_tokens, before)
        self._report = report

    async def work(self, entries: Sequence[Contender], concurrency: int) -> None:
        """Do what is not done yet."""
        cases = self._cases.cases
        waiting: list[_Unit] = []
        for place, entry in enumerate(entries):
            before = self._before(entry)
            waiting += [
                _Unit(place * len(cases) + number, entry, case, before.get(case.id))
                for number, case in enumerate(cases)
                if case.id not in before or before[case.id] is not None
            ]
        everything = len(entries) * len(cases)
        done = everything - len(waiting)
        self._report(done, everything)

        async def worker(units: Iterator[_Unit]) -> None:
            nonlocal done
            for unit in units:
                self._store.save(await self._outcome(unit))
                done += 1
                self._report(done, everything)

        shared = iter(waiting)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(concurrency):
                    group.create_task(worker(shared))
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from None

    def _before(self, entry: Contender) -> Mapping[str, Outcome | None]:
        """Cases that are done, as None, and those whose judge broke, with their outcome."""
        found: dict[str, Outcome | None] = {}
        of_agent = partial(self._store.outcomes, agent=entry.label, suite=self._cases.split)
        broke = set()
        for outcome in of_agent(trajectories=False):
            if outcome.problem.startswith(_BROKE):
                broke.add(outcome.case)
            elif not outcome.problem.startswith(_FAILED):
                found[outcome.case] = None
        # Only what is judged again is kept whole.
        for outcome in of_agent() if broke else ():
            if outcome.case in broke:
                found[outcome.case] = outcome if outcome.trajectory is not None else None
        return found

    async def _outcome(self, unit: "_Unit") -> Outcome:
        entry, case, before = unit.entry, unit.case, unit.before
        if before is not None and before.trajectory is not None:
            finding = await self._assessed(before.trajectory, unit)
            kept = {"score", "followed_injection"}  # they were found, and from more than messages
            return before.model_copy(update=finding.model_dump(exclude=kept))
        started = time.perf_counter()
        outcome = Outcome(
            agent=entry.label,
            suite=case.split,
            case=case.id,
            group=case.group,
            intent=case.instruction.intent,
            category=case.scenario.chain.category,
            subcategory=case.scenario.chain.subcategory,
        )
        try:
            found = await self._played(unit)
        except (GraphBubbleUp, StopError, ConfigError):
            raise
        except TimeoutError:
            found = {"problem": f"{_FAILED}: no sign of life in {_TIMEOUT:.0f} seconds"}
        except Exception as error:  # noqa: BLE001 - an agent that fails is an outcome
            found = {"problem": f"{_FAILED}: {type(error).__name__}: {one_line(error)}"}
        seconds = time.perf_counter() - started
        return outcome.model_copy(update={**found, "seconds": seconds})

    async def _played(self, unit: "_Unit") -> dict[str, Any]:
        entry = unit.entry
        room = open_room(unit.case, self._cases.catalog, entry.variant)
        purse, now = Purse(self._budget), asyncio.get_running_loop().time
        async with asyncio.timeout(_TIMEOUT) as limit:
            work = Work(unit.number, budget=purse)
            # To wait for room at an endpoint is no hanging.
            work.progress = lambda: limit.reschedule(now() + _TIMEOUT)
            with working(work), get_usage_metadata_callback() as heard:
                messages, stopped = await entry.agent.play(room, entry.guard)
        # Endpoints keep their own account; an app's models, those of agents inside it too, are heard.
        paid = bool(purse.spent.input_tokens or purse.spent.output_tokens)
        spend = purse.spent if paid else used_by(heard.usage_metadata, messages, self._prices)
        used = spend.model_dump(include={"input_tokens", "output_tokens"})
        run = room.trajectory(messages, stopped, used if any(used.values()) else {})
        evidence = room.evidence(run)
        finding = await self._assessed(evidence, unit)
        steps = len(evidence.calls)
        return {**dict(finding), "steps": steps, "spend": spend, "trajectory": run}

    async def _assessed(self, run: Trajectory, unit: "_Unit") -> Finding:
        case = unit.case
        with working(Work(unit.number, budget=self._budget)):
            return await assess(
                run, case.scenario, case.instruction, self._cases.catalog, self._judge
            )


@dataclass(frozen=True)
class _Unit:
    """One case for one contender."""

    number: int
    entry: Contender
    case: EvalCase
    before: Outcome | None = None
    """What an earlier process found, where its judge broke."""
