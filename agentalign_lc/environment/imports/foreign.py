"""A tool as its owner describes it, before it becomes a part of a suite."""

import re
from typing import Any

from pydantic import Field

from agentalign_lc.records import Effect, Record

__all__ = ["ForeignTool", "plain_name", "tool_name"]


class ForeignTool(Record):
    """What a LangChain tool, an MCP server and an OpenAPI operation have in common."""

    name: str
    description: str
    parameters: dict[str, Any] = Field(default_factory=dict)
    """JSON Schema of the arguments, an object; references are resolved."""
    output: dict[str, Any] | None = None
    """JSON Schema of the answer, where the owner gives one."""
    effect: Effect | None = None
    """What it does to the world outside, where the owner says so (HTTP method, annotations)."""


def tool_name(name: str) -> str:
    """Make a name that every provider accepts, as near to the given one as can be.

    Example:
        >>> tool_name("listUsers-v2"), tool_name("GET /users/{id}")
        ('listUsers-v2', 'GET_users_id')
    """
    return re.sub(r"[^A-Za-z0-9-]+", "_", name).strip("_")[:64] or "tool"


def plain_name(name: str) -> str:
    """Say a name as this project's suites do: lower case, with underscores.

    Example:
        >>> plain_name("userId"), plain_name("X-Request-ID"), plain_name("2fa")
        ('user_id', 'x_request_id', 'n2fa')
    """
    split = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    plain = re.sub(r"[^a-z0-9]+", "_", split.lower()).strip("_")
    return plain if plain[:1].isalpha() else f"n{plain}"
