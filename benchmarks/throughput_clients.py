"""The competitors of the throughput benchmark, one a process: the same rows, schema, limits and server.

Each gets 64 calls at once, the same timeout, and as many tries as it lets one
ask for. It prints one line of JSON: how many rows were lost, and the retries
that it counted, where it counts any.

Run: python benchmarks/throughput_clients.py NAME --base-url URL [--calls 1800] [--timeout 60]
"""

import argparse
import asyncio
import json
import logging
import os
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict

from throughput_task import SYSTEM, Finding, lost, prompts

Outcome = tuple[list[Any], int | None]
"""The answers in the order of the rows, and the retries that were counted."""

TRIES = 8


def bare(options: Namespace) -> Outcome:
    """The OpenAI client and a semaphore: what can be had in one process with that client."""
    from openai import AsyncOpenAI  # noqa: PLC0415
    from openai.types.shared_params import ResponseFormatJSONSchema  # noqa: PLC0415

    schema = {"name": "finding", "schema": Finding.model_json_schema()}
    form: ResponseFormatJSONSchema = {"type": "json_schema", "json_schema": schema}  # type: ignore[typeddict-item]

    async def run() -> list[Any]:
        client = AsyncOpenAI(
            base_url=options.base_url,
            api_key="none",
            timeout=options.timeout,
            max_retries=TRIES - 1,
        )
        gate = asyncio.Semaphore(options.concurrency)

        async def one(prompt: str) -> Any:  # noqa: ANN401
            async with gate:
                try:
                    made = await client.chat.completions.create(
                        model="loopback",
                        messages=[
                            {"role": "system", "content": SYSTEM},
                            {"role": "user", "content": prompt},
                        ],
                        response_format=form,
                    )
                    return Finding.model_validate_json(made.choices[0].message.content or "")
                except Exception as error:  # noqa: BLE001 - a row that is lost
                    return error

        return await asyncio.gather(*map(one, prompts(options.calls, options.offset)))

    return asyncio.run(run()), None


def _chat(options: Namespace) -> Any:  # noqa: ANN401 - a runnable of another environment
    from langchain_openai import ChatOpenAI  # noqa: PLC0415

    model = ChatOpenAI(
        model="loopback",
        base_url=options.base_url,
        api_key="none",  # type: ignore[arg-type]
        timeout=options.timeout,
        max_retries=TRIES - 1,
    )
    return model.with_structured_output(Finding)


def abatch(options: Namespace) -> Outcome:
    """LangChain's ``abatch`` with ``max_concurrency``."""
    model = _chat(options)
    asked = [
        [("system", SYSTEM), ("human", text)] for text in prompts(options.calls, options.offset)
    ]
    answers = asyncio.run(
        model.abatch(asked, {"max_concurrency": options.concurrency}, return_exceptions=True)
    )
    return answers, None


class _State(TypedDict, total=False):
    row: str
    asked: list[tuple[str, str]]
    finding: Finding
    answer: Finding


def graph(options: Namespace) -> Outcome:
    """A three-node LangGraph graph for each row: prepare, ask, record."""
    from langgraph.graph import END, START, StateGraph  # noqa: PLC0415

    model = _chat(options)

    def prepare(state: _State) -> _State:
        return {"asked": [("system", SYSTEM), ("human", state["row"])]}

    async def ask(state: _State) -> _State:
        return {"finding": await model.ainvoke(state["asked"])}

    def record(state: _State) -> _State:
        return {"answer": state["finding"]}

    built: Any = StateGraph(_State)
    for node in (prepare, ask, record):
        built.add_node(node.__name__, node)
    for edge in ((START, "prepare"), ("prepare", "ask"), ("ask", "record"), ("record", END)):
        built.add_edge(*edge)
    rows = [{"row": text} for text in prompts(options.calls, options.offset)]
    made = asyncio.run(
        built.compile().abatch(
            rows, {"max_concurrency": options.concurrency}, return_exceptions=True
        )
    )
    return [one.get("answer") if isinstance(one, dict) else one for one in made], None


def distilabel(options: Namespace) -> Outcome:
    """A pipeline with one structured generation step; a batch is what it asks at once."""
    from distilabel.models import OpenAILLM  # type: ignore[import-not-found]  # noqa: PLC0415
    from distilabel.pipeline import Pipeline  # type: ignore[import-not-found]  # noqa: PLC0415
    from distilabel.steps import LoadDataFromDicts  # type: ignore[import-not-found]  # noqa: PLC0415
    from distilabel.steps.tasks import TextGeneration  # type: ignore[import-not-found]  # noqa: PLC0415

    rows = [
        {"number": number, "instruction": text, "system_prompt": SYSTEM}
        for number, text in enumerate(prompts(options.calls, options.offset))
    ]
    with Pipeline(name="throughput") as pipeline:
        load = LoadDataFromDicts(data=rows, batch_size=options.concurrency)
        generate = TextGeneration(
            llm=OpenAILLM(
                model="loopback",
                base_url=options.base_url,
                api_key="none",
                timeout=max(1, round(options.timeout)),
                max_retries=TRIES - 1,
                structured_output={"schema": Finding},
            ),
            input_batch_size=options.concurrency,
            use_default_structured_output=False,
        )
        load >> generate
    made = pipeline.run(use_cache=False)["default"]["train"]
    answers: list[Any] = [None] * options.calls
    for row in made:
        if row["generation"]:
            answers[row["number"]] = Finding.model_validate_json(row["generation"])
    return answers, None


