"""Runs the traced app once in each way; nothing here knows of a collector."""

import asyncio

from langchain_core.runnables import RunnableConfig

from tests.traces.traced_app import REQUEST, build_app

GIVEN = {"messages": [("user", REQUEST)]}


def config(way: str) -> RunnableConfig:
    return {"run_name": way, "configurable": {"thread_id": f"thread of {way}"}}


async def astream() -> None:
    async for _ in build_app().astream(GIVEN, config("astream"), subgraphs=True):
        pass


if __name__ == "__main__":
    build_app().invoke(GIVEN, config("invoke"))
    asyncio.run(build_app().ainvoke(GIVEN, config("ainvoke")))
    asyncio.run(astream())
