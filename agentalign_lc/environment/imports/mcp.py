"""The tools of an MCP server, over stdio or streamable HTTP (extra ``[mcp]``)."""

import asyncio
import os
import shlex
from typing import TYPE_CHECKING, Any, cast

from agentalign_lc.environment.imports.foreign import ForeignTool, tool_name
from agentalign_lc.environment.imports.schema import resolve_references
from agentalign_lc.errors import ConfigError
from agentalign_lc.records import Effect

if TYPE_CHECKING:
    from mcp import ClientSession
    from mcp.types import Tool

__all__ = ["mcp_tools"]

_SECONDS = 60.0


def mcp_tools(*, command: str | None = None, url: str | None = None) -> list[ForeignTool]:
    """Ask a server which tools it has; none of them is called.

    Args:
        command: Starts a server that speaks over stdio, as ``python server.py``.
        url: Where a server speaks streamable HTTP, as ``http://127.0.0.1:8000/mcp``.

    Raises:
        ConfigError: the extra is not installed, or the server does not answer.
    """
    try:
        from langchain_mcp_adapters import sessions  # noqa: F401, PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise ConfigError(
            "MCP servers need langchain-mcp-adapters: pip install 'agentalign-lc[mcp]'"
        ) from error
    words = shlex.split(command) if command else []
    if not words and not url:
        raise ConfigError("--mcp-command is empty; write the command that starts the server")
    connection: dict[str, Any] = (
        {"transport": "stdio", "command": words[0], "args": words[1:], "env": dict(os.environ)}
        if words
        else {"transport": "streamable_http", "url": url}
    )
    try:
        return asyncio.run(_listed(connection))
    except Exception as error:
        cause = _first(error)
        line = " ".join(str(cause).split()) or "no answer"
        raise ConfigError(
            f"the MCP server {command or url} gave no tools ({type(cause).__name__}: {line}); "
            "check that it runs and speaks MCP"
        ) from error


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def _listed(connection: dict[str, Any]) -> list[ForeignTool]:
    from langchain_mcp_adapters.sessions import Connection, create_session  # noqa: PLC0415

    async with (
        asyncio.timeout(_SECONDS),
        create_session(cast("Connection", connection)) as session,
    ):
        await session.initialize()
        return [_foreign(tool) async for tool in _pages(session)]


async def _pages(session: "ClientSession") -> Any:  # noqa: ANN401 - an async iterator of tools
    from mcp.types import PaginatedRequestParams  # noqa: PLC0415

    cursor: str | None = None
    while True:
        page = await session.list_tools(params=PaginatedRequestParams(cursor=cursor))
        for tool in page.tools:
            yield tool
        cursor = page.nextCursor
        if not cursor:
            return


def _foreign(tool: "Tool") -> ForeignTool:
    notes = tool.annotations
    return ForeignTool(
        name=tool_name(tool.name),
        description=tool.description or (notes.title if notes and notes.title else "") or "",
        parameters=resolve_references(tool.inputSchema),
        output=resolve_references(tool.outputSchema) if tool.outputSchema else None,
        effect=Effect.READ if notes and notes.readOnlyHint else None,
    )
