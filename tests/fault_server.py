"""A fast OpenAI-compatible server inside a test's own event loop, with every kind of failure."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from tests.openai_server import chat_completion

HANG = object()
"""Takes the request and says nothing."""
RESET = object()
"""Breaks the connection off."""


def answer(text: str = "Four.", usage: bool = True, **message: Any) -> bytes:
    """A chat completion."""
    body = chat_completion({"content": text, **message})
    if usage:
        body["usage"] = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    return response(200, json.dumps(body))


def fault(status: int, code: str = "", **headers: str) -> bytes:
    """An error as OpenAI sends it."""
    body = {"error": {"message": f"it is a {status}", "type": "test", "code": code or None}}
    return response(status, json.dumps(body), **headers)


def response(status: int, body: str, length: int | None = None, **headers: str) -> bytes:
    """An HTTP response; with a length beyond its own it ends too early."""
    fields = {"Content-Type": "application/json", "Content-Length": str(length or len(body))}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} Status\r\n{head}\r\n{body}".encode()


HALF_SENT = response(200, '{"id": "chatcmpl-1", "cho', length=500)
HALF_JSON = response(200, '{"id": "chatcmpl-1", "cho')
NO_CHOICES = response(200, "{}")
GATEWAY_ERROR = response(200, '{"error": {"message": "upstream died", "code": 502}}')


@dataclass
class FaultServer:
    """Answers with what is planned, one by one, and then with the last of it for ever."""

    url: str
    plan: list[object] = field(default_factory=lambda: [answer()])
    requests: list[dict[str, Any]] = field(default_factory=list)
    latency: float = 0.0
    bears: int | None = None
    """Requests at once; what comes beyond them is refused with 429."""
    in_flight: int = 0
    peak: int = 0
    requested: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the first request came."""

    def says(self, *plan: object) -> None:
        """Plan the next answers."""
        self.plan = list(plan)

    def asked(self) -> Iterable[str]:
        """The last message of each request."""
        return [request["messages"][-1]["content"] for request in self.requests]

    def _next(self) -> object:
        if self.bears is not None and self.in_flight > self.bears:
            return fault(429)
        return self.plan.pop(0) if len(self.plan) > 1 else self.plan[0]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                self.requests.append(await _body(reader))
                self.requested.set()
                self.in_flight += 1
                self.peak = max(self.peak, self.in_flight)
                try:
                    await asyncio.sleep(self.latency)
                    said = self._next()
                    if said is HANG:
                        await reader.read()  # until the client hangs up
                    if not isinstance(said, bytes):
                        writer.transport.abort()
                        return
                    writer.write(said)
                    await writer.drain()
                finally:
                    self.in_flight -= 1
                if said is HALF_SENT:
                    return
        writer.close()


async def _body(reader: asyncio.StreamReader) -> dict[str, Any]:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
    return json.loads(await reader.readexactly(length))


@asynccontextmanager
async def serving() -> AsyncIterator[FaultServer]:
    """A server on a free port of loopback."""
    fake = FaultServer("")
    connections: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        try:
            await fake.serve(reader, writer)
        finally:
            connections.discard(task)
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    fake.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield fake
    finally:
        server.close()
        for task in list(connections):
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
