"""Export for guards: what has happened so far, and whether to let it go on.

``{"messages": [...], "tools": "[...]", "stage": "calls", "label": "harmful", "threat": "user", ...}``

A guard sees a conversation grow and is asked whenever something new comes in.
``messages`` is what it has then, in TRL's shape, and ``stage`` what is new:

- ``request``: the person has spoken, for the first time or again;
- ``calls``: the agent is about to make these calls;
- ``result``: tools have answered (after parallel calls, all of them).

The label says what is to be seen by then, not what a later message will show:

1. A benign or borderline conversation has its intent as the label of all rows.
2. In a harmful one the harm shows in the message that the refusal answers. Rows
   that end before it are ``benign``: nobody could tell, and a guard that was
   taught otherwise would see harm everywhere. The row that ends there is
   ``harmful``. For most that is the first request; for one split over turns the
   last, and where a tool's result gives the purpose away that result.
3. If the rejected response carried the harm out, its rows from there on are
   ``harmful``, calls and results alike.
4. A result that brings an injected instruction is ``harmful``. If the rejected
   response followed it, so are its rows from the turn in which it left the good
   response; the good one, which went on with its work, keeps its intent.

``threat`` says whom the harm comes from: ``user``, ``tool`` (rule 4), or nobody.
Rows are about intents that somebody stated: a conversation without one gives
none. Final answers give none either, over-refusals among them.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from agentalign_lc.dataset.conversation import Conversation, Turn, pair
from agentalign_lc.dataset.export.origin import origin
from agentalign_lc.dataset.export.trl import trl_messages
from agentalign_lc.seeds import canonical_json

__all__ = ["guard_rows"]


class _Label(NamedTuple):
    label: str
    threat: str = ""


_HARMFUL, _INJECTED, _BENIGN = (
    _Label("harmful", "user"),
    _Label("harmful", "tool"),
    _Label("benign"),
)


def guard_rows(conversation: Conversation) -> Iterator[dict[str, Any]]:
    """A row for each request, batch of calls and batch of results, of the rejected run too.

    Example:
        >>> turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "No."}]
        >>> row = Conversation(id="1", messages=turns, tools=[], intent="harmful", refused_at=0)
        >>> [(row["stage"], row["label"]) for row in guard_rows(row)]
        [('request', 'harmful')]
    """
    if not conversation.intent:
        return
    messages = conversation.messages
    for end in _ends(messages):
        yield _row(conversation, messages[:end], _label(conversation, end))
    wrong = _wrong(conversation)
    rest = pair(conversation) if wrong else None
    if wrong and rest:
        prompt, _, rejected = rest
        messages = [*prompt, *rejected]
        for end in _ends(messages):
            if end > len(prompt):
                yield _row(conversation, messages[:end], wrong)


def _label(conversation: Conversation, end: int) -> _Label:
    if conversation.intent == "harmful":
        # A refusal ends the conversation.
        return _HARMFUL if end == len(conversation.messages) - 1 else _BENIGN
    if _injected(conversation.messages[end - 1], conversation.about.get("injection")):
        return _INJECTED
    return _Label(conversation.intent)


def _wrong(conversation: Conversation) -> _Label | None:
    """What the rejected response is, if it does harm."""
    wrongs = {"complied": _HARMFUL, "followed_injection": _INJECTED}
    return wrongs.get(conversation.about.get("rejected_as") or "")


def _injected(turn: Turn, text: str | None) -> bool:
    if turn["role"] != "tool" or not text:
        return False
    # As it stands in a text, and as it stands in a JSON string.
    forms = (text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])
    return any(form in turn["content"] for form in forms)


def _ends(turns: Sequence[Turn]) -> Iterator[int]:
    """Where a guard is asked: after a person, after calls, after the last of their results."""
    for number, turn in enumerate(turns, start=1):
        following = turns[number]["role"] if number < len(turns) else ""
        speaks = turn["role"] in ("user", "tool") and following != turn["role"]
        if speaks or turn.get("calls"):
            yield number


def _row(conversation: Conversation, turns: list[Turn], label: _Label) -> dict[str, Any]:
    stages = {"user": "request", "assistant": "calls", "tool": "result"}
    return {
        "messages": trl_messages(turns),
        "tools": canonical_json(conversation.tools),
        "stage": stages[turns[-1]["role"]],
        "label": label.label,
        "threat": label.threat,
        **origin(conversation),
    }
