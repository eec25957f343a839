"""Tells which dialect attributes speak, and reads it."""

from collections.abc import Sequence

from agentalign_lc.traces.importers.dialects.attributes import Attributes, Raw
from agentalign_lc.traces.importers.dialects.events import Event
from agentalign_lc.traces.importers.dialects.genai import read_genai
from agentalign_lc.traces.importers.dialects.openinference import read_openinference
from agentalign_lc.traces.importers.dialects.vercel import read_vercel

__all__ = ["read_attributes", "speaks"]

_PREFIXES = (
    "gen_ai.",
    "openinference.",
    "llm.",
    "ai.",
    "traceloop.",
    "input.value",
    "output.value",
    "langfuse.",
    "mcp.",
    "tool.",
)


def speaks(raw: Raw) -> bool:
    """Whether there is an attribute of any dialect; quick.

    Example:
        >>> speaks({"gen_ai.system": "openai"}), speaks({"http.method": "GET"})
        (True, False)
    """
    return any(name.startswith(_PREFIXES) for name in raw)


def read_attributes(raw: Raw, events: Sequence[Event] = ()) -> Attributes:
    """Read attributes of whatever dialect; what one leaves out another may tell.

    Example:
        >>> read_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "go"}).kind
        'tool'
        >>> read_attributes({"http.method": "GET"}).kind
        'other'
    """
    readings = [
        one
        for one in (read_openinference(raw), read_vercel(raw), read_genai(raw, events))
        if one is not None
    ]
    if not readings:
        return Attributes(given=raw.get("input.value"), said=raw.get("output.value"))
    found, *others = readings
    for other in others:
        if found.kind == "other":
            found.kind = other.kind
        for name in (
            "name",
            "thread",
            "given",
            "said",
            "tools",
            "call_id",
            "usage",
            "model",
            "failed",
        ):
            if not getattr(found, name):
                setattr(found, name, getattr(other, name))
        if other.kind == found.kind:
            found.messages = found.messages if found.messages is not None else other.messages
            found.reply = found.reply if found.reply is not None else other.reply
    return found
