"""The server: a socket, uvicorn, and an end that loses nothing."""

import contextlib
import ipaddress
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Protocol

from agentalign_lc.errors import ConfigError
from agentalign_lc.traces.collector.bodies import LARGEST
from agentalign_lc.traces.collector.collector import Collector

__all__ = ["Server", "bind", "serve"]

_LAST_WORDS = 10
"""Seconds for requests that are under way when it ends."""


class Server(Protocol):
    """A server that runs."""

    should_exit: bool
    """Set it, and the server ends."""


def bind(host: str, port: int, token: str) -> socket.socket:
    """Take the port, 0 for any that is free.

    Raises:
        ConfigError: the port is taken; or others could reach it, and there is no token.
    """
    if not token and not _is_loopback(host):
        raise ConfigError(
            f"{host} can be reached by others, who could write training data: give --token, or --host 127.0.0.1"
        )
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return _listening(family, kind, address)
    except (OSError, OverflowError) as error:
        raise ConfigError(f"{host}:{port} cannot be listened on ({error}): give another --port") from error  # fmt: skip


def serve(
    collector: Collector,
    listening: socket.socket,
    *,
    token: str = "",
    largest: int = LARGEST,
    report: Callable[[str], None] = lambda _: None,
    started: Callable[[Server], None] = lambda _: None,
) -> None:
    """Serve until Ctrl-C or SIGTERM, then keep everything that is there.

    Args:
        collector: Takes the runs.
        listening: From ``bind``.
        token: What clients must give.
        largest: Bytes of a body, as it comes and unpacked.
        report: Told in one line what could not be read or stored.
        started: Gets the server once it serves; from then on Ctrl-C is an end that loses nothing.

    Raises:
        ConfigError: the extra ``[collect]`` is not installed.
    """
    try:
        import uvicorn  # noqa: PLC0415 - of the extra
        import zstandard  # noqa: F401, PLC0415
        from python_multipart import MultipartParser  # noqa: F401, PLC0415

        from agentalign_lc.traces.collector.application import application  # noqa: PLC0415
    except ImportError as error:
        raise ConfigError(
            f"the collector needs {error.name}: pip install 'agentalign-lc[collect]'"
        ) from error

    class _Server(uvicorn.Server):
        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            # Uvicorn raises the signal again at the end, and nobody could say what was kept.
            with _signals(self.handle_exit):
                yield

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            started(self)

    config = uvicorn.Config(
        application(collector, token=token, largest=largest, report=report),
        lifespan="on",
        ws="none",
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=_LAST_WORDS,
    )
    _Server(config).run(sockets=[listening])


@contextlib.contextmanager
def _signals(handle: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    wanted = [signal.SIGINT, signal.SIGTERM]
    if sys.platform == "win32":
        wanted.append(signal.SIGBREAK)
    before = {one: signal.signal(one, handle) for one in wanted}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _listening(family: int, kind: int, address: tuple[Any, ...]) -> socket.socket:
    bound = socket.socket(family, kind)
    try:
        if sys.platform != "win32":  # where it would let two listen on one port
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        # From now on apps can connect; they are answered as soon as all is ready.
        bound.listen()
    except OSError:
        bound.close()
        raise
    return bound


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
