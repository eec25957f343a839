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

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from agentalign_lc.guard.decision import Decision
from agentalign_lc.guard.engine import Guard
from agentalign_lc.guard.history import REFUSED
from agentalign_lc.guard.judges.base import Finding, Opinion
from agentalign_lc.guard.view import View

__all__ = [
    "Batch",
    "Bounded",
    "Reply",
    "call_text",
    "is_refusal",
    "last_word",
    "question",
    "redacted_text",
    "replies",
    "with_arguments",
]

V = TypeVar("V")

_NOBODY = Opinion(judge="guard", finding=Finding.REFUSE)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a person said about a call."""

    approved: bool
    arguments: Mapping[str, Any] | None = None
    """Other arguments, if the person changed them."""
    text: str = ""
    """Why not, if the person said."""


@dataclass(slots=True)
class Batch:
    """The calls of one message with what became of them; ``lock`` is held while that is found out."""

    view: View
    calls: tuple[Mapping[str, Any], ...]
    lock: threading.RLock = field(default_factory=threading.RLock)
    decision: Decision | None = None
    replies: Mapping[str, Reply] | None = None
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


def question(
    decision: Decision, calls: Sequence[Mapping[str, Any]], *, edits: bool = True
) -> dict[str, Any]:
    """What a person is asked, in the shape of LangChain's human-in-the-loop middleware.

    Example:
        >>> decision = Decision(checkpoint="calls", action="ask")
        >>> asked = question(decision, [{"name": "pay", "args": {"to": "Ana"}, "id": "1"}])
        >>> asked["action_requests"][0]["args"]
        {'to': 'Ana'}
    """
    allowed = ["approve", "edit", "reject"] if edits else ["approve", "reject"]
    return {
        "action_requests": [
            {
                "name": call["name"],
                "args": dict(call["args"]),
                "description": (decision.opinion_on(call["id"] or "") or _NOBODY).reason
                or "The guard wants a person to look at this call.",
            }
            for call in calls
        ],
        "review_configs": [
            {"action_name": call["name"], "allowed_decisions": allowed} for call in calls
        ],
    }


def replies(answer: object, calls: Sequence[Mapping[str, Any]]) -> dict[str, Reply]:
    """Read what a person answered, by call id; whatever cannot be read is a no.

    Example:
        >>> replies({"decisions": [{"type": "approve"}]}, [{"name": "pay", "args": {}, "id": "1"}])
        {'1': Reply(approved=True, arguments=None, text='')}
        >>> replies("sure", [{"name": "pay", "args": {}, "id": "1"}])["1"].approved
        False
    """
    said = answer.get("decisions") if isinstance(answer, Mapping) else answer
    given = list(said) if isinstance(said, Sequence) and not isinstance(said, str) else []
    if len(given) != len(calls):
        # One answer too few or too many: nobody knows which is meant for which call.
        given = [None] * len(calls)
    return {call["id"] or "": _reply(one, call) for one, call in zip(given, calls, strict=True)}


def _reply(said: object, call: Mapping[str, Any]) -> Reply:
    match said:
        case {"type": "approve"}:
            return Reply(approved=True)
        case {"type": "edit", "edited_action": {"name": name, "args": Mapping() as arguments}}:
            # Another tool would be another call, which nobody has judged.
            return Reply(approved=name == call["name"], arguments=dict(arguments))
        case {"type": "reject", "message": str(text)}:
            return Reply(approved=False, text=text)
    return Reply(approved=False)


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


def is_refusal(message: BaseMessage) -> bool:
    """Whether a message is the guard's own answer to a call."""
    artifact = message.artifact if isinstance(message, ToolMessage) else None
    return isinstance(artifact, Mapping) and REFUSED in artifact


def call_text(guard: Guard, decision: Decision, call: Mapping[str, Any]) -> str:
    """What the model reads in place of a refused call's result."""
    opinion = decision.opinion_on(call["id"] or "") or decision.refusal or _NOBODY
    return guard.policy.wording.say("refuse_call", opinion, call["name"])


def last_word(guard: Guard, decision: Decision) -> str:
    """What the user reads when the run is over."""
    which = "budget" if decision.budget else "refuse_run"
    return guard.policy.wording.say(which, decision.refusal or _NOBODY)  # type: ignore[arg-type]


def redacted_text(guard: Guard, decision: Decision) -> str:
    """What stands in place of a text that was taken out."""
    return guard.policy.wording.say("redacted", decision.refusal or _NOBODY)
