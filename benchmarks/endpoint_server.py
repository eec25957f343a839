"""A loopback OpenAI-compatible endpoint in a process of its own: fixed latency, faults on demand.

It answers ``POST /v1/chat/completions`` after so many seconds: a structured
answer or a forced tool call that fits the request's schema, or what the roles
of a synthesis would say (``--synthesis``). The HTTP is written by hand on
asyncio's protocol: about 0.15 ms of processor time a request, so that on a small
machine it is the client that is measured.

Faults: a share of the conversations fails ONCE, chosen by the digest of their
messages, so that the same ones fail for every client: 429 with Retry-After,
500, a connection reset, half a response, or no response at all.

``GET /stats`` tells what it has seen, ``POST /set`` changes its settings, and
``POST /reset`` forgets what was seen, too. The clock starts with the first request that has a schema or
tools, and the ``mark``; a line ``first`` is printed then.

Run: python benchmarks/endpoint_server.py [--port 0] [--latency 0.2] [--share 0.2]
"""

import argparse
import asyncio
import json
import socket
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from hashlib import blake2b
from typing import Any, cast

from schema_instances import instance

Body = dict[str, Any]
Answer = Callable[[Body], Body]
"""Gets the body of a request and returns the assistant's message."""

FAULTS = ("429", "500", "reset", "half", "hang")
RETRY_AFTER = 1


@dataclass
class Settings:
    """How the endpoint behaves."""

    latency: float = 0.2
    share: float = 0.0
    """Share of the conversations that fail once."""
    seed: int = 7
    dead: str = ""
    """A fault that every request meets."""
    mark: str = ""
    """What the last message of a request says that is no client's probe."""


@dataclass
class Stats:
    """What the endpoint has seen."""

    requests: int = 0
    marked: int = 0
    """Requests with a schema or tools, and the mark: those of the task itself."""
    repeats: int = 0
    """Requests whose messages had been answered well before."""
    answered: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    in_flight: int = 0
    peak: int = 0
    first: float = 0.0
    """When the first of those came in, and the last good answer went out: seconds."""
    last: float = 0.0
    waves: float = 0.0
    """Seconds that calls were in flight, all together."""
    input_tokens: int = 0
    output_tokens: int = 0
    largest_input: int = 0
    """Tokens of the largest question, and of the largest answer."""
    largest_output: int = 0
    cpu: float = 0.0
    """Processor seconds of the server itself."""


class Endpoint:
    """Decides what each request gets, and counts."""

    def __init__(self, settings: Settings, answer: Answer) -> None:
        self.answer = answer
        self.settings = settings
        self.reset({})

    def reset(self, changes: Body) -> None:
        """Forget what was seen, and change how the endpoint behaves."""
        self.set(changes)
        self.stats = Stats()
        self.faults: Counter[str] = Counter()
        self.failed: set[bytes] = set()
        self.answered: set[bytes] = set()
        self.cpu = time.process_time()

    def set(self, changes: Body) -> None:
        """Change how the endpoint behaves."""
        self.settings = replace(self.settings, **changes)

    def seen(self) -> Body:
        """What ``/stats`` tells."""
        self.stats.faults = dict(self.faults)
        self.stats.cpu = time.process_time() - self.cpu
        return asdict(self.stats)

    def counts(self, body: Body) -> bool:
        """Whether a request belongs to the task, and is no client's probe."""
        if not (body.get("response_format") or body.get("tools")):
            return False
        return not self.settings.mark or self.settings.mark in str(body["messages"][-1])

    def digest(self, body: Body) -> bytes:
        """What a conversation is known by, whoever sends it."""
        said = [str(message.get("content") or "") for message in body.get("messages", ())]
        told = json.dumps(said).encode()
        return blake2b(told, digest_size=16, salt=str(self.settings.seed).encode()[:16]).digest()

    def fault(self, digest: bytes) -> str:
        """Which fault a conversation meets now; empty for none."""
        if self.settings.dead:
            return self.settings.dead
        if int.from_bytes(digest[:4], "big") / 2**32 >= self.settings.share:
            return ""
        if digest in self.failed:
            return ""
        self.failed.add(digest)
        return FAULTS[digest[4] % len(FAULTS)]


