"""The endpoint: LangSmith's calls that write runs, as an ASGI application."""

import asyncio
import contextlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agentalign_lc.errors import StoreError
from agentalign_lc.traces.collector.bodies import (
    LARGEST,
    Batch,
    TooLargeError,
    read_batch,
    read_multipart,
    read_run,
    unpacked,
)
from agentalign_lc.traces.collector.collector import Collector, FullError

__all__ = ["application"]

_BATCH = 20 * 2**20
"""Bytes that clients are asked to put into a batch."""
_AT_ONCE = 4
"""Bodies in memory at once."""
_SECONDS = 60.0
"""For a client to send a body."""
_TICK = 0.2
_LOCAL = ("127.0.0.1", "localhost", "[::1]")

_INFO = {
    "version": "0.12.0",
    # The clients need all of these, and fail without a word if one is missing.
    "batch_ingest_config": {
        # Both are understood; plain JSON is the least work for an app on the same machine, and
        # Python's client prints a line about compression where it is told to use the other.
        "use_multipart_endpoint": False,
        "scale_up_qsize_trigger": 1000,
        "scale_up_nthreads_limit": 4,
        "scale_down_nempty_trigger": 4,
        "size_limit": 100,
        "size_limit_bytes": _BATCH,
    },
    "instance_flags": {"zstd_compression_enabled": False, "gzip_body_enabled": False},
}
_SETTINGS = {
    "id": "00000000-0000-0000-0000-000000000000",
    "display_name": "agentalign",
    "created_at": "2026-01-01T00:00:00+00:00",
    "tenant_handle": "agentalign",
}

_STATUS: dict[type[Exception], int] = {
    TooLargeError: 413,
    ValueError: 400,
    ClientDisconnect: 400,
    TimeoutError: 408,
    FullError: 503,
    StoreError: 503,
}
"""The first kind that fits tells the status."""
_REFUSED = tuple(_STATUS)

_Endpoint = Callable[[Request], Awaitable[Response]]


def application(
    collector: Collector,
    *,
    token: str = "",
    report: Callable[[str], None] = lambda _: None,
    largest: int = LARGEST,
) -> Starlette:
    """Make the application that feeds a collector and has it keep what ended.

    Without a token it answers only what is addressed to this machine and does not
    come from a web page.

    Args:
        collector: Takes the runs; kept from five times a second, and at the end.
        token: What ``x-api-key`` or ``Authorization: Bearer`` must be.
        report: Told in one line what could not be read or stored.
        largest: Bytes of a body, as it comes and unpacked.
    """
    endpoint = _Endpoints(collector, report, largest)
    routes = []
    for prefix in ("", "/api/v1"):
        for path, method, handle in (
            ("/info", "GET", endpoint.info),
            ("/settings", "GET", endpoint.settings),
            ("/runs/batch", "POST", endpoint.batch),
            ("/runs/multipart", "POST", endpoint.multipart),
            ("/runs", "POST", endpoint.post),
            ("/runs/{id}", "PATCH", endpoint.patch),
        ):
            routes.append(Route(prefix + path, _guarded(handle, token), methods=[method]))
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    routes.append(Route("/{path:path}", _guarded(endpoint.other, token), methods=methods))

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        keeper = asyncio.create_task(_keep(collector, report))
        try:
            yield
        finally:
            keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeper
            await asyncio.to_thread(collector.keep, everything=True)
            if collector.error:
                report(collector.error)

    return Starlette(routes=routes, lifespan=lifespan)


class _Endpoints:
    """What is done for each call."""

    def __init__(self, collector: Collector, report: Callable[[str], None], largest: int) -> None:
        self._collector, self._report, self._largest = collector, report, largest
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def info(self, _: Request) -> Response:
        return JSONResponse(_INFO)

    async def settings(self, _: Request) -> Response:
        return JSONResponse(_SETTINGS)

    async def batch(self, request: Request) -> Response:
        return await self._take(request, read_batch)

    async def post(self, request: Request) -> Response:
        return await self._take(request, lambda body: read_run(body, patch=False))

    async def patch(self, request: Request) -> Response:
        id = request.path_params["id"]
        return await self._take(request, lambda body: read_run(body, patch=True, id=id))

    async def multipart(self, request: Request) -> Response:
        kind, _, options = request.headers.get("content-type", "").partition(";")
        _, _, boundary = options.partition("boundary=")
        boundary = boundary.partition(";")[0].strip().strip('"')
        if kind.strip().lower() != "multipart/form-data" or not boundary:
            return _answer(415, "send multipart/form-data with a boundary")
        return await self._take(request, lambda body: read_multipart(body, boundary.encode()))

    async def other(self, request: Request) -> Response:
        # Clients ask and tell of other things, too (projects, metadata, feedback).
        if request.method == "GET":
            return _answer(404, "the collector only takes runs")
        async for _ in request.stream():
            pass
        return JSONResponse({}, 202)

    async def _take(self, request: Request, read: Callable[[bytes], Batch]) -> Response:
        try:
            async with self._room:
                async with asyncio.timeout(_SECONDS):
                    body = await _body(request, self._largest)
                encoding = request.headers.get("content-encoding", "").strip().lower()
                batch = await asyncio.to_thread(self._taken, body, encoding, read)
        except _REFUSED as error:
            status = next(status for kind, status in _STATUS.items() if isinstance(error, kind))
            detail = str(error) or "the body was cut off, or too slow"
            self._report(f"refused ({status}): {detail}")
            return _answer(status, detail)
        for problem in batch.problems:
            self._report(problem)
        if batch.problems and not batch.pieces:
            return _answer(422, batch.problems[0])
        return JSONResponse({"message": "taken", "runs": len(batch.pieces)}, 202)

    def _taken(self, body: bytes, encoding: str, read: Callable[[bytes], Batch]) -> Batch:
        batch = read(unpacked(body, encoding, self._largest))
        self._collector.take(batch.pieces)
        return batch


def _guarded(handle: _Endpoint, token: str) -> _Endpoint:
    async def guarded(request: Request) -> Response:
        if token:
            given = request.headers.get("x-api-key", "")
            bearer = request.headers.get("authorization", "")
            if not (_same(given, token) or _same(bearer, f"Bearer {token}")):
                return _answer(
                    401, "wrong token: LANGSMITH_API_KEY must be the collector's --token"
                )
        else:
            # Any web page could post here from the user's browser, and write training data.
            host = request.headers.get("host", "").lower()
            if host.rpartition(":")[0] not in _LOCAL and host not in _LOCAL:
                return _answer(
                    403, "not addressed to this machine: start the collector with --token"
                )
            if "origin" in request.headers:
                return _answer(403, "from a web page: start the collector with --token")
        return await handle(request)

    return guarded


async def _body(request: Request, largest: int) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size <= largest:
            parts.append(part)
        else:
            # Read on: a client that still writes would never see the answer.
            parts.clear()
    if size > largest:
        raise TooLargeError(f"more than {largest:,} bytes: send smaller batches")
    return b"".join(parts)


async def _keep(collector: Collector, report: Callable[[str], None]) -> None:
    said = ""
    while True:
        await asyncio.sleep(_TICK)
        await asyncio.to_thread(collector.keep)
        if collector.error and collector.error != said:
            report(f"{collector.error}; the traces wait")
        said = collector.error


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())


def _answer(status: int, detail: str) -> Response:
    return JSONResponse({"detail": detail}, status)
