"""The shared matrix for the node and for wrapped apps; the wrapper's own is in ``test_ways.py``."""

from typing import Any

import pytest
from langchain.agents import create_agent
from langgraph.graph import START
from langgraph.prebuilt import ToolNode

from tests.guard.ways.four_ways import bare_builder
from tests.guard.ways.matrix import Cell, arun_cell, cells, run_cell


def by_node(guard: Any, model: Any, tools: Any, saver: Any) -> Any:
    builder = bare_builder(model, ToolNode(tools))
    builder.add_node("guard", guard.node(model="agent", tools="tools"))
    for place in (START, "agent", "tools"):
        builder.add_edge(place, "guard")
    return builder.compile(saver)


def by_wrap_of_agent(guard: Any, model: Any, tools: Any, saver: Any) -> Any:
    return guard.wrap(create_agent(model, tools, checkpointer=saver))


WAYS = {"node": by_node, "wrap": by_wrap_of_agent}


@pytest.mark.parametrize("cell", cells("sync"), ids=str)
@pytest.mark.parametrize("way", WAYS)
def test_sync(way: str, cell: Cell) -> None:
    run_cell(WAYS[way], cell)


@pytest.mark.parametrize("cell", cells("async"), ids=str)
@pytest.mark.parametrize("way", WAYS)
async def test_async(way: str, cell: Cell) -> None:
    await arun_cell(WAYS[way], cell)