def completion(message: Body, body: Body, tokens: int) -> Body:
    """An answer as the API writes it."""
    written = max(1, len(json.dumps(message)) // 4)
    return {
        "id": "chatcmpl-loopback",
        "object": "chat.completion",
        "created": 1,
        "model": body.get("model", "loopback"),
        "choices": [
            {
                "index": 0,
                "finish_reason": "tool_calls" if message.get("tool_calls") else "stop",
                "message": {"role": "assistant", "content": None, **message},
            }
        ],
        "usage": {
            "prompt_tokens": tokens,
            "completion_tokens": written,
            "total_tokens": tokens + written,
        },
    }


def fitting(body: Body) -> Body:
    """An answer that fits what was asked for, and repeats the row's mark ``[row 12]``."""
    said = [str(message.get("content") or "") for message in body.get("messages", ())]
    text = said[-1] if said else ""
    mark = text.rpartition("[")[2].partition("]")[0] if "[row " in text else "ok"
    form = body.get("response_format") or {}
    if form.get("type") == "json_schema":
        return {"content": json.dumps(instance(form["json_schema"]["schema"], mark))}
    if body.get("tools"):
        function = body["tools"][0]["function"]
        made = json.dumps(instance(function["parameters"], mark))
        call = {"name": function["name"], "arguments": made}
        return {"tool_calls": [{"id": "call_1", "type": "function", "function": call}]}
    return {"content": mark}


class Connection(asyncio.Protocol):
    """One kept-alive connection; a client sends its next request after the answer."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._buffer = b""
        self._need = 0
        self._waiting: asyncio.TimerHandle | None = None
        self._since = 0.0
        self._stats: Stats | None = None
        """Of the request in work: a reset meanwhile has begun others."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client came."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's shape
        """A client went; nobody waits for the answer any more."""
        if self._waiting is not None:
            self._waiting.cancel()
        self._ended()

    def data_received(self, data: bytes) -> None:
        """Collect until a request is whole."""
        self._buffer += data
        if len(self._buffer) < self._need:
            return
        head, blank, rest = self._buffer.partition(b"\r\n\r\n")
        if not blank:
            return
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        size = int(length or 0)
        self._need = len(head) + 4 + size
        if len(rest) < size:
            return
        self._buffer, self._need = rest[size:], 0
        self._request(head.split(b" ", 2)[1].decode(), rest[:size])

    def _request(self, path: str, body: bytes) -> None:
        endpoint = self._endpoint
        if path == "/stats":
            self._send(200, endpoint.seen())
        elif path == "/reset":
            endpoint.reset(json.loads(body or b"{}"))
            self._send(200, asdict(endpoint.settings))
        elif path == "/set":
            endpoint.set(json.loads(body))
            self._send(200, asdict(endpoint.settings))
        elif path.endswith("/chat/completions"):
            try:
                self._chat(json.loads(body), len(body))
            except Exception as error:  # noqa: BLE001 - said, and an error for the client
                print(f"the server broke: {type(error).__name__}: {error}", file=sys.stderr)
                self._send(400, _error("the server broke"))
        else:
            self._send(404, _error("no such route"))

    def _chat(self, body: Body, size: int) -> None:
        endpoint, stats, now = self._endpoint, self._endpoint.stats, time.monotonic()
        stats.requests += 1
        if endpoint.counts(body):
            stats.marked += 1
            if not stats.first:
                stats.first = now
                print("first", flush=True)
        stats.in_flight += 1
        stats.peak = max(stats.peak, stats.in_flight)
        self._since, self._stats = now, stats
        digest = endpoint.digest(body)
        stats.repeats += digest in endpoint.answered
        fault = endpoint.fault(digest)
        if fault:
            endpoint.faults[fault] += 1
            message: Body = {"content": "half of this is never sent"}
        else:
            message = endpoint.answer(body)
        answer = completion(message, body, max(1, size // 4))
        if fault in ("429", "401"):
            self._answer(fault, answer, digest)
            return
        if fault == "hang":
            return
        delay = endpoint.settings.latency - (time.monotonic() - now)
        loop = asyncio.get_running_loop()
        self._waiting = loop.call_later(max(0.0, delay), self._answer, fault, answer, digest)

    def _answer(self, fault: str, answer: Body, digest: bytes) -> None:
        self._waiting = None
        if not fault:
            stats = self._endpoint.stats
            stats.answered += 1
            stats.last = time.monotonic()
            read, written = (answer["usage"][f"{side}_tokens"] for side in ("prompt", "completion"))
            stats.input_tokens += read
            stats.output_tokens += written
            stats.largest_input = max(stats.largest_input, read)
            stats.largest_output = max(stats.largest_output, written)
            self._endpoint.answered.add(digest)
            self._ended()
            self._send(200, answer)
            return
        self._ended()
        if fault == "reset":
            self._reset()
        elif fault == "half":
            self._transport.write(_response(200, answer)[:-40])
            self._transport.close()
        else:
            self._send(int(fault), _error("a planned fault"))

    def _ended(self) -> None:
        if self._stats is not None:
            self._stats.in_flight -= 1
            self._stats.waves += time.monotonic() - self._since
            self._stats = None

    def _reset(self) -> None:
        # No time to linger: the client gets a reset and not an end.
        known = self._transport.get_extra_info("socket")
        if known is not None:
            known.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def _send(self, status: int, body: Body) -> None:
        self._transport.write(_response(status, body))


def _response(status: int, body: Body) -> bytes:
    data = json.dumps(body).encode()
    extra = f"retry-after: {RETRY_AFTER}\r\n" if status == 429 else ""
    head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{extra}content-length: {len(data)}\r\n\r\n"
    return head.encode() + data


def _error(message: str) -> Body:
    return {"error": {"message": message, "type": "loopback", "code": None}}


async def serve(endpoint: Endpoint, port: int) -> None:
    """Serve until the process ends; the port stands in the first line that is printed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(endpoint), "127.0.0.1", port, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.2)
    parser.add_argument("--share", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--dead", default="", help=f"one of {', '.join(FAULTS)}, 401")
    parser.add_argument("--synthesis", help="JSON of a run's options: play the roles of that run")
    options = parser.parse_args()
    answer: Answer = fitting
    if options.synthesis:
        from synthesis_player import Player  # noqa: PLC0415 - needs the package, which is heavy

        answer = Player(json.loads(options.synthesis)).answer
    settings = Settings(options.latency, options.share, options.seed, options.dead)
    try:
        from uvloop import run  # noqa: PLC0415 - faster, where it is installed
    except ImportError:
        from asyncio import run  # noqa: PLC0415
    try:
        run(serve(Endpoint(settings, answer), options.port))
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
