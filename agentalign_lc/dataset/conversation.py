"""Conversations: what every export starts from, whether we synthesised it or others did.

Plain dictionaries and not LangChain messages: a hundred thousand rows go
through here on their way from the store to a file.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NotRequired, TypedDict

from langchain_core.messages import BaseMessage, message_to_dict, messages_from_dict

from agentalign_lc.dataset.store import RunStore
from agentalign_lc.messages import message_text
from agentalign_lc.records import Example

__all__ = [
    "Call",
    "Conversation",
    "Turn",
    "diverging_turns",
    "example_conversation",
    "pair",
    "run_conversations",
    "turns_of",
]

_ROLES = {"system": "system", "human": "user", "ai": "assistant", "tool": "tool"}


class Call(TypedDict):
    """A tool call."""

    id: str
    name: str
    arguments: dict[str, Any]


class Turn(TypedDict):
    """One message: ``role`` is system, user, assistant or tool."""

    role: str
    content: str
    calls: NotRequired[list[Call]]
    """Of an assistant that calls tools; several at once are parallel calls."""
    call_id: NotRequired[str]
    """Of a tool: which call it answers."""
    name: NotRequired[str]
    """Of a tool: its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """One row to train on."""

    id: str
    messages: list[Turn]
    """From the system message, if there is one, to the assistant's answer."""
    tools: list[dict[str, Any]]
    """Schemas of the tools offered, in OpenAI function form; empty if there are none."""
    rejected: list[Turn] | None = None
    """The same conversation ended as it should not, for preference pairs."""
    intent: str = ""
    """``harmful``, ``borderline`` or ``benign``; empty where nobody said."""
    refused_at: int | None = None
    """Number of tool calls before the refusal; None where the request was carried out."""
    split: str = "train"
    source: str = "agentalign-lc"
    """Who made it: the package, or the name of a third party's data set."""
    about: dict[str, Any] = field(default_factory=dict)
    """Further provenance: category, subcategory, chain, writers, licence, injected instruction."""


def run_conversations(store: RunStore, split: str | None = None) -> Iterator[Conversation]:
    """The kept examples of a run as conversations, one at a time, in the run's order.

    Args:
        store: The run.
        split: Only this split; all if None.

    Raises:
        StoreError: a row cannot be read.
    """
    for row in store.kept():
        if split is None or row["split"] == split:
            yield _conversation(row)


def example_conversation(example: Example) -> Conversation:
    """One example as a conversation."""
    return _conversation(example.model_dump(mode="json"))


def pair(conversation: Conversation) -> tuple[list[Turn], list[Turn], list[Turn]] | None:
    """Split a conversation into what both responses begin with, the chosen rest and the rejected rest.

    Returns:
        Prompt, chosen, rejected; None if there is no rejected response, or the
        two do not part where an assistant speaks. The prompt ends where an
        assistant must speak next.

    Example:
        >>> ask, yes, no = ({"role": r, "content": c} for r, c in
        ...     [("user", "Hi"), ("assistant", "Hello!"), ("assistant", "No.")])
        >>> row = Conversation(id="1", messages=[ask, yes], tools=[], rejected=[ask, no])
        >>> [[turn["content"] for turn in part] for part in pair(row)]
        [['Hi'], ['Hello!'], ['No.']]
    """
    if conversation.rejected is None:
        return None
    chosen, rejected = conversation.messages, conversation.rejected
    same = _common(chosen, rejected)
    while same > 0 and not (_speaks(chosen, same) and _speaks(rejected, same)):
        same -= 1
    return (chosen[:same], chosen[same:], rejected[same:]) if same else None


def diverging_turns(conversation: Conversation) -> tuple[list[Turn], Turn, Turn] | None:
    """What both responses begin with, and the one turn in which they part.

    Preference training compares what a model says. The rest of a run holds what
    tools say, which trainers would count as the model's words.

    Returns:
        Prompt, chosen turn, rejected turn; None if there is no rejected
        response, or the same turn begins both.

    Example:
        >>> ask, yes, no = ({"role": r, "content": c} for r, c in
        ...     [("user", "Hi"), ("assistant", "Hello!"), ("assistant", "No.")])
        >>> row = Conversation(id="1", messages=[ask, yes], tools=[], rejected=[ask, no])
        >>> diverging_turns(row)[1:]
        ({'role': 'assistant', 'content': 'Hello!'}, {'role': 'assistant', 'content': 'No.'})
    """
    parts = pair(conversation)
    if parts is None or _said(parts[1][0]) == _said(parts[2][0]):
        return None
    return parts[0], parts[1][0], parts[2][0]


def turns_of(messages: Iterable[BaseMessage]) -> list[Turn]:
    """LangChain messages as turns.

    Example:
        >>> from langchain_core.messages import HumanMessage
        >>> turns_of([HumanMessage("Hi")])
        [{'role': 'user', 'content': 'Hi'}]
    """
    return _turns([message_to_dict(message) for message in messages])


def _common(one: Sequence[Turn], other: Sequence[Turn]) -> int:
    pairs = zip(one, other, strict=False)
    return next(
        (number for number, (a, b) in enumerate(pairs) if _said(a) != _said(b)),
        min(len(one), len(other)),
    )


def _said(turn: Turn) -> tuple[str, str, list[tuple[str, dict[str, Any]]]]:
    # Without ids: two runs name the same call differently.
    calls = [(call["name"], call["arguments"]) for call in turn.get("calls", ())]
    return turn["role"], turn["content"], calls


def _speaks(turns: Sequence[Turn], number: int) -> bool:
    return number < len(turns) and turns[number]["role"] == "assistant"


def _conversation(row: dict[str, Any]) -> Conversation:
    chain, instruction = row["scenario"]["chain"], row["instruction"]
    twist = row["scenario"]["twist"] or {}
    rejected = row["rejected"]
    return Conversation(
        id=row["id"],
        messages=_turns(row["response"]["messages"]),
        tools=row["response"]["tools"],
        rejected=_turns(rejected["messages"]) if rejected else None,
        intent=instruction["intent"],
        refused_at=row["refused_at"],
        split=row["split"],
        source=f"agentalign-lc {row['version']}",
        about={
            "category": chain["category"],
            "subcategory": chain["subcategory"],
            "chain": chain["name"],
            "scenario": row["scenario"]["id"],
            "injection": twist["text"] if twist.get("kind") == "injection" else None,
            "rejected_as": row["rejected_as"],
            "writers": {part["role"]: part["writer"] for part in row["provenance"]},
        },
    )


def _turns(messages: Sequence[dict[str, Any]]) -> list[Turn]:
    return [_turn(message) for message in messages]


def _turn(message: dict[str, Any]) -> Turn:
    data = message["data"]
    content = data["content"]
    if not isinstance(content, str) or not content:
        # Blocks, or a refusal that stands beside an empty content.
        content = message_text(messages_from_dict([message])[0])
    turn = Turn(role=_ROLES[message["type"]], content=content)
    if data.get("tool_calls"):
        turn["calls"] = [
            Call(id=call["id"] or "", name=call["name"], arguments=call["args"])
            for call in data["tool_calls"]
        ]
    if turn["role"] == "tool":
        turn["call_id"], turn["name"] = data["tool_call_id"], data["name"] or "unknown"
    return turn
