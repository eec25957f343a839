"""Conversations as lines of OpenAI messages: training files, stored requests, batches."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agentalign_lc.traces.chat import Chat, read_chat, read_reply
from agentalign_lc.traces.chat.values import entry, first, mapping, text
from agentalign_lc.traces.importers.conversation import as_conversation, conversation_id
from agentalign_lc.traces.importers.form import Form, Piece
from agentalign_lc.traces.trace import Trace

__all__ = ["OPENAI"]

_NAMES = ("messages", "conversations", "conversation")


def _fits(value: object) -> bool:
    if isinstance(value, list):
        return (
            bool(value) and all(isinstance(one, Mapping) for one in value[:20]) and _fits(value[0])
        )
    return bool(_said(value)) or isinstance(entry(value, "body", "messages"), list)


def _said(value: object) -> list[Any]:
    """The messages of a row; datasets call speakers ``from`` and what they say ``value``."""
    if not isinstance(value, Mapping):
        return []
    several = (value[name] for name in _NAMES if isinstance(value.get(name), list))
    found: list[Any] = next(several, [])
    rows = [mapping(one) for one in found]
    if rows and all("from" in one and "value" in one for one in rows):
        names = {
            "gpt": "assistant",
            "human": "user",
            "observation": "tool",
            "function_call": "assistant",
        }
        return [
            {"role": names.get(text(one["from"]), one["from"]), "content": one["value"]}
            for one in rows
        ]
    return found if rows and read_chat(found[:3]).messages else []


def _pieces(value: object) -> Iterator[Piece | str]:
    for one in value if isinstance(value, list) else [value]:
        if not isinstance(one, Mapping) or not _fits(one):
            yield "no messages"
            continue
        id = first(one, "id", "custom_id", "conversation_id")
        known = id if isinstance(id, str) and id else conversation_id(one)
        yield Piece(one, id=known, trace=known, alone=True)


def _trace(id: str, pieces: Sequence[Mapping[str, Any]]) -> Trace:
    value = pieces[0]
    request = mapping(value["body"]) if "body" in value else value
    chat = read_chat({**request, "messages": _said(request)})
    messages = chat.messages
    for answer in (
        entry(value, "response", "body"),
        value.get("completion"),
        value.get("choices") and value,
    ):
        if answer is not None and (reply := read_reply(answer)) is not None:
            messages = (*messages, reply)
            break
    about = {
        name: one
        for name, one in value.items()
        if name in ("metadata", "label", "source", "model", "category") and one is not None
    }
    return as_conversation(id, "openai", Chat(messages, chat.tools), attributes=about)


OPENAI = Form("openai", "OpenAI messages", _fits, _pieces, _trace)
"""Conversations as OpenAI messages."""
