"""Every way in behaves as one: see ``matrix.py``."""

import pytest
from langchain.agents import create_agent

from agentalign_lc.guard.ways.middleware import GuardMiddleware
from tests.guard.ways.matrix import Cell, Way, arun_cell, cells, run_cell


def with_middleware(guard, model, tools, checkpointer):
    return create_agent(
        model, tools, middleware=[GuardMiddleware(guard)], checkpointer=checkpointer
    )


WAYS = {"middleware": with_middleware}


@pytest.mark.parametrize("cell", cells("sync"), ids=str)
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_sync_cell(way: Way, cell: Cell) -> None:
    seen = run_cell(way, cell)
    assert seen.asked == 1, "a verdict is paid for once"


@pytest.mark.parametrize("cell", cells("async"), ids=str)
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
async def test_async_cell(way: Way, cell: Cell) -> None:
    seen = await arun_cell(way, cell)
    assert seen.asked == 1, "a verdict is paid for once"
