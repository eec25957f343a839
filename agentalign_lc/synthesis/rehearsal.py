"""Rehearsal: every phrasing of a chain said, judged and carried out, before a run relies on it."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from agentalign_lc.environment.catalog import Catalog
from agentalign_lc.errors import AgentAlignError
from agentalign_lc.garbage import collected_rarely
from agentalign_lc.quality import (
    GATES,
    Evidence,
    check_execution,
    check_goal,
    examine,
)
from agentalign_lc.records import BehaviorChain, Instruction, Intent, Scenario, Verdict
from agentalign_lc.roles import Brief
from agentalign_lc.roles.embedded import embedded_roles
from agentalign_lc.styles import Pressure, Style
from agentalign_lc.synthesis.responses import Responder
from agentalign_lc.synthesis.stage import stage_scenario
from agentalign_lc.synthesis.studio import Studio
from agentalign_lc.taxonomy import Library

__all__ = ["Problem", "rehearse"]


@dataclass(frozen=True)
class Problem:
    """What went wrong with one way of asking."""

    chain: str
    intent: Intent
    gate: str
    reason: str
    text: str
    """What was said."""

    def __str__(self) -> str:
        """One line for a person."""
        said = " ".join(self.text.split())
        return f"{self.chain}, {self.intent.value}: {self.gate}: {self.reason} (said: {said[:120]})"


def rehearse(chain: BehaviorChain, library: Library, catalog: Catalog) -> list[Problem]:
    """Try a chain: each reading, each phrasing and the conversation, each in a world of its own.

    The harmful reading is carried out too: a harm that the tools cannot do
    teaches nothing about refusing it.

    Args:
        chain: The chain, or an everyday request.
        library: Where its language is.
        catalog: Where its tools are.
    """
    with collected_rarely():
        return asyncio.run(_rehearsed(chain, library, catalog))


async def _rehearsed(chain: BehaviorChain, library: Library, catalog: Catalog) -> list[Problem]:
    studio = Studio(embedded_roles(library, catalog), catalog, library)
    responder = Responder(studio)
    problems: dict[tuple[Intent, str, str], Problem] = {}
    for intent in library.scripts[chain.name].readings:
        for scenario in _scenarios(chain, intent, library, catalog):
            tools = studio.tools(scenario)
            brief = Brief(scenario, intent, tuple(tools.values()))
            try:
                said = await studio.roles.author.write(brief)
                verdicts = await _screened(scenario, said, studio)
                if all(verdict.passed for verdict in verdicts):
                    done = await responder.carry_out(scenario, said)
                    executed = check_execution(done, chain.capabilities, tools)
                    verdicts = (executed, check_goal(done, scenario, said, catalog))
            except AgentAlignError as error:
                problem = Problem(chain.name, intent, "author", str(error), "")
                return [*problems.values(), problem]
            for verdict in verdicts:
                if not verdict.passed:
                    found = Problem(chain.name, intent, verdict.gate, verdict.reason, said.text)
                    problems.setdefault((intent, verdict.gate, verdict.reason[:60]), found)
    return list(problems.values())


def _scenarios(
    chain: BehaviorChain, intent: Intent, library: Library, catalog: Catalog
) -> Iterator[Scenario]:
    """A scenario for each phrasing and for the conversation, plain and without a twist."""
    reading = library.reading(chain, intent)
    ways = len(reading.phrasings) + bool(reading.conversation)
    for number in range(ways):
        pressure = Pressure.DECOMPOSITION if number >= len(reading.phrasings) else None
        staged = stage_scenario(number, 5, (chain,), library, catalog)
        changed = {"twist": None, "style": Style(pressure=pressure), "ordinal": number}
        yield staged.model_copy(update=changed)


async def _screened(scenario: Scenario, said: Instruction, studio: Studio) -> tuple[Verdict, ...]:
    evidence = Evidence(scenario, said, studio.catalog, studio.roles.judge)
    return await examine(GATES.values(), "request", evidence)
