"""A collector that is served by uvicorn on a free port, and what to ask of it."""

import gzip
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentalign_lc.traces.collector.collector import Collector
from agentalign_lc.traces.collector.gathering import Gathering
from agentalign_lc.traces.collector.journal import Journal
from agentalign_lc.traces.collector.server import bind, serve
from agentalign_lc.traces.redaction import Redactor
from agentalign_lc.traces.store import TraceStore
from agentalign_lc.traces.trace import Trace

START, END = "2026-11-21T10:00:00Z", "2026-11-21T10:00:01Z"


@dataclass
class Served:
    """A collector that runs in a thread."""

    port: int
    store: TraceStore
    collector: Collector
    problems: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(
        self, method: str, path: str, body: Any = b"", **headers: str
    ) -> tuple[int, dict[str, Any]]:
        """Send one request; a body that is no bytes goes as JSON. Underscores in headers are dashes."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, sent, named)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def traces(self, wanted: int) -> list[Trace]:
        """What is in the store, once there is so much."""
        until(lambda: len(self.store) >= wanted)
        return list(self.store.traces())


@contextmanager
def served(folder: Path, *, token: str = "", **options: Any) -> Iterator[Served]:
    """Serve a collector with its store and journal in a folder; at the end, it keeps all."""
    listening = bind("127.0.0.1", 0, token)
    with (
        listening,
        TraceStore.open(folder / "traces.sqlite") as store,
        Journal(folder / "journal.sqlite") as journal,
    ):
        gathering = Gathering(grace=0, patience=0.5)
        collector = Collector(store, journal, redact=Redactor(), gathering=gathering)
        ours = Served(listening.getsockname()[1], store, collector)
        servers: list[Any] = []
        thread = threading.Thread(
            target=lambda: serve(
                collector,
                listening,
                token=token,
                report=ours.problems.append,
                started=servers.append,
                **options,
            )
        )
        thread.start()
        try:
            until(lambda: servers)
            yield ours
        finally:
            servers[0].should_exit = True
            thread.join()


def until(true: Callable[[], Any], seconds: float = 20) -> None:
    """Wait for something, and fail if it does not come."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)


def run(id: str, parent: str | None = None, **more: Any) -> dict[str, Any]:
    """A run of the trace ``1`` that has ended."""
    return {
        "id": id,
        "trace_id": "1",
        "parent_run_id": parent,
        "name": f"run {id}",
        "run_type": "chain",
        "start_time": START,
        "end_time": END,
        **more,
    }


def multipart(parts: dict[str, Any], boundary: str = "b0") -> bytes:
    """Runs as a multipart body."""
    lines = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n'
        f"Content-Type: application/json\r\n\r\n{json.dumps(value)}\r\n"
        for name, value in parts.items()
    ]
    return ("".join(lines) + f"--{boundary}--\r\n").encode()


def gzipped(body: bytes) -> bytes:
    return gzip.compress(body)
