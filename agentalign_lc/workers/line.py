"""A line: messages both ways between a worker and the office, whichever way they travel."""

import asyncio
import pickle
from typing import Any, Protocol

__all__ = ["Line", "StreamLine", "decode", "encode"]

_HEAD = 8
"""Bytes before each message, which say how long it is."""


class Line(Protocol):
    """One end of a line."""

    async def send(self, message: object) -> None:
        """Send a message; one that cannot arrive any more is lost without a word."""
        ...

    async def receive(self) -> Any:  # noqa: ANN401 - whatever was sent
        """The next message; None when the other end is gone."""
        ...


def encode(message: object) -> bytes:
    """Turn a message into bytes. Both ends are this package, started by one person."""
    return pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)


def decode(message: bytes) -> Any:  # noqa: ANN401 - whatever was sent
    """Turn bytes into the message that they were.

    Example:
        >>> decode(encode((1, "take", ())))
        (1, 'take', ())
    """
    return pickle.loads(message)  # noqa: S301 - it comes from a process that we started


class StreamLine:
    """A line over a socket between two processes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, message: object) -> None:
        """Send a message; waits while the other end is behind with reading."""
        data = encode(message)
        try:
            self._writer.writelines((len(data).to_bytes(_HEAD), data))
            await self._writer.drain()
        except OSError:
            pass  # it is gone, as the next `receive` says

    async def receive(self) -> Any:  # noqa: ANN401 - whatever was sent
        """The next message; None when the other end is gone, in the middle of one too."""
        try:
            head = await self._reader.readexactly(_HEAD)
            data = await self._reader.readexactly(int.from_bytes(head))
        except (asyncio.IncompleteReadError, OSError):
            return None
        return decode(data)

    def close(self) -> None:
        """Hang up."""
        self._writer.close()
