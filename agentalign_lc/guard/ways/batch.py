"""A batch: the calls of one message, judged once, whichever of them comes by first.

The ways in that meet calls one by one (a ToolNode's wrapper, the watch over a
compiled app) share this, so that parallel calls are judged together, before
any of them runs, and a person is asked once for all of them.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from langchain_core.messages import AIMessage, BaseMessage

from agentalign_lc.guard.engine.decision import Decision
from agentalign_lc.guard.engine.engine import Engine
from agentalign_lc.guard.opinion import refuse
from agentalign_lc.guard.view import View
from agentalign_lc.guard.ways.person import Answer, Question, ask_person, why
from agentalign_lc.guard.ways.words import basis_of

__all__ = [
    "Batch",
    "Bounded",
    "ask_about",
    "ask_about_request",
    "call_text",
    "redacted_text",
    "with_arguments",
]

V = TypeVar("V")


@dataclass(slots=True)
class Batch:
    """The calls of one message with what became of them; ``lock`` is held while that is found out."""

    view: View
    calls: tuple[Mapping[str, Any], ...]
    lock: threading.RLock = field(default_factory=threading.RLock)
    decision: Decision | None = None
    replies: Mapping[str, Answer] | None = None
    """By call id, once a person was asked."""
    asker: str = ""
    """The task that asks the person; its siblings wait."""
    left: set[str] = field(default_factory=set)
    """Ids of the calls that have not come by yet."""

    @property
    def asked(self) -> tuple[Mapping[str, Any], ...]:
        """The calls that a person is asked about."""
        decision = self.decision
        if decision is None:
            return ()
        return tuple(c for c in self.calls if decision.for_call(c["id"] or "") == "ask")


class Bounded(Generic[V]):
    """The last few values by key; safe to use from several threads.

    Example:
        >>> last = Bounded(2)
        >>> [last.get(key, lambda: key.upper()) for key in "abc"], last.find("a")
        (['A', 'B', 'C'], None)
    """

    def __init__(self, size: int = 1024) -> None:
        self._size = size
        self._values: OrderedDict[str, V] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str, make: Callable[[], V]) -> V:
        """The value of a key, made if it is not there."""
        with self._lock:
            if key not in self._values:
                self._values[key] = make()
            self._values.move_to_end(key)
            while len(self._values) > self._size:
                self._values.popitem(last=False)
            return self._values[key]

    def put(self, key: str, value: V) -> None:
        """Set the value of a key, whatever was there."""
        self.drop(key)
        self.get(key, lambda: value)

    def find(self, key: str) -> V | None:
        """The value of a key; None if it is not there (any more)."""
        with self._lock:
            return self._values.get(key)

    def drop(self, key: str) -> None:
        """Forget a key."""
        with self._lock:
            self._values.pop(key, None)


def ask_about(
    decision: Decision,
    calls: Sequence[Mapping[str, Any]],
    *,
    editable: bool = True,
) -> dict[str, Answer]:
    """Ask a person about calls, all at once; what was said, by call id.

    Another tool would be another call, which nobody has judged: an edit that names
    one is a rejection.

    Args:
        decision: Why they are asked about.
        calls: Those to ask about.
        editable: Whether they can run with other arguments.

    Raises:
        GraphInterrupt: until the run is resumed.
    """
    allowed = ("approve", "edit", "reject") if editable else ("approve", "reject")
    said = ask_person([_question(decision, call, allowed) for call in calls])
    return {
        call["id"] or "": answer
        if answer.kind != "edit" or answer.name == call["name"]
        else Answer("reject", "the edit names another tool")
        for call, answer in zip(calls, said, strict=True)
    }


def _question(decision: Decision, call: Mapping[str, Any], allowed: tuple[str, ...]) -> Question:
    call_id = call["id"] or ""
    return Question(call["name"], call["args"], why(basis_of(decision, call_id)), allowed, call_id)


def ask_about_request(decision: Decision, text: str) -> bool:
    """Ask a person whether the user's request may be worked on.

    Raises:
        GraphInterrupt: until the run is resumed.
    """
    asked = Question("request", {"text": text}, why(basis_of(decision)), ("approve", "reject"))
    (answer,) = ask_person([asked])
    return answer.kind == "approve"


def with_arguments(
    messages: Sequence[BaseMessage], call_id: str, arguments: Mapping[str, Any]
) -> list[BaseMessage]:
    """The history with other arguments in the last message's call of that id.

    Example:
        >>> call = {"name": "pay", "args": {"to": "Ana"}, "id": "1"}
        >>> changed = with_arguments([AIMessage("", tool_calls=[call])], "1", {"to": "Ben"})
        >>> changed[-1].tool_calls[0]["args"]
        {'to': 'Ben'}
    """
    changed = list(messages)
    for place in range(len(changed) - 1, -1, -1):
        message = changed[place]
        if isinstance(message, AIMessage) and any(c["id"] == call_id for c in message.tool_calls):
            calls = [
                {**call, "args": dict(arguments)} if call["id"] == call_id else call
                for call in message.tool_calls
            ]
            changed[place] = message.model_copy(update={"tool_calls": calls})
            break
    return changed


def call_text(
    guard: Engine, decision: Decision, call: Mapping[str, Any], answer: Answer | None = None
) -> str:
    """What the model reads in place of a refused call's result."""
    opinion = refuse("person", answer.message) if answer else basis_of(decision, call["id"] or "")
    return guard.policy.wording.say("refuse_call", opinion, call["name"])


def redacted_text(guard: Engine, decision: Decision, tool: str = "") -> str:
    """What stands in place of a text that was taken out."""
    return guard.policy.wording.say("redacted", basis_of(decision), tool)
