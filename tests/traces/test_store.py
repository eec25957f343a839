"""The trace store: what is written once, found again, and never lost, in SQLite and in Postgres."""

import os
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage

from agentalign_lc.errors import ConfigError, StoreError
from agentalign_lc.traces.body import LONGEST_BODY, LONGEST_TEXT, read_body, write_body
from agentalign_lc.traces.store import TraceStore
from agentalign_lc.traces.trace import Label, Span, Trace


def trace(id: str, *, source: str = "recorder", started: float = 0.0, **span) -> Trace:
    return Trace(id=id, source=source, spans=(Span(id="1", started=started, **span),))


def ids(traces) -> list[str]:
    return [found.id for found in traces]


class TestKeeping:
    def test_traces_come_back_as_they_were_in_order_of_arrival(self, store: TraceStore) -> None:
        call = {"name": "pay", "args": {"amount": 12.5}, "id": "c1"}
        first = trace(
            "b",
            messages=(HumanMessage("Pay."),),
            reply=AIMessage("", tool_calls=[call], additional_kwargs={"refusal": "No."}),
            tools=({"type": "function", "function": {"name": "pay"}},),
        )

        assert store.append([first, trace("a")]) == 2
        assert list(store.traces()) == [first, trace("a")]
        assert len(store) == 2

    def test_a_trace_is_written_once(self, store: TraceStore) -> None:
        store.append([trace("a", name="first")])

        assert store.append([trace("a", name="second"), trace("b"), trace("b")]) == 1
        assert [found.spans[0].name for found in store.traces()] == ["first", ""]

    def test_nothing_is_nothing(self, store: TraceStore) -> None:
        assert store.append([]) == 0
        assert list(store.traces()) == []

    def test_it_is_still_there_when_opened_again(self, place: str) -> None:
        with TraceStore.open(place) as store:
            store.append([trace("a")])

        with TraceStore.open(place, create=False) as store:
            assert ids(store.traces()) == ["a"]

    def test_many_are_read_page_by_page(self, store: TraceStore) -> None:
        store.append([trace(str(number)) for number in range(250)])

        assert ids(store.traces()) == [str(number) for number in range(250)]
        assert len(list(store.traces(limit=150))) == 150

    def test_it_can_be_written_while_it_is_read(self, store: TraceStore) -> None:
        store.append([trace("a"), trace("b")])

        for found in store.traces():
            store.append([trace(f"{found.id}x")] if len(found.id) == 1 else [])

        assert ids(store.traces()) == ["a", "b", "ax", "bx"]

    def test_hostile_texts(self, store: TraceStore) -> None:
        hostile = "'; DROP TABLE agentalign_traces; --\0\ud800\u202e<script>"
        store.append([Trace(id=hostile, source=hostile, name=hostile, thread=hostile, spans=())])
        store.append([trace("a", result="\0 \ud83d", attributes={"x": float("nan")})])

        first, second = store.traces()
        assert "DROP TABLE" in first.id
        assert second.spans[0].result == "\0 ?"


class TestFinding:
    def test_by_source_and_time(self, store: TraceStore) -> None:
        store.append([trace("a", started=100.0), trace("b", source="langfuse", started=200.0)])

        assert ids(store.traces(source="langfuse")) == ["b"]
        assert ids(store.traces(since=150)) == ["b"]
        assert ids(store.traces(since=datetime.fromtimestamp(100, UTC))) == ["a", "b"]
        assert ids(store.traces(source="recorder", since=150)) == []

    def test_where_nobody_knows_when_it_started_it_is_when_it_came(self, store: TraceStore) -> None:
        store.append([trace("a")])

        assert ids(store.traces(since=1_000_000_000)) == ["a"]

    def test_by_id_or_how_it_begins(self, store: TraceStore) -> None:
        store.append([trace("7f3a"), trace("7f3a99"), trace("7F00"), trace("a_c"), trace("abc")])

        assert store.get("7f3a").id == "7f3a", "which others begin with"
        assert store.get("7f3a9").id == "7f3a99"
        assert store.get("7F").id == "7F00", "case matters"
        assert store.get("a_").id == "a_c", "no wildcard"
        with pytest.raises(StoreError, match="several traces '7f'"):
            store.get("7f")
        for unknown in ("x", "7f3a991", ""):
            with pytest.raises(StoreError, match="has no trace"):
                store.get(unknown)

    def test_by_label(self, store: TraceStore) -> None:
        store.append([trace(name) for name in "abcd"])
        store.label(Label(trace="a", label="benign", by="rules"))
        store.label(Label(trace="a", label="harmful", by="chains", score=0.9))
        store.label(Label(trace="b", label="benign", by="person", reason="it is mine"))
        store.label(Label(trace="b", label="harmful", by="rules"))
        store.label(Label(trace="c", label="unknown", by="rules"))

        assert ids(store.traces(label="harmful")) == ["a"], "the last, but a person's first"
        assert ids(store.traces(label="benign")) == ["b"]
        assert ids(store.traces(label="unknown")) == ["c"]
        assert ids(store.traces(label="unlabelled")) == ["d"]
        assert [(one.by, one.score) for one in store.labels("a")] == [("rules", None), ("chains", 0.9)]  # fmt: skip
        assert store.labels("d") == []

    def test_only_what_is_there_can_be_labelled(self, store: TraceStore) -> None:
        with pytest.raises(StoreError, match="no trace 'x' to label"):
            store.label(Label(trace="x", label="benign", by="person"))


