"""HTTP clients for OpenAI's library: one for each event loop, closed when the loop ends."""

import asyncio
from collections.abc import AsyncGenerator
from importlib.util import find_spec
from typing import Any
from weakref import WeakKeyDictionary

from openai import DefaultAioHttpClient, DefaultAsyncHttpxClient

from agentalign_lc.endpoints.place import current_place

__all__ = ["LoopClient"]


class LoopClient(DefaultAsyncHttpxClient):
    """Sends each request through a client of the running event loop, when there is a place for it.

    Connections belong to the loop that opened them: a client that outlives its
    loop fails the first calls of the next. Where aiohttp is installed it does
    the sending, for about two thirds of the processor time.
    """

    takes_place = True
    """Tells an endpoint that it needs to take no place itself (see ``Place``)."""

    def __init__(self) -> None:
        super().__init__()
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, DefaultAsyncHttpxClient] = (
            WeakKeyDictionary()
        )
        self._closers: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncGenerator[None]] = (
            WeakKeyDictionary()
        )

    async def send(self, request: Any, **options: Any) -> Any:  # noqa: ANN401 - as httpx has it
        """Send a request, as ``httpx.AsyncClient.send``."""
        client = self._clients.get(asyncio.get_running_loop()) or await self._made()
        place = current_place()
        if place is None:
            return await client.send(request, **options)
        await place.enter()
        response = await client.send(request, **options)
        # After a failure the next call waits for what is made of it: there may be a rest first.
        if response.is_closed and response.is_success:
            place.leave()
        return response

    async def _made(self) -> DefaultAsyncHttpxClient:
        loop = asyncio.get_running_loop()
        client = DefaultAioHttpClient() if find_spec("aiohttp") else DefaultAsyncHttpxClient()
        self._clients[loop] = client
        # Loops close the asynchronous generators that are still open when they end.
        closer = self._closers[loop] = _closed_at_last(client)
        await anext(closer)
        return client


async def _closed_at_last(client: DefaultAsyncHttpxClient) -> AsyncGenerator[None]:
    try:
        yield
    finally:
        await client.aclose()