def curator(options: Namespace) -> Outcome:
    """Curator's LLM with its OpenAI backend; its rate limits are out of the way."""
    os.environ |= {
        "CURATOR_DISABLE_CACHE": "true", "TELEMETRY_ENABLED": "false", "OPENAI_API_KEY": "none",
        "CURATOR_VIEWER": "0", "CURATOR_DISABLE_RICH_DISPLAY": "1", "CURATOR_CACHE_DIR": str(Path.cwd() / "curator"),
    }  # fmt: skip
    from bespokelabs import curator as package  # type: ignore[import-not-found]  # noqa: PLC0415

    _count_bytes_offline()

    class Judge(package.LLM):  # type: ignore[misc]
        response_format = Finding

        def prompt(self, row: dict[str, Any]) -> list[dict[str, str]]:
            return [
                {"role": "system", "content": SYSTEM},
                {"role": "user", "content": row["text"]},
            ]

        def parse(self, row: dict[str, Any], response: Finding) -> dict[str, Any]:
            return {"number": row["number"], **response.model_dump()}

    limits = {"max_requests_per_minute": 1_000_000, "max_tokens_per_minute": 1_000_000_000}
    judge = Judge(
        model_name="loopback",
        backend="openai",
        backend_params={
            "base_url": options.base_url,
            "max_concurrent_requests": options.concurrency,
            "max_retries": TRIES - 1,
            "request_timeout": max(1, round(options.timeout)),
            "require_all_responses": False,
            **limits,
        },
    )
    rows = [
        {"number": number, "text": text}
        for number, text in enumerate(prompts(options.calls, options.offset))
    ]
    made = judge(rows)
    answers: list[Any] = [None] * options.calls
    for row in getattr(made, "dataset", made):
        answers[row["number"]] = Finding(reason=row["reason"], harmful=row["harmful"])
    return answers, None


def ours(options: Namespace) -> Outcome:
    """``ask_many``: one endpoint with limits and retries, in so many processes."""
    from langchain_core.messages import HumanMessage, SystemMessage  # noqa: PLC0415

    from agentalign_lc.endpoints.endpoints import Endpoints  # noqa: PLC0415
    from agentalign_lc.endpoints.limits import Limits  # noqa: PLC0415
    from agentalign_lc.roles.prompted import ask_many  # noqa: PLC0415

    batch = ask_many(
        "openai:loopback",
        [
            [SystemMessage(SYSTEM), HumanMessage(text)]
            for text in prompts(options.calls, options.offset)
        ],
        Finding,
        endpoints=Endpoints(
            base_url=options.base_url,
            limits=Limits(concurrency=options.concurrency, timeout=options.timeout),
        ),
        workers=options.workers,
    )
    (spending,) = batch.spending
    return list(batch.answers), sum(spending.retries.values())


def _count_bytes_offline() -> None:
    """Where tiktoken cannot download its vocabulary, count bytes for tokens: it only guards a limit."""
    import tiktoken  # type: ignore[import-not-found]  # noqa: PLC0415

    try:
        tiktoken.get_encoding("cl100k_base")
    except OSError:
        ranks = {bytes([byte]): byte for byte in range(256)}
        plain = tiktoken.Encoding(
            "bytes", pat_str=r"[\s\S]", mergeable_ranks=ranks, special_tokens={}
        )
        tiktoken.get_encoding = lambda _: plain
        tiktoken.encoding_for_model = lambda _: plain


PEERS: dict[str, Callable[[Namespace], Outcome]] = {
    "bare": bare,
    "abatch": abatch,
    "graph": graph,
    "distilabel": distilabel,
    "curator": curator,
    "ours": ours,
}


def main() -> None:
    """Run one of them and say how it went, in one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=PEERS)
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--calls", type=int, default=1800)
    parser.add_argument("--offset", type=int, default=0)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--timeout", type=float, default=60.0)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    said, sys.stdout = sys.stdout, sys.stderr
    answers, retries = PEERS[options.name](options)
    print(
        json.dumps({"lost": lost(answers, options.offset), "retries": retries}),
        file=said,
        flush=True,
    )


if __name__ == "__main__":
    main()
