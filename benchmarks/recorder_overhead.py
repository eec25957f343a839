"""What recording adds to an async run of an agent: our recorder and collector, and two others'.

The agent calls two tools in parallel and answers; its model has its answers
ready. The kinds take turns in blocks of ten runs, in an order drawn anew each
round, so that what the machine does meanwhile falls on all alike. Added is the
difference from the median of the bare runs of the same round. Two ways to count:

- alone: each run is followed by a pause, in which writers and exporters finish.
  It is what somebody who waits for one answer notices.
  Beside the time on the clock stands the processor's time of the app's own
  thread, which other processes of a busy machine do not lengthen.
- full speed: runs follow each other without a pause, and what works in the
  background takes its share of the interpreter from them.

Ours redacts and writes to SQLite. LangSmith's tracer sends to a server in a
process of its own, on loopback, that forgets; "collector" is the same tracer
that sends to ``agentalign collect serve``, which redacts and writes to SQLite. OpenInference's spans go through
a batch processor to an exporter that forgets. What is not installed is left out.

Run: python benchmarks/recorder_overhead.py [--rounds 20] [--pause 0.1] [--json OUT]
"""

import argparse
import asyncio
import gc
import importlib.util
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any

from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool
from langchain_core.tracers.context import tracing_v2_enabled
from langchain_core.utils.function_calling import convert_to_openai_tool
from langsmith import Client

from agentalign_lc.traces.recorder import record
from agentalign_lc.traces.store import TraceStore

Kind = Callable[[], AbstractContextManager[Any]]
BLOCK = 10
COMMAND = (sys.executable, "-m", "agentalign_lc.cli")


class ReadyModel(BaseChatModel):
    """Calls two tools, then answers."""

    @property
    def _llm_type(self) -> str:
        return "ready"

    def bind_tools(self, tools: Sequence[Any], **_: Any) -> Any:  # noqa: ANN401 - as its base
        """Hand their schemas on with each call."""
        return self.bind(tools=[convert_to_openai_tool(one) for one in tools])

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:  # noqa: ANN401
        calls = [
            {"name": "find", "args": {"text": "tides"}, "id": "1"},
            {"name": "note", "args": {"text": "high water at noon"}, "id": "2"},
        ]
        done = isinstance(messages[-1], ToolMessage)
        message = AIMessage("Noted." if done else "", tool_calls=[] if done else calls)
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _agenerate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:  # noqa: ANN401
        return self._generate(messages)


@tool
async def find(text: str) -> str:
    """Find a text."""
    return f"{text}: high water at noon"


@tool
async def note(text: str) -> str:
    """Note a text down."""
    return f"noted: {text}"


class Forgetful(BaseHTTPRequestHandler):
    """Takes batches of runs and forgets them."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Say what it takes."""
        limits = {"size_limit": 100, "size_limit_bytes": 20_000_000, "scale_up_nthreads_limit": 16}
        limits |= {"scale_up_qsize_trigger": 1000, "scale_down_nempty_trigger": 4}
        self._answer(
            json.dumps({"batch_ingest_config": limits | {"use_multipart_endpoint": False}}).encode()
        )

    def do_POST(self) -> None:
        """Take a batch."""
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self._answer(b"{}")

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def serve(started: Connection) -> None:
    """Be the sink."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Forgetful)
    started.send(server.server_port)
    server.serve_forever()


@contextmanager
def sink() -> Iterator[str]:
    """The address of a server in a process of its own."""
    processes = get_context("spawn")
    here, there = processes.Pipe()
    process = processes.Process(target=serve, args=(there,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}"
    finally:
        process.terminate()
        process.join()


@contextmanager
def collector(folder: Path) -> Iterator[str]:
    """The address of a collector in a process of its own."""
    process = subprocess.Popen(
        [*COMMAND, "collect", "serve", "--port", "0", "--store", folder / "collected.sqlite"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        told = (line for line in process.stdout or () if "LANGSMITH_ENDPOINT=" in line)
        yield next(told).partition("=")[2].strip()
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate()


def langsmith(stack: ExitStack, address: str) -> Kind:
    """LangSmith's tracer, as its environment variables switch it on."""
    client = Client(api_url=address, api_key="local")
    stack.callback(client.cleanup)

    @contextmanager
    def traced() -> Iterator[None]:
        with tracing_v2_enabled("overhead", client=client):
            yield
        client.flush(timeout=30)

    return traced


