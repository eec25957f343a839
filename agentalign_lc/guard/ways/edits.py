"""Edits: a person changed the arguments of a call inside an app whose code cannot be changed.

A handler cannot give a tool other arguments: it is only told of them. But a node
that runs tools reads its calls from what it is given, and of that a handler is
told before the node begins. So when a run is resumed with an edit, the edited
call is put into what the node is given; when the tool starts, the watch sees
whether it was this call that came, and refuses any other.

The model's message stays what the model said. The tool's message says what ran.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langgraph.types import Interrupt

from agentalign_lc.guard.ways.batch import with_arguments
from agentalign_lc.guard.ways.person import Question, read_answers

__all__ = [
    "EDITED",
    "Edit",
    "Edits",
    "answered_calls",
    "as_ran",
    "carried",
    "noted",
    "put_into",
    "same_arguments",
]

EDITED: Final = "agentalign_edited"
"""Key in a tool message's metadata: the arguments with which a person had the call run."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Other arguments for one call."""

    call_id: str
    name: str
    before: Mapping[str, Any]
    """What the model asked for; another call with the same id is not meant."""
    after: Mapping[str, Any]

    def fits(self, call: Mapping[str, Any]) -> bool:
        """Whether a call is the one that a person was asked about."""
        known = (self.call_id, self.name, dict(self.before))
        return (call.get("id"), call.get("name"), call.get("args")) == known


class Edits:
    """What a person has edited in one conversation.

    Args:
        edits: By call id; None where what a person says cannot be read before the run goes on, so
            that nothing can be edited.

    Example:
        >>> edits = Edits({})
        >>> edits.see({"tool_call": {"name": "pay", "args": {"to": "Ben"}, "id": "1"}})
        >>> edits.possible("1"), edits.possible("2"), edits.find("1")
        (True, False, None)
    """

    def __init__(self, edits: dict[str, Edit] | None) -> None:
        self._edits = edits
        self._carried: set[str] = set()

    def take(self, interrupts: Iterable[Interrupt], resume: object) -> None:
        """Learn what a person has said, before the calls that it is about are made again."""
        for call_id, edit in answered_calls(interrupts, resume).items():
            self.drop(call_id)
            if edit and self._edits is not None:
                self._edits[call_id] = edit

    def see(self, given: object) -> None:
        """See which calls a node is given, and give it those that a person edited."""
        if self._edits is None:
            return
        for call in carried(given):
            self._carried.add(call["id"] or "")
            if edit := self.find(call["id"] or ""):
                put_into(given, edit)

    def possible(self, call_id: str) -> bool:
        """Whether a call comes from what a node was given, and so can be another."""
        return call_id in self._carried

    def find(self, call_id: str) -> Edit | None:
        """The edit of a call."""
        return (self._edits or {}).get(call_id)

    def drop(self, call_id: str) -> None:
        """Forget the edit of a call."""
        (self._edits or {}).pop(call_id, None)


def answered_calls(interrupts: Iterable[Interrupt], resume: object) -> dict[str, Edit | None]:
    """What a run is resumed with, by the id of each call that a person was asked about.

    None for a call that is not edited.

    Args:
        interrupts: What the run waits for.
        resume: The value of ``Command(resume=...)``: an answer, or answers by interrupt id.

    Example:
        >>> asked = {"name": "pay", "args": {"to": "Ben"}, "tool_call_id": "1"}
        >>> pause = Interrupt({"action_requests": [asked]}, id="p")
        >>> action = {"name": "pay", "args": {"to": "Ana"}}
        >>> answered_calls([pause], {"decisions": [{"type": "edit", "edited_action": action}]})
        {'1': Edit(call_id='1', name='pay', before={'to': 'Ben'}, after={'to': 'Ana'})}
    """
    found: dict[str, Edit | None] = {}
    for pause in interrupts:
        asked = pause.value.get("action_requests") if isinstance(pause.value, Mapping) else None
        if not isinstance(asked, list):
            continue
        questions = [Question(one["name"], one["args"], "") for one in asked]
        said = resume.get(pause.id, resume) if isinstance(resume, Mapping) else resume
        for one, answer in zip(asked, read_answers(said, questions), strict=True):
            if call_id := one.get("tool_call_id"):
                edited = answer.kind == "edit" and answer.name == one["name"]
                edit = Edit(call_id, one["name"], one["args"], answer.arguments)
                found[call_id] = edit if edited else None
    return found


