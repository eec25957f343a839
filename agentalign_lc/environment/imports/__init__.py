"""Your own tools as a suite: from LangChain tools, an MCP server or an OpenAPI file."""

from pathlib import Path

from agentalign_lc.environment.imports.foreign import ForeignTool, plain_name
from agentalign_lc.environment.imports.suggest import Suggester, Suggestion
from agentalign_lc.environment.imports.write import ImportedTool, suite_text, weigh_tools
from agentalign_lc.errors import ConfigError

__all__ = [
    "ForeignTool",
    "ImportedTool",
    "Suggester",
    "Suggestion",
    "plain_name",
    "read_tools",
    "suite_text",
    "weigh_tools",
]


def read_tools(source: str | None, mcp_command: str | None = None) -> list[ForeignTool]:
    """Read the tools of a source; none of them is called.

    Args:
        source: ``module:attribute`` or ``file.py:attribute``, an OpenAPI file,
            or the http(s) URL of an MCP server.
        mcp_command: Starts an MCP server that speaks over stdio.

    Raises:
        ConfigError: the source cannot be used, or has no tool.
        DocumentError: a file cannot be read.
    """
    if (source is None) == (mcp_command is None):
        raise ConfigError(
            "give one source: module:attribute, an OpenAPI file, the URL of an MCP server, or --mcp-command"
        )
    tools = _read(source, mcp_command)
    if not tools:
        raise ConfigError(f"{source or mcp_command} has no tools")
    names: dict[str, int] = {}
    for tool in tools:
        names[tool.name] = names.get(tool.name, 0) + 1
    twice = sorted(name for name, count in names.items() if count > 1)
    if twice:
        raise ConfigError(f"{source or mcp_command} has more than one tool called {twice[0]!r}")
    return tools


def _read(source: str | None, mcp_command: str | None) -> list[ForeignTool]:
    # Each way of import loads heavy libraries of its own.
    if mcp_command is not None or (source or "").startswith(("http://", "https://")):
        from agentalign_lc.environment.imports.mcp import mcp_tools  # noqa: PLC0415

        return mcp_tools(command=mcp_command, url=source)
    text = source or ""
    if text.endswith((".json", ".yaml", ".yml")):
        from agentalign_lc.environment.imports.openapi import openapi_tools  # noqa: PLC0415

        return openapi_tools(Path(text))
    if ":" not in text:
        raise ConfigError(
            f"{text}: write module:attribute, path/to/file.py:attribute, an OpenAPI file (.json, .yaml) or a URL"
        )
    from agentalign_lc.environment.imports.langchain import langchain_tools  # noqa: PLC0415

    return langchain_tools(text)