class TestSize:
    def test_a_text_of_50_mb_is_cut_and_says_so(self, store: TraceStore) -> None:
        store.append([trace("a", result="x" * 50_000_000, attributes={"keep": "me"})])

        (found,) = store.traces()
        (span,) = found.spans
        assert span.result == "x" * LONGEST_TEXT + "[cut: 50,000,000 characters]"
        assert span.attributes == {"keep": "me"}
        assert found.attributes == {"cut": 1}

    def test_a_trace_of_many_long_texts_fits(self) -> None:
        spans = tuple(Span(id=str(n), result="y" * 900_000) for n in range(50))

        body = write_body(Trace(id="a", source="s", spans=spans))

        assert len(body) < LONGEST_BODY
        assert [span.id for span in read_body(body).spans] == [str(n) for n in range(50)]

    def test_deep_nesting_comes_back(self, store: TraceStore) -> None:
        deep: object = "bottom"
        for _ in range(240):
            deep = [deep]
        store.append([trace("a", attributes={"deep": deep})])

        assert ids(store.traces()) == ["a"]

    def test_what_is_no_json_becomes_text(self) -> None:
        reply = AIMessage("hm", additional_kwargs={"object": object(), "number": 10**5000})

        kept = read_body(write_body(trace("a", reply=reply))).spans[0].reply

        assert kept is not None
        assert kept.additional_kwargs["object"] == "[object]"


texts = st.text(st.characters(), max_size=20)  # half surrogate pairs, too
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(texts, texts, json_values)
def test_any_trace_can_be_written_and_read(name: str, result: str, value: object) -> None:
    written = trace("a", name=name, result=result, attributes={"value": value})

    found = read_body(write_body(written))

    assert found.id == "a"
    if name.isascii() and result.isascii():
        assert (found.spans[0].name, found.spans[0].result) == (name, result)


