"""``agentalign collect serve`` as a process: what it says, Ctrl-C, kill -9, and what is refused."""

import os
import re
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from agentalign_lc.errors import ConfigError, StoreError
from agentalign_lc.traces.collector.journal import Journal
from agentalign_lc.traces.collector.server import bind
from agentalign_lc.traces.store import TraceStore
from tests.traces.collector.served import Served, run, until

ROOT = Path(__file__).parents[3]


@contextmanager
def command(folder: Path, *options: str):
    """Start the command in a folder; gives its process and a ``Served`` to ask."""
    process = subprocess.Popen(
        [sys.executable, "-m", "agentalign_lc.cli", "collect", "serve", "--port", "0", *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        said: list[str] = []
        for line in process.stdout:
            said.append(line)
            if "Ctrl-C" in line:
                break
        found = re.search(r"LANGSMITH_ENDPOINT=http://127.0.0.1:(\d+)", "".join(said))
        assert found, process.stderr.read()
        yield process, Served(int(found[1]), None, None), "".join(said)
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_it_says_what_to_set_and_ctrl_c_keeps_what_is_there(tmp_path):
    with command(tmp_path, "--store", "here/t.sqlite", "--grace", "60") as (process, served, said):
        assert "LANGSMITH_TRACING=true" in said
        assert "LANGSMITH_API_KEY=local" in said
        assert "Traces go to here/t.sqlite." in said
        open_run = {**run("9", trace_id="9"), "end_time": None}
        assert served.ask("POST", "/runs/batch", {"post": [run("1"), open_run]})[0] == 202
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (out, err, process.returncode) == ("kept 2 traces in here/t.sqlite\n", "", 0)
    with TraceStore.open(tmp_path / "here/t.sqlite") as store:
        whole, given_up = store.traces()
    assert (whole.id, whole.spans[0].status) == ("1", "ok")
    assert (given_up.attributes["part_of"], given_up.spans[0].status) == ("9", "open")
    assert not (tmp_path / "here/t.sqlite.collecting").exists()


@pytest.mark.slow
def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path):
    acknowledged: list[str] = []
    with command(tmp_path) as (process, served, _):

        def app(number: int) -> None:
            for step in range(1000):
                id = f"{number}-{step}"
                try:
                    status, _ = served.ask("POST", "/runs/batch", {"post": [run(id, trace_id=id)]})
                except OSError:
                    return
                if status == 202:
                    acknowledged.append(id)

        apps = [threading.Thread(target=app, args=(number,)) for number in range(3)]
        for one in apps:
            one.start()
        until(lambda: len(acknowledged) > 60)
        process.send_signal(signal.SIGKILL)
        for one in apps:
            one.join()
    with command(tmp_path) as (process, _, said):
        assert "are taken up" in said
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    with TraceStore.open(tmp_path / "traces.sqlite") as store:
        kept = [trace.id for trace in store.traces()]
    assert len(kept) == len(set(kept))
    assert set(acknowledged) <= set(kept)


def test_a_second_collector_is_told_so(tmp_path):
    with Journal(tmp_path / "j.sqlite"), pytest.raises(StoreError, match="another collector"):
        Journal(tmp_path / "j.sqlite")


def test_a_foreign_journal_is_left_alone(tmp_path):
    (tmp_path / "j.sqlite").write_text("my notes, " * 100)
    with pytest.raises(StoreError, match="no journal"):
        Journal(tmp_path / "j.sqlite")
    assert (tmp_path / "j.sqlite").read_text().startswith("my notes")


def test_others_need_a_token(agentalign, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, err = agentalign("collect", "serve", "--host", "0.0.0.0", "--port", 0)
    assert (code, err.count("\n")) == (2, 1)
    assert "give --token" in err
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_is_taken_is_named():
    with (
        bind("127.0.0.1", 0, "") as taken,
        pytest.raises(ConfigError, match="give another --port"),
    ):
        bind("127.0.0.1", taken.getsockname()[1], "")


def test_a_missing_extra_is_named(agentalign, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    code, _, err = agentalign("collect", "serve", "--port", 0)
    assert (code, err) == (
        2,
        "agentalign: the collector needs uvicorn: pip install 'agentalign-lc[collect]'\n",
    )
