"""The evaluation: agents and variants over cases, so many at a time, journalled one by one."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_core.callbacks import get_usage_metadata_callback
from langchain_core.messages import AIMessage, BaseMessage
from langgraph.errors import GraphBubbleUp

from agentalign_lc.endpoints.journal import Spend
from agentalign_lc.errors import ConfigError, StopError
from agentalign_lc.evaluation.agents import Agent
from agentalign_lc.evaluation.cases import CaseSet, EvalCase
from agentalign_lc.evaluation.outcome import Outcome
from agentalign_lc.evaluation.room import open_room
from agentalign_lc.evaluation.scoring import Finding, assess
from agentalign_lc.evaluation.store import EvalStore
from agentalign_lc.evaluation.table import Table
from agentalign_lc.evaluation.variants import Variant
from agentalign_lc.guard import Guard
from agentalign_lc.roles import Judge

__all__ = ["Contender", "contenders", "evaluate"]

_TIMEOUT = 900.0
"""Seconds after which a case is given up, so that nothing hangs."""
_FAILED, _BROKE = "the agent failed", "the judge broke"


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


def evaluate(
    out: Path,
    entries: Sequence[Contender],
    cases: CaseSet,
    judge: Judge,
    *,
    resume: bool = False,
    concurrency: int = 8,
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
        asyncio.run(_Run(store, cases, judge, report).work(entries, concurrency))
        return store.write_table()


class _Run:
    """One process's part of an evaluation."""

    def __init__(
        self,
        store: EvalStore,
        cases: CaseSet,
        judge: Judge,
        report: Callable[[int, int], None],
    ) -> None:
        self._store = store
        self._cases = cases
        self._judge = judge
        self._report = report

    async def work(self, entries: Sequence[Contender], concurrency: int) -> None:
        """Do what is not done yet."""
        cases = self._cases.cases
        waiting: list[tuple[Contender, EvalCase, Outcome | None]] = []
        for entry in entries:
            before = self._before(entry)
            waiting += [
                (entry, case, before.get(case.id))
                for case in cases
                if case.id not in before or before[case.id] is not None
            ]
        total = len(entries) * len(cases)
        done = total - len(waiting)
        self._report(done, total)

        async def worker(units: Iterator[tuple[Contender, EvalCase, Outcome | None]]) -> None:
            nonlocal done
            for entry, case, before in units:
                self._store.save(await self._outcome(entry, case, before))
                done += 1
                self._report(done, total)

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
        for outcome in self._store.outcomes(agent=entry.label, suite=self._cases.split):
            if outcome.problem.startswith(_BROKE) and outcome.trajectory is not None:
                found[outcome.case] = outcome
            elif not outcome.problem.startswith(_FAILED):
                found[outcome.case] = None
        return found

    async def _outcome(self, entry: Contender, case: EvalCase, before: Outcome | None) -> Outcome:
        if before is not None and before.trajectory is not None:
            finding = await self._assessed(before.trajectory, case)
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
            async with asyncio.timeout(_TIMEOUT):
                played = await self._played(entry, case)
        except TimeoutError:
            played = {"problem": f"{_FAILED}: no answer in {_TIMEOUT:.0f} seconds"}
        except (GraphBubbleUp, StopError, ConfigError):
            raise
        except Exception as error:  # noqa: BLE001 - an agent that fails is an outcome
            played = {"problem": f"{_FAILED}: {type(error).__name__}: {_line(error)}"}
        seconds = time.perf_counter() - started
        return outcome.model_copy(update={**played, "seconds": seconds})

    async def _played(self, entry: Contender, case: EvalCase) -> dict[str, Any]:
        room = open_room(case, self._cases.catalog, entry.variant)
        with get_usage_metadata_callback() as heard:
            messages, stopped = await entry.agent.play(room, entry.guard)
        spend = _spent(messages, heard.usage_metadata)
        used = spend.model_dump(include={"input_tokens", "output_tokens"})
        run = room.trajectory(messages, stopped, used if any(used.values()) else {})
        evidence = room.evidence(run)
        finding = await self._assessed(evidence, case)
        return {
            **dict(finding),
            "steps": len(evidence.calls),
            "spend": spend,
            "trajectory": run,
        }

    async def _assessed(self, run: Any, case: EvalCase) -> Finding:  # noqa: ANN401
        return await assess(run, case.scenario, case.instruction, self._cases.catalog, self._judge)


def _spent(messages: Sequence[BaseMessage], heard: Mapping[str, Mapping[str, Any]]) -> Spend:
    """Tokens of all models that were heard, agents inside an app and a guard's judges included.

    A model that does not say its name is not heard; its messages may say what they took.
    """
    said = [m.usage_metadata for m in messages if isinstance(m, AIMessage) and m.usage_metadata]
    both = [
        {kind: sum(int(one[kind]) for one in used) for kind in ("input_tokens", "output_tokens")}
        for used in (said, list(heard.values()))
    ]
    most = max(both, key=lambda used: used["input_tokens"])
    return Spend(input_tokens=most["input_tokens"], output_tokens=most["output_tokens"])


def _line(error: object) -> str:
    return " ".join(str(error).split())[:300]
