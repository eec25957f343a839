"""What it costs to have an answer on disk before the graph goes on with it.

Our journal of calls (a table of ``run.sqlite``, one thread that writes, what
piles up shares a transaction) beside LangGraph's own way, a checkpointer with
``durability="sync"``, which is the only one that had kept the finished nodes
after a SIGKILL. Both databases are in WAL mode with ``synchronous=NORMAL``.
The checkpointer's cost is that of a graph of five nodes, one call each, less
that of the same graph without a checkpointer. CPU of all threads, per call.

Run: python benchmarks/journal.py        # needs langgraph-checkpoint-sqlite; ten seconds
"""

import asyncio
import operator
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, TypedDict

from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from agentalign_lc.dataset.store import RunStore
from agentalign_lc.dataset.writer import RunWriter
from agentalign_lc.endpoints.journal import Call, Spend

CALLS, NODES = 1000, 5
ANSWER = "a" * 900


async def measured(do: Callable[[int], Awaitable[object]], times: int, at_once: int) -> float:
    """Processor seconds for so many times, so many of them at once."""
    numbers: Iterator[int] = iter(range(times))

    async def lane() -> None:
        for number in numbers:
            await do(number)

    before = time.process_time()
    await asyncio.gather(*(lane() for _ in range(at_once)))
    return time.process_time() - before


async def journal(folder: Path, at_once: int) -> float:
    """Milliseconds of CPU for a kept call."""
    with RunStore.create(folder, {}) as store, RunWriter(store) as writer:

        async def keep(number: int) -> None:
            spend = Spend(input_tokens=500, output_tokens=200)
            call = Call(
                unit=number % 50, key=f"{number:032x}", endpoint="m", answer=ANSWER, spend=spend
            )
            await writer.keep(call)

        return 1000 * await measured(keep, CALLS, at_once) / CALLS


class State(TypedDict):
    """A conversation."""

    messages: Annotated[list[Any], operator.add]


def graph(saver: AsyncSqliteSaver | None) -> CompiledStateGraph[Any, Any, Any, Any]:
    """A graph of five nodes that each answer."""

    async def answer(_: State) -> dict[str, Any]:
        return {"messages": [AIMessage(ANSWER)]}

    built = StateGraph(State)
    names = [f"call_{number}" for number in range(NODES)]
    for name in names:
        built.add_node(name, answer)
    for before, after in zip([START, *names], [*names, END], strict=True):
        built.add_edge(before, after)
    return built.compile(checkpointer=saver)


async def checkpointer(folder: Path, at_once: int) -> float:
    """Milliseconds of CPU that a checkpointer adds to a call."""
    asked = {"messages": [HumanMessage("hi")]}
    async with AsyncSqliteSaver.from_conn_string(str(folder / "checkpoints.sqlite")) as saver:
        await saver.conn.execute("PRAGMA journal_mode = WAL")
        await saver.conn.execute("PRAGMA synchronous = NORMAL")
        kept, bare = graph(saver), graph(None)

        async def with_saver(number: int) -> None:
            config: Any = {"configurable": {"thread_id": str(number)}}
            await kept.ainvoke(asked, config, durability="sync")

        async def without(_: int) -> None:
            await bare.ainvoke(asked)

        runs = CALLS // NODES
        base = await measured(without, runs, at_once)
        return 1000 * (await measured(with_saver, runs, at_once) - base) / CALLS


def main() -> None:
    """Print a line for each way, alone and 64 at once."""
    print("| CPU ms a kept call | 1 at once | 64 at once |\n|---|---|---|")
    for name, way in (("journal of calls", journal), ("AsyncSqliteSaver, sync", checkpointer)):
        figures = []
        for at_once in (1, 64):
            with TemporaryDirectory() as folder:
                figures.append(asyncio.run(way(Path(folder), at_once)))
        print(f"| {name} | {figures[0]:.2f} | {figures[1]:.2f} |")


if __name__ == "__main__":
    main()
