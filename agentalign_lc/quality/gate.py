"""A gate: a name, and what it says about a request, a refusal or a run."""

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from agentalign_lc.environment.catalog import Catalog
from agentalign_lc.environment.spec import ToolSpec
from agentalign_lc.records import Instruction, Scenario, Trajectory, Verdict
from agentalign_lc.roles import Judge

__all__ = ["Check", "Evidence", "Gate", "Kind", "examine"]

Kind = Literal["request", "refusal", "run"]


@dataclass(frozen=True)
class Evidence:
    """All that a gate may look at."""

    scenario: Scenario
    instruction: Instruction
    catalog: Catalog
    judge: Judge
    response: Trajectory = field(default_factory=lambda: Trajectory(messages=(), tools=()))
    """Empty while only the request is there."""
    refused_at: int | None = None
    """Number of calls before the refusal, if it is one."""

    @property
    def tools(self) -> Mapping[str, ToolSpec]:
        """The tools on offer, by name."""
        return {name: self.catalog.tools[name] for name in self.scenario.offered}


Check = Callable[[Evidence], Verdict | Awaitable[Verdict | None] | None]
"""Looks at the evidence; None if it has nothing to say about it."""


@dataclass(frozen=True, kw_only=True)
class Gate:
    """One gate; it says nothing about the kinds for which it has no check.

    Args:
        name: What configurations and funnels call it.
        request: Looks at an instruction before anything is done about it.
        refusal: Looks at the response to a harmful request.
        run: Looks at the response to a request that deserves help.
        asks: Whether it asks a judge, so that it comes only where nothing cheaper found a fault.

    Example:
        >>> from agentalign_lc.records import Outcome
        >>> def brief(evidence: Evidence) -> Verdict:
        ...     short = len(evidence.instruction.text) < 2000
        ...     return Verdict(gate="brief", outcome=Outcome.PASS if short else Outcome.FAIL)
        >>> Gate(name="brief", request=brief).name
        'brief'
    """

    name: str
    request: Check | None = None
    refusal: Check | None = None
    run: Check | None = None
    asks: bool = False


async def examine(gates: Iterable[Gate], kind: Kind, evidence: Evidence) -> tuple[Verdict, ...]:
    """Ask the gates in their order; those that ask a judge only while nothing has failed.

    Returns:
        The verdicts, named ``request.schema`` or ``response.schema``, so that the funnel tells them
        apart.
    """
    what = "request" if kind == "request" else "response"
    verdicts: list[Verdict] = []
    for gate in gates:
        check: Check | None = getattr(gate, kind)
        if check is None or (gate.asks and any(not verdict.passed for verdict in verdicts)):
            continue
        found = check(evidence)
        verdict = await found if inspect.isawaitable(found) else found
        if verdict is not None:
            verdicts.append(verdict.model_copy(update={"gate": f"{what}.{gate.name}"}))
    return tuple(verdicts)
