"""What is broken, hostile or too much is refused or cut, in one clear line; the rest is kept."""

import gzip
import http.client
import json

import pytest
import zstandard

from tests.traces.collector.served import END, multipart, run, served

PARTS = "multipart/form-data; boundary=b0"
_JSON = json.dumps({"post": [run("1")]}).encode()


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "told"),
    [
        ("/runs/batch", _JSON[:-5], {}, 400, "no JSON"),
        ("/runs/batch", b"\xff\xfe", {}, 400, "no JSON"),
        ("/runs/batch", b"[" * 200_000, {}, 400, "nested too deeply"),
        ("/runs/batch", b'["runs"]', {}, 400, "a batch is"),
        ("/runs/batch", b'{"post": [{"name": "no id"}]}', {}, 422, "a run has an id"),
        ("/runs/batch", b'{"post": 7}', {}, 422, "a run is a JSON object"),
        ("/runs", b'{"id": 7}', {}, 422, "a run has an id"),
        ("/runs/batch", _JSON, {"content_encoding": "gzip"}, 400, "damaged gzip"),
        ("/runs/batch", gzip.compress(_JSON)[:-9], {"content_encoding": "gzip"}, 400, "cut off"),
        ("/runs/batch", _JSON, {"content_encoding": "zstd"}, 400, "damaged zstd"),
        ("/runs/batch", zstandard.compress(_JSON)[:-9], {"content_encoding": "zstd"}, 400, "no JSON"),
        ("/runs/batch", _JSON, {"content_encoding": "br"}, 400, "send gzip, zstd or none"),
        ("/runs/multipart", multipart({"post.1": run("1")}), {}, 415, "a boundary"),
        ("/runs/multipart", multipart({"post.1": 1})[:-9], {"content_type": PARTS}, 400, "cut off"),
        ("/runs/multipart", b"--b1\r\n", {"content_type": PARTS}, 400, "damaged multipart"),
    ],
)  # fmt: skip
def test_it_is_refused(collector, path, body, headers, status, told):
    found, answer = collector.ask("POST", path, body, **headers)
    assert (found, told in answer["detail"]) == (status, True), answer
    assert "\n" not in answer["detail"]
    # The collector is as well as before.
    assert collector.ask("POST", "/runs/batch", {"post": [run("1")]})[0] == 202
    assert len(collector.traces(1)) == 1


def test_the_good_runs_of_a_bad_batch_are_kept(collector):
    batch = {"post": [run("1"), {"id": ""}, "what", run("2", "1")], "patch": None}
    assert collector.ask("POST", "/runs/batch", batch)[0] == 202
    (trace,) = collector.traces(1)
    assert [span.id for span in trace.spans] == ["1", "2"]
    assert [problem.partition(":")[0] for problem in collector.problems] == ["post 1", "post 2"]


def test_a_bad_part_costs_its_own_run_only(collector):
    body = multipart({"post.1": run("1"), "post.1.extra": "?", "post.2": run("2", "1")})
    body = body.replace(b'"?"', b"{cut")
    assert collector.ask("POST", "/runs/multipart", body, content_type=PARTS)[0] == 202
    (trace,) = collector.traces(1)
    assert [span.id for span in trace.spans] == ["1", "2"]
    assert collector.problems == ["part post.1.extra: no JSON (Expecting property name enclosed in double quotes: line 1 column 2 (char 1))"]  # fmt: skip


def test_unknown_kinds_and_shapes_are_kept_as_they_are(collector):
    strange = [
        run("1", run_type="seance", inputs=["?"], outputs=7, extra="none", tags={}),
        run("2", "1", run_type="llm", inputs={"messages": [[{"lc": 1}, 7, ["ai", "hello"]]]}, outputs={"generations": [[None]]}),
        run("3", "1", run_type="llm", inputs=None, outputs={"generations": []}, extra={"invocation_params": {"tools": [7, {"type": "web_search"}]}}),
        run("4", "1", run_type="tool", inputs={"input": "{'a': open('x')}"}, outputs={"output": [[]]}),
        run("5", "1", run_type={"a": 1}, start_time="yesterday", events=[7, {"name": "guard_decision", "kwargs": 7}]),
    ]  # fmt: skip
    assert collector.ask("POST", "/runs/batch", {"post": strange})[0] == 202
    (trace,) = collector.traces(1)
    spans = {span.id: span for span in trace.spans}
    assert spans["1"].kind == "other"
    assert spans["1"].attributes["run_type"] == "seance"
    assert [message.text for message in spans["2"].messages] == ["hello"]
    assert [tool["function"]["name"] for tool in spans["3"].tools] == ["web_search"]
    assert [spans[id].reply for id in "23"] == [None, None]
    assert spans["4"].arguments == {"input": "{'a': open('x')}"}
    assert spans["5:guard_decision:1"].kind == "verdict"


