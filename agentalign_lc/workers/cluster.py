"""Workers that are actors on a Ray cluster; the office stays in the driver.

The driver calls the actors and never the other way round: it delivers answers
to them and collects their requests. So the one who writes is beside the disk,
and an actor needs nothing but the package.
"""

import asyncio
import logging
import os
import socket
from collections import deque
from typing import Any

from agentalign_lc.errors import ConfigError, WorkerError, one_line
from agentalign_lc.workers.line import Line, decode, encode
from agentalign_lc.workers.site import Worker
from agentalign_lc.workers.worker import Orders, serve

__all__ = ["ActorWorker", "ClusterSite", "WorkerActor"]

_KNOCK = 5.0
"""Seconds in which a cluster's address must take a connection."""
_MOST_CPU = 0.5
"""CPUs that an actor claims at most; all workers together claim half of the cluster."""


class _ActorLine:
    """The actor's end of a line: what it sends waits until the driver collects it."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[bytes] = asyncio.Queue()
        self.outgoing: list[bytes] = []
        self.stirred = asyncio.Event()

    async def send(self, message: object) -> None:
        """Leave a message for the driver."""
        self.outgoing.append(encode(message))
        self.stirred.set()

    async def receive(self) -> Any:  # noqa: ANN401 - whatever was sent
        """The next message. Ray ends actors whose driver is gone, so there always is one."""
        return decode(await self.incoming.get())


class WorkerActor:
    """What runs in a Ray actor; the crew is built in here, from an importable module."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._line = _ActorLine()
        self._serving: asyncio.Task[bool] | None = None

    async def deliver(self, messages: list[bytes]) -> None:
        """Take in what the office says."""
        for message in messages:
            self._line.incoming.put_nowait(message)

    async def collect(self) -> list[bytes] | None:
        """Wait for something to say, and say all of it; None when the work is done."""
        if self._serving is None:
            self._serving = asyncio.create_task(serve(self._line, self._orders))
            self._serving.add_done_callback(lambda _: self._line.stirred.set())
        await self._line.stirred.wait()
        if not self._line.outgoing:
            return None
        said, self._line.outgoing = self._line.outgoing, []
        if not self._serving.done():
            self._line.stirred.clear()
        return said


class _DriverLine:
    """The driver's end of a line to an actor; several messages travel in one call."""

    def __init__(self, actor: Any) -> None:  # noqa: ANN401 - Ray's handles have no types
        self.reason = "ended"
        self._actor = actor
        self._outgoing: list[bytes] = []
        self._incoming: deque[bytes] = deque()

    async def send(self, message: object) -> None:
        """Send a message with the others of this turn of the event loop."""
        if not self._outgoing:
            asyncio.get_running_loop().call_soon(self._deliver)
        self._outgoing.append(encode(message))

    async def receive(self) -> Any:  # noqa: ANN401 - whatever was sent
        """The next message; None when the actor is done, or dead."""
        from ray.exceptions import RayError  # noqa: PLC0415 - an extra

        while not self._incoming:
            try:
                collected = await self._actor.collect.remote()
            except RayError as error:
                self.reason = f"died ({type(error).__name__})"
                return None
            if collected is None:
                return None
            self._incoming.extend(collected)
        return decode(self._incoming.popleft())

    def _deliver(self) -> None:
        said, self._outgoing = self._outgoing, []
        self._actor.deliver.remote(said)


class ActorWorker:
    """An actor and the driver's end of its line."""

    def __init__(self, actor: Any) -> None:  # noqa: ANN401 - Ray's handles have no types
        self._actor = actor
        self._line = _DriverLine(actor)
        self.line: Line = self._line

    async def end(self, *, patience: float) -> str:
        """End the actor; by now it has handed in all, or it is dead, or nothing more is wanted of it."""
        import ray  # noqa: PLC0415 - an extra

        del patience
        ray.kill(self._actor)
        return self._line.reason


class ClusterSite:
    """A Ray cluster; without an address one is started on this machine, and ended with the job.

    Raises:
        ConfigError: Ray is not installed.
        WorkerError: the cluster cannot be reached.
    """

    def __init__(self, orders: Orders, address: str | None) -> None:
        try:
            import ray  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise ConfigError(
                "`--engine ray` needs another package: pip install 'agentalign-lc[ray]'"
            ) from error
        self._orders = orders
        self._ours = not ray.is_initialized()
        if self._ours:
            _connect(address)
        cpus = float(ray.cluster_resources().get("CPU", 1.0))  # type: ignore[no-untyped-call]
        self._actor = ray.remote(
            num_cpus=min(_MOST_CPU, cpus / (2 * orders.workers)),
            max_restarts=0,
            scheduling_strategy="SPREAD",
        )(WorkerActor)

    async def hire(self) -> Worker:
        """Start an actor, wherever the cluster has room."""
        return ActorWorker(self._actor.remote(self._orders))

    def close(self) -> None:
        """End the cluster, or leave it, if it was we who joined it."""
        import ray  # noqa: PLC0415 - an extra

        if self._ours:
            ray.shutdown()


def _connect(address: str | None) -> None:
    import ray  # noqa: PLC0415 - an extra

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # What Ray will do from some later version on; it warns about it each time.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    options: dict[str, Any] = {} if address else {"include_dashboard": False}
    if address:
        _knock(address)
    try:
        ray.init(
            address=address or "local",
            logging_level=logging.ERROR,
            log_to_driver=False,
            **options,
        )
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        line = one_line(error, 200)
        where = f"no Ray cluster at {address}" if address else "Ray cannot be started here"
        raise WorkerError(f"{where} ({line}): check --address") from error


def _knock(address: str) -> None:
    """See whether somebody is there at all; Ray itself would take two minutes to say no."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return  # a name that Ray knows, as ``auto``
    try:
        socket.create_connection((host, int(port)), timeout=_KNOCK).close()
    except (OSError, OverflowError) as error:
        raise WorkerError(f"no Ray cluster at {address} ({error}): check --address") from error
