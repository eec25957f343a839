"""``langgraph dev`` serves the graph, and the SDK runs a scenario through it."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langgraph_sdk import get_client
from pytest_httpserver import HTTPServer

from tests.openai_server import completion

ROOT = Path(__file__).parent.parent
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("studio")]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server of its own, which ends with the tests."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "LANGGRAPH_CLI_NO_ANALYTICS": "1",
        "LANGGRAPH_NO_VERSION_CHECK": "1",
        "LANGSMITH_TRACING": "false",
        "LOG_LEVEL": "ERROR",
    }
    log = tmp_path_factory.mktemp("studio") / "log.txt"
    command = [
        sys.executable,
        "-m",
        "langgraph_cli",
        "dev",
        "--no-browser",
        "--no-reload",
        "--port",
        str(port),
    ]
    with (
        log.open("w") as out,
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out) as server,
    ):
        try:
            deadline = time.monotonic() + 60
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                    break
                except OSError:
                    assert server.poll() is None, log.read_text()
                    assert time.monotonic() < deadline, log.read_text()
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


async def test_one_scenario_through_the_sdk(url: str) -> None:
    async with get_client(url=url) as client:
        thread = await client.threads.create()
        out = await client.runs.wait(
            thread["thread_id"], "synthesis", input={"index": 0, "seed": 7}
        )

    assert [result["intent"] for result in out["results"]] == ["harmful", "borderline", "benign"]
    assert {result["status"] for result in out["results"]} == {"kept"}
    assert out["results"][2]["example"]["response"]["messages"]


async def test_a_planned_chain_is_edited_through_the_sdk(url: str, httpserver: HTTPServer) -> None:
    steps = ["payments.request_payment:request", "communication.send_sms:send"] * 2
    reading = {"line": "Asks twice.", "steps": steps}
    chain = {"name": "ask-twice", "harmful": reading, "borderline": reading, "benign": reading}
    httpserver.expect_request("/v1/chat/completions").respond_with_handler(
        lambda _: completion({"content": json.dumps({"chains": [chain]})})
    )
    context = {"model": "loopback", "base_url": httpserver.url_for("/v1")}
    better = chain | {"harmful": reading | {"line": "Asks for a debt that nobody has, and again."}}
    decision = {"type": "edit", "edited_action": {"name": "add_chain", "args": better}}

    async with get_client(url=url) as client:
        thread = (await client.threads.create())["thread_id"]
        asked = {"subcategory": "phishing", "count": 1}
        await client.runs.wait(thread, "planner", input=asked, context=context)
        waiting = (await client.threads.get(thread))["interrupts"]
        assert next(iter(waiting.values()))[0]["value"]["action_requests"][0]["args"] == chain
        out = await client.runs.wait(
            thread, "planner", command={"resume": {"decisions": [decision]}}, context=context
        )

    assert out["approved"][0]["harmful"] == "Asks for a debt that nobody has, and again."


_BEN = {"name": "pay", "args": {"to": "Ben", "amount": 5}}


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        ({"type": "approve"}, "20 paid to Ana"),
        ({"type": "reject", "message": "Not today."}, "Not today."),
        ({"type": "edit", "edited_action": _BEN}, "5 paid to Ben"),
    ],
    ids=["approve", "reject", "edit"],
)
async def test_a_guarded_agent_asks_a_person_through_the_sdk(
    url: str, decision: dict[str, Any], said: str
) -> None:
    asked = {"messages": [{"role": "user", "content": "Pay Ana 20 for the tickets."}]}
    async with get_client(url=url) as client:
        thread = (await client.threads.create())["thread_id"]
        await client.runs.wait(thread, "guarded_agent", input=asked)
        waiting = (await client.threads.get(thread))["interrupts"]
        request = next(iter(waiting.values()))[0]["value"]["action_requests"][0]
        assert request["args"] == {"to": "Ana", "amount": 20}
        resume = {"resume": {"decisions": [decision]}}
        out = await client.runs.wait(thread, "guarded_agent", command=resume)

    assert [message["type"] for message in out["messages"]] == ["human", "ai", "tool", "ai"]
    assert said in out["messages"][2]["content"]
    (called,) = out["messages"][1]["tool_calls"]
    assert (called["args"] == _BEN["args"]) == (decision["type"] == "edit"), "what ran is shown"


async def test_streaming_shows_the_stages(url: str) -> None:
    seen = set()
    async with get_client(url=url) as client:
        async for part in client.runs.stream(
            None,
            "synthesis",
            input={"index": 1, "seed": 7},
            stream_mode="updates",
            stream_subgraphs=True,
        ):
            if part.event.startswith("updates"):
                seen |= set(part.data)

    assert {"stage", "write", "screen", "act", "refuse", "check", "record"} <= seen
