"""A third party's file: what it is called, how its rows are read, what they become."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentalign_lc.dataset.conversation import Conversation, Turn
from agentalign_lc.dataset.mixing.sources.openai import read_openai
from agentalign_lc.dataset.mixing.sources.sharegpt import read_sharegpt
from agentalign_lc.dataset.mixing.sources.turns import RowError, check_turns, numbered
from agentalign_lc.rows import Row
from agentalign_lc.seeds import content_id

__all__ = ["FORMATS", "Source", "parse_source", "read_row"]

FORMATS: dict[str, Callable[[dict[str, Any]], tuple[list[Turn], list[dict[str, Any]]]]] = {
    "openai": read_openai,
    "sharegpt": read_sharegpt,
}
"""What reads the turns and tools of a row, by name of the format."""

_NAME = re.compile(r"[\w.-]{1,80}")


@dataclass(frozen=True, slots=True)
class Source:
    """A file of somebody else's conversations."""

    file: Path
    name: str
    """What its rows have as their source."""
    format: str | None = None
    """One of ``FORMATS``; None to look at each row."""
    licence: str = ""
    """Of the whole file; rows may name their own."""


def parse_source(text: str) -> Source:
    """Read ``[NAME=][FORMAT:]FILE``; a file is called after itself if nobody names it.

    Example:
        >>> parse_source("glaive=sharegpt:data/part1.jsonl.gz")
        Source(file=...('data/part1.jsonl.gz'), name='glaive', format='sharegpt', licence='')
        >>> parse_source("data/part1.jsonl.gz").name
        'part1'
    """
    name, equals, rest = text.partition("=")
    if not equals or not _NAME.fullmatch(name) or Path(text).exists():
        name, rest = "", text
    kind, colon, path = rest.partition(":")
    if not colon or kind not in FORMATS:
        kind, path = "", rest
    file = Path(path)
    return Source(file, name or file.name.partition(".")[0] or file.name, kind or None)


def read_row(row: Row, source: Source) -> Conversation:
    """Turn a row into a conversation; its id is derived from what it says.

    Raises:
        RowError: it cannot be trained on; the error says why.
    """
    if row.problem:
        raise RowError(row.problem)
    data = row.value
    if not isinstance(data, dict):
        raise RowError("no object")
    try:
        turns, tools = FORMATS[source.format or _recognised(data)](data)
        turns = numbered(turns)
        check_turns(turns, tools)
        name = content_id("third", [turns, tools])
    except RecursionError as error:
        raise RowError("nested too deeply") from error
    except UnicodeEncodeError as error:
        raise RowError("half a surrogate pair, which is no text") from error
    about: dict[str, Any] = {"file": source.file.name, "line": row.line}
    given = (data.get(key) for key in ("licence", "license"))
    licence = next((text for text in given if isinstance(text, str) and text), source.licence)
    if licence:
        about["licence"] = licence[:200]
    return Conversation(id=name, messages=turns, tools=tools, source=source.name, about=about)


def _recognised(row: dict[str, Any]) -> str:
    turns = row.get("messages", row.get("conversations"))
    if not isinstance(turns, list) or not turns:
        raise RowError("neither `messages` nor `conversations`")
    return "sharegpt" if isinstance(turns[0], dict) and "from" in turns[0] else "openai"
