"""Every phrasing of every chain, said in every tool that serves its steps, passes the gates."""

import asyncio

import pytest

from agentalign_lc.environment.catalog import load_catalog
from agentalign_lc.quality.grounding import check_grounding, profile_sources
from agentalign_lc.quality.schema import check_schema
from agentalign_lc.records import Intent
from agentalign_lc.roles.base import Brief
from agentalign_lc.roles.embedded.author import EmbeddedAuthor
from agentalign_lc.synthesis.stage import stage_scenario
from agentalign_lc.taxonomy import load_library

CATALOG = load_catalog()
LIBRARY = load_library(CATALOG)
AUTHOR = EmbeddedAuthor(LIBRARY, CATALOG)


def problems(chain_name: str, intent: Intent) -> list[str]:
    """What the gates say against any phrasing of a reading, over several worlds."""
    found = []
    chain = LIBRARY.chains[chain_name]
    for index in range(2 * len(LIBRARY.scripts[chain_name].readings[intent].phrasings)):
        scenario = stage_scenario(index, 5, (chain,), LIBRARY, CATALOG)
        tools = {name: CATALOG.tools[name] for name in scenario.offered}
        instruction = asyncio.run(AUTHOR.write(Brief(scenario, intent, tuple(tools.values()))))
        calls = [(call.tool, call.arguments) for call in instruction.calls]
        verdicts = (
            check_schema(calls, tools),
            check_grounding(
                calls, tools, instruction.text, profile_sources(scenario, instruction.text)
            ),
        )
        found += [f"{v.gate}: {v.reason}\n    {instruction.text}" for v in verdicts if not v.passed]
    return found


@pytest.mark.parametrize("intent", list(Intent))
@pytest.mark.parametrize("chain_name", LIBRARY.chains)
def test_every_phrasing_is_grounded(chain_name: str, intent: Intent) -> None:
    assert not (found := problems(chain_name, intent)), "\n".join(found)
