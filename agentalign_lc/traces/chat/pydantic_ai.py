"""Messages of pydantic-ai: requests and responses made of parts with a ``part_kind``."""

from collections.abc import Mapping
from typing import Any

from agentalign_lc.traces.chat.parts import add_content
from agentalign_lc.traces.chat.results import result_text
from agentalign_lc.traces.chat.turn import Answer, Call, Turn
from agentalign_lc.traces.chat.values import mapping, text

__all__ = ["read_exchange"]


def read_exchange(value: object) -> list[Turn] | None:
    """Read a ``ModelRequest`` or ``ModelResponse``; None if it is neither.

    Example:
        >>> [turn.role for turn in read_exchange({"kind": "request", "parts": [
        ...     {"part_kind": "system-prompt", "content": "Be brief."},
        ...     {"part_kind": "user-prompt", "content": "Hi"}]})]
        ['system', 'user']
    """
    if not isinstance(value, Mapping) or not isinstance(value.get("parts"), list):
        return None
    parts = [mapping(one) for one in value["parts"]]
    if not any("part_kind" in one for one in parts):
        return None
    turns: list[Turn] = []
    if value.get("instructions"):
        turns.append(Turn("system", texts=[text(value["instructions"])]))
    if value.get("kind") == "response":
        said = Turn("assistant")
        for part in parts:
            _add(said, part)
        return [*turns, said]
    return [*turns, *(_asked(part) for part in parts)]


def _add(turn: Turn, part: Mapping[str, Any]) -> None:
    kind = part.get("part_kind")
    if kind in ("tool-call", "builtin-tool-call"):
        name, number = text(part.get("tool_name")), text(part.get("tool_call_id"))
        turn.calls.append(Call(name, part.get("args"), number))
    elif kind == "builtin-tool-return":
        turn.answers.append(_returned(part))
    elif kind == "thinking":
        turn.reasoning.append(text(part.get("content")))
    else:
        add_content(turn, part.get("content"))


def _asked(part: Mapping[str, Any]) -> Turn:
    kind = part.get("part_kind")
    if kind == "tool-return" or (kind == "retry-prompt" and part.get("tool_name")):
        return Turn("tool", answers=[_returned(part, failed=kind == "retry-prompt")])
    turn = Turn("system" if kind == "system-prompt" else "user")
    add_content(turn, part.get("content"))
    return turn


def _returned(part: Mapping[str, Any], *, failed: bool = False) -> Answer:
    name, number = text(part.get("tool_name")), text(part.get("tool_call_id"))
    return Answer(result_text(part.get("content")), number, name, failed)
