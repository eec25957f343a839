"""Asking a person: an interrupt in the shape of LangChain's human-in-the-loop, and the answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from langgraph.types import interrupt

from agentalign_lc.guard.opinion import Opinion

__all__ = ["Answer", "Question", "ask_person", "read_answers", "why"]


@dataclass(frozen=True, slots=True)
class Question:
    """One thing for a person to look at: a call of a tool.

    A text is asked about as the argument of ``request``, ``result`` or ``answer``.
    """

    name: str
    arguments: Mapping[str, Any]
    why: str
    allowed: tuple[str, ...] = ("approve", "edit", "reject")
    call_id: str = ""
    """Which call is meant, where the answer has to be found again before the call is."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person said about one question."""

    kind: Literal["approve", "edit", "reject"]
    message: str = ""
    """The reason for a rejection."""
    name: str = ""
    """The tool, for an edit."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """The arguments, for an edit."""


def ask_person(questions: Sequence[Question]) -> tuple[Answer, ...]:
    """Pause the run until a person has answered; one answer a question, in order.

    Needs a checkpointer; without one the run stops here, and nothing was done.

    Raises:
        GraphInterrupt: until it is resumed with ``Command(resume={"decisions": [...]})``.
    """
    asked = {
        "action_requests": [
            {"name": q.name, "args": dict(q.arguments), "description": q.why}
            | ({"tool_call_id": q.call_id} if q.call_id else {})
            for q in questions
        ],
        "review_configs": [
            {"action_name": q.name, "allowed_decisions": list(q.allowed)} for q in questions
        ],
    }
    return read_answers(interrupt(asked), questions)


def read_answers(value: object, questions: Sequence[Question]) -> tuple[Answer, ...]:
    """Read what a run was resumed with; what cannot be read counts as a rejection.

    Example:
        >>> question = Question("send_gmail", {"to": "ana@example.com"}, "a stranger's address")
        >>> [answer.kind for answer in read_answers({"decisions": [{"type": "approve"}]}, [question])]
        ['approve']
        >>> read_answers("yes!", [question])[0].kind
        'reject'
    """
    said = value.get("decisions") if isinstance(value, Mapping) else None
    listed = (
        said if isinstance(said, list) and len(said) == len(questions) else [None] * len(questions)
    )
    return tuple(_read(one, q) for one, q in zip(listed, questions, strict=True))


def why(opinion: Opinion | None) -> str:
    """The line that a person is shown."""
    return f"{opinion.judge}: {opinion.reason or opinion.finding}" if opinion else ""


def _read(said: object, question: Question) -> Answer:
    unreadable = Answer("reject", "the answer of the person could not be read")
    if isinstance(said, Mapping) and said.get("type") == "edit" and "edit" not in question.allowed:
        return Answer("reject", "it cannot be edited here: approve or reject it")
    if not isinstance(said, Mapping) or said.get("type") not in question.allowed:
        return unreadable
    if said["type"] == "reject":
        return Answer("reject", str(said.get("message") or "a person rejected it"))
    if said["type"] == "approve":
        return Answer("approve")
    edited = said.get("edited_action")
    if not isinstance(edited, Mapping) or not isinstance(edited.get("args"), Mapping):
        return unreadable
    return Answer("edit", name=str(edited.get("name") or question.name), arguments=edited["args"])