def test_cycles_and_lost_parents_are_cut(collector):
    runs = [run("1"), run("2", "3"), run("3", "2"), run("4", "never"), run("5", "4"), run("6", "6")]
    assert collector.ask("POST", "/runs/batch", {"post": runs})[0] == 202
    (trace,) = collector.traces(1)
    parents = {span.id: span.parent for span in trace.spans}
    assert parents.keys() == {"1", "2", "3", "4", "5", "6"}
    assert (parents["1"], parents["6"], parents["5"]) == (None, None, "4")
    assert {parents["2"], parents["3"]} < {None, "2", "3"}
    assert parents["4"] == "never"


def test_a_large_attribute_is_cut_and_says_so(collector):
    large = run("1", inputs={"picture": "x" * 50 * 2**20})
    assert collector.ask("POST", "/runs/batch", {"post": [large]})[0] == 202
    (trace,) = collector.traces(1)
    text = trace.spans[0].attributes["input"]["picture"]
    assert len(text) < 1_000_100
    assert text.endswith("[cut: 52,428,800 characters]")


@pytest.mark.parametrize("encoding", ["", "gzip", "zstd"])
def test_a_body_that_is_too_large_is_refused(tmp_path, encoding):
    pack = {"": bytes, "gzip": gzip.compress, "zstd": zstandard.compress}[encoding]
    with served(tmp_path, largest=2**20) as collector:
        body = pack(b"0" * 2**22)
        status, answer = collector.ask("POST", "/runs/batch", body, content_encoding=encoding)
        assert (status, answer["detail"]) == (413, "more than 1,048,576 bytes: send smaller batches")  # fmt: skip


def test_hostile_text_stays_text(collector):
    hostile = "</script><script>alert(1)</script>\x00\x1b[2J\ud800'; DROP TABLE traces;--"
    body = json.dumps({"post": [run("1", name=hostile, inputs={hostile: hostile})]}).encode()
    assert collector.ask("POST", "/runs/batch", body)[0] == 202
    (trace,) = collector.traces(1)
    assert "DROP TABLE" in trace.name
    assert "\ud800" not in trace.name
    assert collector.ask("POST", "/runs/batch", {"post": [run("9", trace_id="9")]})[0] == 202
    assert len(collector.traces(2)) == 2


def test_secrets_are_hidden_before_anything_is_written(collector, tmp_path):
    told = {"to": "ana@example.com", "password": "hunter2-of-ana"}
    open_run = run("1", inputs=told)
    del open_run["end_time"]
    assert collector.ask("POST", "/runs/batch", {"post": [open_run]})[0] == 202
    written = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"run 1" in written
    assert b"hunter2-of-ana" not in written
    assert b"ana@example" not in written
    assert collector.ask("PATCH", "/runs/1", {"end_time": END})[0] == 202
    (trace,) = collector.traces(1)
    assert trace.spans[0].attributes["input"]["password"] == "[secret]"


class TestWhoMayWrite:
    def test_the_token_is_asked_for(self, tmp_path):
        with served(tmp_path, token="s3cret") as collector:
            for wrong in ({}, {"x_api_key": "local"}, {"authorization": "Bearer wrong"}):
                status, answer = collector.ask("POST", "/runs/batch", {"post": [run("1")]}, **wrong)
                assert status == 401
                assert "LANGSMITH_API_KEY" in answer["detail"]
            for right in ({"x_api_key": "s3cret"}, {"authorization": "Bearer s3cret"}):
                assert collector.ask("GET", "/info", **right)[0] == 200

    @pytest.mark.parametrize("headers", [{"origin": "http://evil.example"}, {"host": "evil.example:80"}])  # fmt: skip
    def test_web_pages_may_not(self, collector, headers):
        status, answer = collector.ask("POST", "/runs/batch", {"post": [run("1")]}, **headers)
        assert status == 403
        assert "--token" in answer["detail"]

    def test_a_client_that_hangs_up_leaves_nothing(self, collector):
        connection = http.client.HTTPConnection("127.0.0.1", collector.port)
        connection.putrequest("POST", "/runs/batch")
        connection.putheader("content-length", "1000")
        connection.endheaders(b'{"post": [')
        connection.close()
        assert collector.ask("GET", "/info")[0] == 200
        assert len(collector.store) == 0
