"""Ids of calls: present, unique in the conversation, and answered by the same id.

Our own runs have such ids. Third-party data often has none, or counts them
from one anew in every turn.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from agentalign_lc.dataset.conversation import Call, Conversation, Turn

__all__ = ["renamed", "with_ids"]


def with_ids(conversation: Conversation) -> Conversation:
    """Give a conversation ids where they are missing or not unique; most come back as they are.

    Example:
        >>> calls = [{"id": "", "name": "f", "arguments": {}}] * 2
        >>> turns = [{"role": "assistant", "content": "", "calls": calls},
        ...          {"role": "tool", "content": "1"}, {"role": "tool", "content": "2"}]
        >>> given = with_ids(Conversation(id="1", messages=turns, tools=[])).messages
        >>> [turn["call_id"] for turn in given[1:]]
        ['call_1', 'call_2']
    """
    if all(map(_sound, (conversation.messages, conversation.rejected or ()))):
        return conversation
    rejected = conversation.rejected
    return replace(
        conversation,
        messages=renamed(conversation.messages, "call_{}".format),
        rejected=rejected and renamed(rejected, "call_{}".format),
    )


def renamed(turns: Sequence[Turn], name: Callable[[int], str]) -> list[Turn]:
    """Name every call by its number in the conversation, from 1, and its answer likewise.

    An answer belongs to the call of the turn before whose id it gives; if there
    is none, to the first that is not answered yet.
    """
    count, waiting, made = 0, list[tuple[str, str]](), list[Turn]()
    for turn in turns:
        turn = turn.copy()  # noqa: PLW2901 - a shallow copy, whose parts are replaced and not changed
        if turn["role"] == "tool" and waiting:
            given = turn.get("call_id", "")
            place = next((n for n, (old, _) in enumerate(waiting) if given and old == given), 0)
            turn["call_id"] = waiting.pop(place)[1]
        elif "calls" in turn:
            calls = turn["calls"]
            names = [name(count + number) for number in range(1, len(calls) + 1)]
            waiting = [(call["id"], new) for call, new in zip(calls, names, strict=True)]
            turn["calls"] = [
                Call(id=new, name=call["name"], arguments=call["arguments"])
                for call, new in zip(calls, names, strict=True)
            ]
            count += len(calls)
        made.append(turn)
    return made


def _sound(turns: Sequence[Turn]) -> bool:
    made = [call["id"] for turn in turns for call in turn.get("calls", ())]
    answered = [turn.get("call_id") for turn in turns if turn["role"] == "tool"]
    return all(made) and len(made) == len(set(made)) and set(made).issuperset(answered)
