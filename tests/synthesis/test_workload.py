"""How many calls a scenario is thought to ask for, beside how many it asks for."""

import asyncio

from agentalign_lc.environment.catalog import load_catalog
from agentalign_lc.roles.embedded import embedded_roles
from agentalign_lc.synthesis.casting import cast_roles
from agentalign_lc.synthesis.config import RunConfig
from agentalign_lc.synthesis.counting import Absent, Ledger, counted
from agentalign_lc.synthesis.graph import build_graph
from agentalign_lc.synthesis.stager import Stager
from agentalign_lc.synthesis.studio import Studio
from agentalign_lc.synthesis.workload import calls_of
from agentalign_lc.taxonomy import load_library

SEED = 7


def test_the_workload_is_known_beforehand() -> None:
    config = RunConfig(models=("a",), seed=SEED, scenarios=30, pressure=0.25)
    catalog = load_catalog()
    library = load_library(catalog)
    ledger = Ledger()
    roles = counted(
        cast_roles(config, library, catalog, Absent()), embedded_roles(library, catalog), ledger
    )
    studio = Studio.of(config, roles, catalog, library)
    graph, stager = build_graph(studio), Stager(studio)

    async def asked(index: int) -> int:
        ledger.clear()
        await graph.ainvoke({"index": index, "seed": SEED})
        return sum(usage.calls for usage in ledger.asked.values())

    async def run() -> list[tuple[int, int]]:
        return [
            (calls_of(stager.stage(n, SEED)[0]), await asked(n)) for n in range(config.scenarios)
        ]

    pairs = asyncio.run(run())

    right = sum(thought == made for thought, made in pairs)
    assert right >= 0.6 * len(pairs)
    longest = sorted(pairs, key=lambda pair: -pair[1])[:3]
    usual = sorted(thought for thought, _ in pairs)[len(pairs) // 2]
    assert all(thought > usual for thought, _ in longest), "the longest go first"
