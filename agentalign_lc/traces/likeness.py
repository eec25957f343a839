"""When two messages are the same one, though two model calls or two tracers wrote them down."""

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from agentalign_lc.messages import message_text
from agentalign_lc.seeds import canonical_json

__all__ = ["follow", "likeness"]

Likeness = tuple[Any, ...]


def likeness(message: BaseMessage) -> Likeness:
    """What a message says and calls, without ids, names and layout; equal for the same message.

    Example:
        >>> from langchain_core.messages import HumanMessage
        >>> likeness(HumanMessage("Hi ")) == likeness(HumanMessage([{"type": "text", "text": "Hi"}]))
        True
    """
    said = " ".join(message_text(message).split())
    if isinstance(message, AIMessage):
        calls = [(call["name"], canonical_json(call["args"])) for call in message.tool_calls]
        return ("ai", said, *calls)
    if isinstance(message, ToolMessage):
        return ("tool", said)
    return (message.type, said)


def follow(known: Sequence[Likeness], told: Sequence[Likeness]) -> tuple[int, int]:
    """Walk through what is told, finding each message again in what is known, in order.

    Returns:
        How many of what is told were found, and the place in what is told after
        the last message that is known; 0 if that last message was not found.

    Example:
        >>> follow(["u", "a", "t"], ["u", "a", "t", "b"]), follow(["u", "a", "t"], ["t", "b"])
        ((3, 3), (1, 1))
        >>> follow(["u", "a"], ["u", "x"])
        (1, 0)
    """
    at = found = after = 0
    for place, one in enumerate(told):
        try:
            at = known.index(one, at) + 1
        except ValueError:
            continue
        found += 1
        if at == len(known):
            after = place + 1
            break
    return found, after
