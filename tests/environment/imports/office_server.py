"""An MCP server with the tools of an office: over stdio, or (``http``) over streamable HTTP.

Over HTTP it prints its URL on the first line, when connections are accepted.
"""

import socket
import sys

import uvicorn
from mcp.server.fastmcp import FastMCP
from mcp.types import ToolAnnotations
from pydantic import BaseModel

server = FastMCP("office", log_level="ERROR")
READS = ToolAnnotations(readOnlyHint=True)


class Sent(BaseModel):
    id: str
    recipient: str


class Node(BaseModel):
    name: str
    children: list["Node"] = []


@server.tool()
def slackMessage(recipient: str, text: str, urgent: bool = False) -> Sent:  # noqa: N802
    """Send an instant message to a person or channel on Slack."""
    raise AssertionError("an import calls nothing")


@server.tool(annotations=READS)
def read_document(path: str) -> str:
    """Read a file from disk."""
    raise AssertionError("an import calls nothing")


@server.tool()
def write_document(path: str, content: str) -> str:
    """Write a file to disk."""
    raise AssertionError("an import calls nothing")


@server.tool(annotations=READS)
def archive(year: int, tree: Node | None = None) -> list[Node]:
    """What was put away in a year."""
    raise AssertionError("an import calls nothing")


if __name__ == "__main__":
    if sys.argv[1:] == ["http"]:
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        print(f"http://127.0.0.1:{port}/mcp", flush=True)  # noqa: T201 - read by the test
        config = uvicorn.Config(server.streamable_http_app(), log_level="critical")
        uvicorn.Server(config).run(sockets=[listening])
    else:
        server.run()