class TestOtherFiles:
    def test_a_text(self, tmp_path: Path) -> None:
        file = tmp_path / "notes.txt"
        file.write_text("not a database, but longer than its header")

        with pytest.raises(StoreError, match=r"notes.txt is no SQLite file.*nothing was changed"):
            TraceStore.open(file)
        assert file.read_text().startswith("not a database")

    def test_the_database_of_something_else(self, tmp_path: Path) -> None:
        file = tmp_path / "shop.sqlite"
        with sqlite3.connect(file) as connection:
            connection.execute("CREATE TABLE orders (id INTEGER)")
        connection.close()

        with pytest.raises(StoreError, match=r"something else.*orders"):
            TraceStore.open(file)

    def test_a_damaged_file(self, tmp_path: Path) -> None:
        file = tmp_path / "traces.sqlite"
        with TraceStore.open(file) as store:
            store.append([trace(str(n), result="x" * 1000) for n in range(100)])
        whole = file.read_bytes()
        file.write_bytes(whole[:4096] + os.urandom(len(whole) - 4096))

        with pytest.raises(StoreError, match=r"traces.sqlite cannot be used \(.*\)"), TraceStore.open(file) as store:  # fmt: skip
            list(store.traces())

    def test_a_row_that_is_no_trace(self, tmp_path: Path) -> None:
        file = tmp_path / "traces.sqlite"
        with TraceStore.open(file) as store:
            store.append([trace("7f3a")])
        with sqlite3.connect(file) as connection:
            connection.execute("UPDATE agentalign_traces SET body = '{\"id\": 1'")
        connection.close()

        with TraceStore.open(file) as store, pytest.raises(StoreError, match="trace 7f3a cannot"):
            list(store.traces())

    def test_another_version(self, tmp_path: Path) -> None:
        file = tmp_path / "traces.sqlite"
        TraceStore.open(file).close()
        with sqlite3.connect(file) as connection:
            connection.execute("UPDATE agentalign_schema SET version = 99")
        connection.close()

        with pytest.raises(StoreError, match="another version"):
            TraceStore.open(file)

    def test_none_where_none_is_to_be_made(self, tmp_path: Path) -> None:
        with pytest.raises(StoreError, match="is not there"):
            TraceStore.open(tmp_path / "typo.sqlite", create=False)
        assert list(tmp_path.iterdir()) == []

    def test_a_folder(self, tmp_path: Path) -> None:
        with pytest.raises(StoreError, match="cannot be opened"):
            TraceStore.open(tmp_path)

    @pytest.mark.parametrize("url", ["mysql://root@localhost/x", "sqlite://", "://"])
    def test_urls_that_are_none_of_ours(self, url: str) -> None:
        with pytest.raises(ConfigError):
            TraceStore.open(url)

    def test_a_server_that_does_not_answer_is_named_without_its_password(self) -> None:
        pytest.importorskip("psycopg")
        with pytest.raises(StoreError) as raised:
            TraceStore.open("postgres://ana:hunter2@127.0.0.1:1/traces")

        assert "127.0.0.1" in str(raised.value)
        assert "hunter2" not in str(raised.value)
        assert "\n" not in str(raised.value)


WRITER = """
import sys
from agentalign_lc.traces.store import TraceStore
from agentalign_lc.traces.trace import Span, Trace

place, prefix, batches, size = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
with TraceStore.open(place) as store:
    for batch in range(batches):
        traces = [
            Trace(id=f"{prefix}{batch}-{number}", source="test", spans=(Span(id="1", result="x" * 200),))
            for number in range(size)
        ]
        new = store.append([*traces, Trace(id=f"both{batch}", source="test", spans=())])
        print(batch, new, flush=True)
"""


def write(place: str, prefix: str, batches: int, size: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, place, prefix, str(batches), str(size)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("acknowledged", [1, 40])
def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path, acknowledged: int) -> None:
    file = tmp_path / "traces.sqlite"
    with write(str(file), "a", 1_000_000, 20) as writer:
        seen = [writer.stdout.readline() for _ in range(acknowledged)]
        writer.kill()
        seen += writer.stdout.readlines()

    batches = {int(line.split()[0]) for line in seen if line.endswith("\n")}
    with TraceStore.open(file, create=False) as store:
        found = set(ids(store.traces()))
        wanted = {f"a{batch}-{number}" for batch in batches for number in range(20)}
        assert wanted <= found
        assert len(found) % 21 == 0, "whole batches only"
        assert store.append([trace("after")]) == 1


def together(place: str, batches: int, size: int) -> int:
    """Two processes write at once; how many each said were new, in all."""
    with write(place, "a", batches, size) as one, write(place, "b", batches, size) as other:
        lines = [*one.stdout.readlines(), *other.stdout.readlines()]
    assert one.returncode == other.returncode == 0
    return sum(int(line.split()[1]) for line in lines)


def test_two_processes_on_sqlite(tmp_path: Path) -> None:
    place = str(tmp_path / "traces.sqlite")

    new = together(place, batches=20, size=20)

    with TraceStore.open(place) as store:
        assert len(store) == new == 2 * 20 * 20 + 20


@pytest.mark.slow
@pytest.mark.xdist_group("postgres")
def test_two_processes_on_postgres_write_5000_each(postgres_url: str) -> None:
    new = together(postgres_url, batches=100, size=50)

    with TraceStore.open(postgres_url) as store:
        found = ids(store.traces(source="test"))
        assert len(found) == len(set(found)) == len(store) == new == 10_000 + 100


def _append(store: TraceStore) -> None:
    store.append([trace("child")])


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_has_connections_of_its_own(store: TraceStore) -> None:
    store.append([trace("parent")])

    child = get_context("fork").Process(target=_append, args=(store,))
    child.start()
    child.join(30)

    assert child.exitcode == 0
    store.append([trace("later")])
    assert ids(store.traces()) == ["parent", "child", "later"]
