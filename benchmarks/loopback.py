"""What the endpoint benchmarks share: the server's process, and what a client's process costs."""

import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

__all__ = ["Server", "Usage", "measured", "serving"]

HERE = Path(__file__).parent
_PAUSE = 0.25
"""Seconds between two looks at a client's memory."""


@dataclass
class Server:
    """A running endpoint server."""

    process: subprocess.Popen[str]
    port: int
    on_first: Callable[[], None] = lambda: None
    """Called when the first request of the task comes in."""

    @property
    def url(self) -> str:
        """The base URL for a client."""
        return f"http://127.0.0.1:{self.port}/v1"

    def reset(self, **settings: object) -> None:
        """Forget what was seen, and change how it behaves."""
        self._ask("/reset", json.dumps(settings).encode())

    def set(self, **settings: object) -> None:
        """Change how it behaves, and go on counting."""
        self._ask("/set", json.dumps(settings).encode())

    def stats(self) -> dict[str, Any]:
        """What was seen since."""
        return self._ask("/stats")

    def _ask(self, path: str, body: bytes | None = None) -> dict[str, Any]:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", body)
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return dict(json.load(answer))

    def listen(self) -> None:
        """Read what it prints, until it ends."""
        for line in self.process.stdout or ():
            if line.strip() == "first":
                self.on_first()


@contextmanager
def serving(*options: str) -> Iterator[Server]:
    """Run the endpoint server in a process of its own."""
    command = [sys.executable, str(HERE / "endpoint_server.py"), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None  # noqa: S101 - it is piped
        try:
            line = process.stdout.readline()
            if not line.strip().isdigit():
                raise SystemExit(f"the endpoint server did not start: {' '.join(command)}")
            server = Server(process, int(line))
            threading.Thread(target=server.listen, daemon=True).start()
            yield server
        finally:
            process.kill()


@dataclass(frozen=True)
class Usage:
    """What a client's process, and those that it started, took."""

    code: int
    began: float
    """On the clock that the server uses, too."""
    ended: float
    cpu_before: float
    """Processor seconds until the first request of the task came in."""
    cpu: float
    """Processor seconds in all."""
    peak: int
    """Most bytes in use at a time; memory that processes share is counted once."""
    said: str
    complained: str


def measured(
    command: Sequence[str | Path],
    server: Server,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    limit: float = 900.0,
    also: Callable[[], None] = lambda: None,
) -> Usage:
    """Run a client to its end.

    Args:
        command: Its command line.
        server: Whom it asks.
        cwd: Where it runs.
        env: What its environment has besides this one's.
        limit: Seconds after which it is killed.
        also: Called with its first request.
    """
    cwd.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with (cwd / "stdout").open("w+") as out, (cwd / "stderr").open("w+") as err:
        process = subprocess.Popen(
            list(map(str, command)),
            stdout=out,
            stderr=err,
            cwd=cwd,
            env={**os.environ, "LANGSMITH_TRACING": "false", **(env or {})},
        )
        watch = _Watch(process.pid)

        def first() -> None:
            watch.mark()
            also()

        server.on_first = first
        watch.start()
        timer = threading.Timer(limit, process.kill)
        timer.start()
        _, status, used = os.wait4(process.pid, 0)
        ended = time.monotonic()
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        watch.stop()
        out.seek(0)
        err.seek(0)
        return Usage(
            code=process.returncode,
            began=began,
            ended=ended,
            cpu_before=watch.before,
            # The kernel counts children that were waited for; what others took was looked at.
            cpu=max(used.ru_utime + used.ru_stime, watch.seen()),
            peak=watch.peak,
            said=out.read(),
            complained=err.read(),
        )


class _Watch(threading.Thread):
    """Looks at a tree of processes now and then."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._root = psutil.Process(pid)
        self._done = threading.Event()
        self._cpu: dict[int, float] = {}
        self.before = 0.0
        self.peak = 0

    def run(self) -> None:
        while not self._done.wait(_PAUSE):
            self._look()

    def stop(self) -> None:
        self._done.set()
        self.join()

    def mark(self) -> None:
        """Note what was used until now."""
        self._look()
        self.before = self.seen()

    def seen(self) -> float:
        """Processor seconds of all processes, as last seen."""
        return sum(self._cpu.copy().values())

    def _look(self) -> None:
        memory = 0
        with suppress(psutil.Error):
            for process in (self._root, *self._root.children(recursive=True)):
                with suppress(psutil.Error):
                    times = process.cpu_times()
                    self._cpu[process.pid] = times.user + times.system
                    memory += process.memory_full_info().pss
        self.peak = max(self.peak, memory)
