"""Workers that are processes on this machine, each with a socket to the office."""

import asyncio
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import connection, get_context, parent_process
from multiprocessing.process import BaseProcess

from agentalign_lc.workers.line import StreamLine
from agentalign_lc.workers.loop import run_loop
from agentalign_lc.workers.site import Worker
from agentalign_lc.workers.worker import Orders, serve

__all__ = ["ProcessSite", "ProcessWorker"]

_BUFFER = 2**20


class ProcessWorker:
    """A worker process and the driver's end of its line."""

    def __init__(self, process: BaseProcess, line: StreamLine) -> None:
        self.line = line
        self._process = process

    async def end(self, *, patience: float) -> str:
        """Hang up, wait so many seconds for the end, then kill."""
        self.line.close()
        if patience:
            await asyncio.to_thread(self._process.join, patience)
        if self._process.is_alive():
            self._process.kill()
            await asyncio.to_thread(self._process.join)
        code = self._process.exitcode or 0
        self._process.close()
        return f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"


class ProcessSite:
    """This machine. Processes are spawned, not forked: a fork of threads and sockets breaks."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders

    async def hire(self) -> Worker:
        """Start a process."""
        ours, theirs = socket.socketpair()
        process = get_context("spawn").Process(
            target=_main, args=(theirs,), name="agentalign-worker", daemon=True
        )
        with theirs, _without_interrupts():
            process.start()
        reader, writer = await asyncio.open_connection(sock=ours, limit=_BUFFER)
        worker = ProcessWorker(process, StreamLine(reader, writer))
        try:
            # Over the line, where others can begin meanwhile: as an argument of the process, orders that
            # are larger than a pipe's buffer would hold everything up until the process is awake.
            await worker.line.send(self._orders)
        except asyncio.CancelledError:
            await worker.end(patience=0.0)
            raise
        return worker

    def close(self) -> None:
        """Nothing to let go of."""


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Keep Ctrl-C, which the terminal sends to all, from a process that starts inside.

    The block is inherited, so that it holds before a first line of Python runs there.
    """
    if not hasattr(signal, "pthread_sigmask"):  # pragma: no cover - Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _main(theirs: socket.socket) -> None:
    # The driver hears Ctrl-C, and hangs up.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_driver, daemon=True).start()
    done = run_loop(_served(theirs))
    sys.stdout.flush()
    sys.stderr.flush()
    # No waiting for threads that a client library may have left.
    os._exit(0 if done else 1)


async def _served(theirs: socket.socket) -> bool:
    reader, writer = await asyncio.open_connection(sock=theirs, limit=_BUFFER)
    line = StreamLine(reader, writer)
    try:
        orders: Orders | None = await line.receive()
        if orders is None:
            return False
        sys.path += [place for place in orders.path if place not in sys.path]
        return await serve(line, orders)
    finally:
        line.close()


def _end_with_driver() -> None:
    """End at once when the driver is gone, whatever the event loop is busy with."""
    driver = parent_process()
    if driver is not None:
        connection.wait([driver.sentinel])
        os._exit(1)
