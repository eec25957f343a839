"""An app of LangChain.js is captured as one in Python is: three environment variables, no code."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from agentalign_lc.messages import message_text
from tests.openai_server import completion
from tests.traces.collector.served import served

pytestmark = pytest.mark.slow
APP = Path(__file__).parent / "javascript"
REFUSAL = "I can't help with flooding the harbour."


@pytest.fixture
def app(tmp_path, request):
    """The app with its libraries, as npm installs them; kept in pytest's cache for the next time."""
    if not (npm := shutil.which("npm")) or not shutil.which("node"):
        pytest.skip("node and npm are not installed, so no JavaScript app can be tried")
    cache = getattr(request.config, "cache", None)
    versions = hashlib.sha256((APP / "package.json").read_bytes()).hexdigest()[:12]
    folder = cache.mkdir(f"langchain-js-{versions}") if cache else tmp_path
    for file in ("app.mjs", "package.json"):
        shutil.copy(APP / file, folder)
    if (folder / "installed").exists():
        return folder
    options = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"]
    installed = subprocess.run(
        [npm, "install", *options], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )  # fmt: skip
    if installed.returncode:
        last = (installed.stderr.strip().splitlines() or ["?"])[0]
        pytest.skip(f"npm cannot install LangChain.js here: {last}")
    (folder / "installed").touch()
    return folder


def answer(number: int, message: dict[str, Any]) -> Response:
    response = completion(message, "tool_calls" if "tool_calls" in message else "stop")
    body = json.loads(response.get_data())
    # A graph's state holds each message once, by this id.
    response.set_data(json.dumps({**body, "id": f"chatcmpl-{number}"}))
    return response


@pytest.fixture
def model():
    """An OpenAI server on loopback: two tools at once, an answer, a refusal."""

    def call(id: str, name: str, **arguments: object) -> dict[str, object]:
        function = {"name": name, "arguments": json.dumps(arguments)}
        return {"id": id, "type": "function", "function": function}

    calls = [call("c1", "look_up", place="harbour"), call("c2", "dredge", depth=90)]
    said = [{"tool_calls": calls}, {"content": "At noon."}, {"content": REFUSAL}]
    answers = iter([answer(number, message) for number, message in enumerate(said)])
    with HTTPServer(host="127.0.0.1") as server:
        where = server.expect_request("/v1/chat/completions", method="POST")
        where.respond_with_handler(lambda _: next(answers))
        yield server.url_for("/v1")


def test_a_langgraph_app_in_javascript(app, model, tmp_path):
    with served(tmp_path) as collector:
        told = {
            "LANGSMITH_TRACING": "true",
            "LANGSMITH_ENDPOINT": collector.url,
            "LANGSMITH_API_KEY": "local",
        }
        ran = subprocess.run(
            ["node", "app.mjs", model],
            cwd=app,
            env={**os.environ, **told},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, "6\n", "")
    assert collector.problems == []
    (trace,) = collector.store.traces()
    assert (trace.name, trace.thread, trace.attributes.get("part_of")) == ("harbour", "js-1", None)
    models = [span for span in trace.spans if span.kind == "model"]
    assert [message_text(span.reply) for span in models] == ["", "At noon.", REFUSAL]
    assert [span.node for span in models] == ["agent", "agent", "refuse"]
    assert [message.type for message in models[1].messages] == ["human", "ai", "tool", "tool"]
    assert [call["args"] for call in models[0].reply.tool_calls] == [{"place": "harbour"}, {"depth": 90}]  # fmt: skip
    for span in models:
        assert [tool["function"]["name"] for tool in span.tools] == ["look_up", "dredge"]
        assert span.usage == {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
    tools = {span.name: span for span in trace.spans if span.kind == "tool"}
    assert (tools["look_up"].call_id, tools["look_up"].result) == ("c1", "harbour: high water at noon")  # fmt: skip
    assert (tools["dredge"].status, tools["dredge"].error) == ("error", "no dredger goes 90 m deep")
    names = {span.id: span.name for span in trace.spans}
    assert {names[span.parent] for span in tools.values()} == {"tools"}
    assert names[models[2].parent] == "refuse"