def openinference() -> Kind:
    """OpenInference's instrumentor."""
    from openinference.instrumentation.langchain import LangChainInstrumentor  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import (  # noqa: PLC0415
        BatchSpanProcessor,
        SpanExporter,
        SpanExportResult,
    )

    class Nowhere(SpanExporter):
        def export(self, _: object) -> SpanExportResult:
            return SpanExportResult.SUCCESS

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Nowhere()))

    @contextmanager
    def traced() -> Iterator[None]:
        instrumentor = LangChainInstrumentor()
        instrumentor.instrument(tracer_provider=provider, skip_dep_check=True)
        try:
            yield
        finally:
            instrumentor.uninstrument()
            provider.force_flush()

    return traced


def kinds(stack: ExitStack) -> dict[str, Kind]:
    """All that can be measured here."""
    folder = Path(stack.enter_context(TemporaryDirectory()))
    store = stack.enter_context(TraceStore.open(folder / "traces.sqlite"))
    found: dict[str, Kind] = {
        "bare": nullcontext,
        "recorder": lambda: record(store),
        "LangSmith's tracer": langsmith(stack, stack.enter_context(sink())),
    }
    if importlib.util.find_spec("uvicorn"):
        found["collector"] = langsmith(stack, stack.enter_context(collector(folder)))
    if importlib.util.find_spec("openinference"):
        found["OpenInference"] = openinference()
    return found


async def block(kind: Kind, pause: float) -> list[tuple[float, float]]:
    """Milliseconds of each run of a block: on the clock, and of this thread's processor time."""
    agent = create_agent(ReadyModel(), [find, note])
    request = {"messages": [("user", "Find the tides, and note them down.")]}
    took = []
    with kind():
        await agent.ainvoke(request)
        for _ in range(BLOCK):
            begun, busy = time.perf_counter(), time.thread_time()
            await agent.ainvoke(request)
            took.append((1e3 * (time.perf_counter() - begun), 1e3 * (time.thread_time() - busy)))
            if pause:
                await asyncio.sleep(pause)
    return took


async def measure(found: dict[str, Kind], rounds: int, pause: float) -> dict[str, dict[str, float]]:
    """The figures of each kind, in milliseconds."""
    took: dict[str, list[float]] = defaultdict(list)
    added: dict[str, list[float]] = defaultdict(list)
    busy: dict[str, list[float]] = defaultdict(list)
    order, draw = list(found), random.Random(7)
    for number in range(rounds + 1):
        draw.shuffle(order)
        gc.collect()
        this = {name: await block(found[name], pause) for name in order}
        if not number:
            continue  # it warmed up
        bare_clock, bare_busy = (median(part) for part in zip(*this["bare"], strict=True))
        for name in order:
            took[name] += [clock for clock, _ in this[name]]
            added[name] += [clock - bare_clock for clock, _ in this[name]]
            busy[name] += [own - bare_busy for _, own in this[name]]
    return {
        name: {
            "median": median(took[name]),
            "p95": quantiles(took[name], n=20)[-1],
            "added_median": median(added[name]),
            "added_p95": quantiles(added[name], n=20)[-1],
            "added_own_median": median(busy[name]),
            "added_own_p95": quantiles(busy[name], n=20)[-1],
        }
        for name in found
    }


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--rounds", type=int, default=20, help=f"of {BLOCK} runs of each kind")
    parser.add_argument("--pause", type=float, default=0.1, help="seconds after each run alone")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    results: dict[str, Any] = {}
    with ExitStack() as stack:
        found = kinds(stack)
        for way, pause in (("alone", arguments.pause), ("full speed", 0.0)):
            results[way] = asyncio.run(measure(found, arguments.rounds, pause))
            print(f"\n{way}: {arguments.rounds * BLOCK} runs of each kind, ms\n")
            print("| kind | a run, median | p95 | added, median | p95 | added, own thread, median | p95 |")  # fmt: skip
            print("|---|---|---|---|---|---|---|")
            for name, line in results[way].items():
                print(f"| {name} | " + " | ".join(f"{value:.2f}" for value in line.values()) + " |")
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
