"""The real client of LangSmith, and each way in which one can send runs."""

import threading
from datetime import UTC, datetime
from uuid import uuid4

import pytest
import zstandard
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tracers import LangChainTracer
from langsmith import Client
from langsmith.schemas import LangSmithInfo

from tests.scripted import ScriptedChatModel
from tests.traces.collector.served import END, START, gzipped, multipart, run

_BATCH = {
    "scale_up_qsize_trigger": 1000,
    "scale_up_nthreads_limit": 4,
    "scale_down_nempty_trigger": 4,
    "size_limit": 100,
    "size_limit_bytes": 2**20,
}


@pytest.mark.parametrize(
    ("is_multipart", "is_zstd"), [(False, False), (True, False), (True, True)], ids=["json", "parts", "zstd"]
)  # fmt: skip
def test_a_model_call_comes_through_langchains_tracer(collector, is_multipart, is_zstd):
    info = LangSmithInfo(
        batch_ingest_config={**_BATCH, "use_multipart_endpoint": is_multipart},
        instance_flags={"zstd_compression_enabled": is_zstd},
    )
    client = Client(api_url=collector.url, api_key="local", info=info)
    model = ScriptedChatModel(script=[AIMessage("It is noon.", usage_metadata={"input_tokens": 3, "output_tokens": 4, "total_tokens": 7})])  # fmt: skip
    model.invoke(
        [HumanMessage("What time is it?")], {"callbacks": [LangChainTracer(client=client)]}
    )
    client.flush()
    ((trace,), (span,)) = (found := collector.traces(1)), found[0].spans
    client.close()
    assert trace.source == "collector"
    assert (span.kind, span.status, span.name) == ("model", "ok", "ScriptedChatModel")
    assert [message.text for message in span.messages] == ["What time is it?"]
    assert span.reply is not None
    assert span.reply.text == "It is noon."
    assert span.usage == {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}
    assert collector.problems == []


def test_info_satisfies_the_client(collector):
    client = Client(api_url=collector.url, api_key="local", auto_batch_tracing=False)
    assert _BATCH.keys() <= client.info.batch_ingest_config.keys()
    id = uuid4()
    now = datetime.now(UTC)
    client.create_run("old", {"a": 1}, "chain", id=id, trace_id=id, start_time=now, dotted_order=f"{now:%Y%m%dT%H%M%S%f}Z{id}")  # fmt: skip
    client.update_run(id, outputs={"b": 2}, end_time=now)
    (trace,) = collector.traces(1)
    client.close()
    assert trace.id == str(id)
    assert trace.spans[0].attributes["output"] == {"b": 2}


def test_a_run_is_posted_and_patched_by_itself(collector):
    started = {"id": "1", "name": "app", "run_type": "chain", "start_time": START, "parent_run_id": None}  # fmt: skip
    assert collector.ask("POST", "/runs", started)[0] == 202
    assert collector.ask("PATCH", "/runs/1", {"end_time": END, "outputs": {"a": 1}})[0] == 202
    (trace,) = collector.traces(1)
    assert (trace.id, trace.name, trace.spans[0].status) == ("1", "app", "ok")


@pytest.mark.parametrize("encoding", ["", "gzip", "zstd"])
@pytest.mark.parametrize("prefix", ["", "/api/v1"])
def test_a_multipart_body_may_be_packed(collector, encoding, prefix):
    whole = run("1")
    body = multipart(
        {
            "post.1": whole,
            "post.1.inputs": {"question": "why"},
            "post.1.outputs": {"answer": "so"},
            "feedback.9": {"score": 1},
            "attachment.1.picture": "bytes",
        }
    )
    pack = {"": bytes, "gzip": gzipped, "zstd": zstandard.compress}[encoding]
    kind = "multipart/form-data; boundary=b0"
    path = f"{prefix}/runs/multipart"
    status, _ = collector.ask("POST", path, pack(body), content_type=kind, content_encoding=encoding)  # fmt: skip
    assert status == 202
    (trace,) = collector.traces(1)
    assert trace.spans[0].attributes["input"] == {"question": "why"}
    assert trace.spans[0].attributes["output"] == {"answer": "so"}


def test_other_calls_do_no_harm(collector):
    assert collector.ask("POST", "/v1/metadata/submit", {"a": 1}) == (202, {})
    assert collector.ask("GET", "/settings")[0] == 200
    assert collector.ask("GET", "/runs/1")[0] == 404
    assert collector.ask("PATCH", "/sessions/1", {"a": 1})[0] == 202


def test_many_apps_at_once_lose_nothing(collector):
    def app(number: int) -> None:
        for step in range(25):
            id = f"{number}-{step}"
            batch = {"post": [run(id, trace_id=id), run(f"{id}-child", id, trace_id=id)]}
            assert collector.ask("POST", "/runs/batch", batch)[0] == 202

    apps = [threading.Thread(target=app, args=(number,)) for number in range(6)]
    for one in apps:
        one.start()
    for one in apps:
        one.join()
    traces = collector.traces(150)
    assert sorted(len(trace.spans) for trace in traces) == [2] * 150