def carried(given: object) -> list[Mapping[str, Any]]:
    """The calls that a node is given: those that were sent to it, or those of its last message.

    Example:
        >>> call = {"name": "pay", "args": {}, "id": "1", "type": "tool_call"}
        >>> carried({"messages": [AIMessage("", tool_calls=[call])]}) == [call]
        True
        >>> carried({"tool_call": call, "state": {}}) == carried([call]) == [call]
        True
    """
    if isinstance(given, list):
        return [call for call in given if _is_call(call)]
    if isinstance(given, Mapping) and _is_call(given.get("tool_call")):
        return [given["tool_call"]]
    return [call for _, message in _speaking(given) for call in message.tool_calls]


def put_into(given: object, edit: Edit) -> None:
    """Put an edited call into what a node is given, where the call stands; the state is left alone.

    Example:
        >>> given = {"tool_call": {"name": "pay", "args": {"to": "Ben"}, "id": "1"}}
        >>> put_into(given, Edit("1", "pay", {"to": "Ben"}, {"to": "Ana"}))
        >>> given["tool_call"]["args"]
        {'to': 'Ana'}
    """
    if isinstance(given, list):
        given[:] = [_edited(call, edit) if _is_call(call) else call for call in given]
    elif isinstance(given, dict) and _is_call(given.get("tool_call")):
        given["tool_call"] = _edited(given["tool_call"], edit)
    else:
        parts = given if isinstance(given, dict) else getattr(given, "__dict__", {})
        for key, message in _speaking(given):
            if any(edit.fits(call) for call in message.tool_calls):
                parts[key] = with_arguments(parts[key], edit.call_id, edit.after)


def noted(message: ToolMessage, arguments: Mapping[str, Any]) -> None:
    """Have the result of an edited call say so, to the model and to the judges of later calls.

    Example:
        >>> result = ToolMessage("paid", tool_call_id="1")
        >>> noted(result, {"to": "Ana"})
        >>> result.text
        'A person changed the arguments of this call, and it ran with {"to": "Ana"}. paid'
    """
    shown = json.dumps(dict(arguments), default=str, ensure_ascii=False)
    text = f"A person changed the arguments of this call, and it ran with {shown}. "
    if isinstance(message.content, str):
        message.content = text + message.content
    else:
        message.content = [{"type": "text", "text": text}, *message.content]
    message.response_metadata = {**message.response_metadata, EDITED: dict(arguments)}


def as_ran(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """The history with the arguments with which edited calls ran, for judges.

    Example:
        >>> call = {"name": "pay", "args": {"to": "Ben"}, "id": "1"}
        >>> result = ToolMessage("paid", tool_call_id="1")
        >>> noted(result, {"to": "Ana"})
        >>> as_ran([AIMessage("", tool_calls=[call]), result])[0].tool_calls[0]["args"]
        {'to': 'Ana'}
    """
    seen: list[BaseMessage] = []
    for message in messages:
        edited = message.response_metadata.get(EDITED) if isinstance(message, ToolMessage) else None
        if isinstance(message, ToolMessage) and isinstance(edited, Mapping):
            seen = with_arguments(seen, message.tool_call_id, edited)
        seen.append(message)
    return seen


def _is_call(value: object) -> bool:
    return isinstance(value, Mapping) and {"name", "args", "id"} <= value.keys()


def _edited(call: Mapping[str, Any], edit: Edit) -> Mapping[str, Any]:
    return {**call, "args": dict(edit.after)} if edit.fits(call) else call


def _speaking(given: object) -> list[tuple[str, AIMessage]]:
    """The last message of a model in each list of a state, with the list's name."""
    # A state is a dict, a model or a dataclass.
    parts = given if isinstance(given, Mapping) else getattr(given, "__dict__", {})
    found: list[tuple[str, AIMessage]] = []
    for key, value in parts.items():
        if isinstance(value, list):
            last = next((m for m in reversed(value) if isinstance(m, AIMessage)), None)
            found += [(key, last)] if last is not None else []
    return found


def same_arguments(judged: Mapping[str, Any] | None, final: Mapping[str, Any]) -> bool:
    """Whether a tool gets what was judged; what LangGraph injects is not in either."""
    return judged is not None and dict(judged) == dict(final)
