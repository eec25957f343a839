"""What stands in the history for what was refused, and where in it things are."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from agentalign_lc.guard.engine.decision import Action, Decision
from agentalign_lc.guard.engine.engine import Engine
from agentalign_lc.guard.engine.history import REFUSED, end_run, refusal, replaced
from agentalign_lc.guard.opinion import Opinion, refuse
from agentalign_lc.guard.view import View

__all__ = [
    "Phrase",
    "Spoken",
    "answer_text",
    "answered",
    "asked_about",
    "basis_of",
    "batch_key",
    "blocked",
    "ending",
    "facts_of",
    "final_view",
    "held_name",
    "last_batch",
    "last_word",
    "refused",
    "same_call",
    "say",
    "since_user",
    "spoken",
    "stamp",
    "stamped",
    "was_blocked",
]

_NOBODY = refuse("policy", "")
_BLOCKED = "agentalign_blocked"
Phrase = Literal["refuse_call", "refuse_run", "budget", "redacted"]
"""Names of the policy's templates."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """What an assistant says to the user: words, or an answer in the form of a call.

    ``ToolStrategy`` has a model call a tool that is none, and answers the call at once:
    its arguments are the answer.
    """

    message: AIMessage
    """Of the answer's own calls alone; a call of a real tool is no part of it."""
    place: int
    """Where it stands in the history."""
    results: tuple[ToolMessage, ...] = ()
    """The answers to its calls."""

    @property
    def text(self) -> str:
        """All of it as text; arguments are JSON."""
        return answer_text(self.message)

    @property
    def shown(self) -> AIMessage:
        """The message as judges see it."""
        if not self.message.tool_calls:
            return self.message
        return self.message.model_copy(update={"content": self.text, "tool_calls": []})


def answer_text(message: BaseMessage) -> str:
    """What a message says, the arguments of its calls included.

    Example:
        >>> answer_text(AIMessage("", tool_calls=[{"name": "Sum", "args": {"n": 3}, "id": "1"}]))
        '{"n": 3}'
    """
    calls = message.tool_calls if isinstance(message, AIMessage) else []
    forms = [json.dumps(call["args"], ensure_ascii=False, default=str) for call in calls]
    return "\n".join(part for part in (str(message.text), *forms) if part)


def spoken(messages: Sequence[BaseMessage]) -> Spoken | None:
    """The answer that a model has just given, before any tool ran; None if it gave none.

    Example:
        >>> call = {"name": "Sum", "args": {"n": 3}, "id": "1"}
        >>> said = spoken([AIMessage("", tool_calls=[call]), ToolMessage("Done.", tool_call_id="1")])
        >>> said.text
        '{"n": 3}'
    """
    last, place = last_batch(messages)
    if last is None:
        return None
    results = [m for m in messages[place + 1 :] if isinstance(m, ToolMessage)]
    if len(results) != len(messages) - place - 1:
        return None  # somebody else has spoken since
    answered = {result.tool_call_id for result in results}
    own = [call for call in last.tool_calls if call["id"] in answered]
    if not own and (last.tool_calls or last.invalid_tool_calls):
        return None
    message = last.model_copy(update={"tool_calls": own, "invalid_tool_calls": []})
    return Spoken(message, place, tuple(results)) if own else Spoken(last, place)


def last_batch(messages: Sequence[BaseMessage]) -> tuple[AIMessage | None, int]:
    """The last assistant message and its place; None and -1 if there is none."""
    for place in range(len(messages) - 1, -1, -1):
        message = messages[place]
        if isinstance(message, AIMessage):
            return message, place
    return None, -1


def since_user(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """What came after the user last spoke."""
    since: list[BaseMessage] = []
    for message in reversed(messages):
        if isinstance(message, HumanMessage):
            break
        since.append(message)
    return since[::-1]


def batch_key(guard: Engine, messages: Sequence[BaseMessage], place: int) -> str:
    """The key of a batch: the history up to its message, not the answers behind it."""
    # The answers come one by one while siblings run.
    return guard.key(guard.look(messages[: place + 1]), "calls")


def same_call(batch: AIMessage, call: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The call with the same id, as the model made it; None if it made none such."""
    return next((made for made in batch.tool_calls if made["id"] == call["id"]), None)


def asked_about(decision: Decision, view: View) -> list[str]:
    """Ids of the pending calls that a person is to decide about."""
    return [call.id for call in view.pending if decision.for_call(call.id) == "ask"]


def final_view(
    guard: Engine,
    messages: Sequence[BaseMessage],
    place: int,
    call: Mapping[str, Any],
    decision: Decision | None,
) -> View:
    """The history as it is when a call runs: with its final arguments, refused siblings answered."""
    own = {"name": call["name"], "args": call["args"], "id": call["id"], "type": "tool_call"}
    batch = messages[place] if place >= 0 else None
    if not isinstance(batch, AIMessage):
        return guard.look([*messages, AIMessage("", tool_calls=[own])])
    known = same_call(batch, call) is not None
    calls = [own if made["id"] == call["id"] else made for made in batch.tool_calls]
    final = batch.model_copy(update={"tool_calls": calls if known else [*calls, own]})
    gone = decision.named("refuse_call") if decision else ()
    answers = [refusal(made, "refused") for made in batch.tool_calls if made["id"] in gone]
    return guard.look([*messages[:place], final, *messages[place + 1 :], *answers])


def basis_of(decision: Decision, call_id: str = "") -> Opinion:
    """The opinion that a decision rests on, for a call or as a whole."""
    found = decision.opinion_on(call_id) if call_id else decision.refusal
    if found is not None:
        return found
    return decision.opinions[-1] if decision.opinions else _NOBODY


def say(guard: Engine, which: Phrase, opinion: Opinion, tool: str = "") -> str:
    """What the policy has said about an opinion."""
    return guard.policy.wording.say(which, opinion, tool)


def last_word(guard: Engine, decision: Decision) -> str:
    """What ends a run that was refused."""
    return say(guard, "budget" if decision.budget else "refuse_run", basis_of(decision))


def ending(guard: Engine, history: Sequence[BaseMessage], decision: Decision) -> list[BaseMessage]:
    """The messages that end a run: every pending call refused, then the last word."""
    text = say(guard, "refuse_call", basis_of(decision))
    return end_run(history, text, last_word(guard, decision))


def refused(
    guard: Engine, messages: Sequence[BaseMessage], decision: Decision, call: Mapping[str, Any]
) -> ToolMessage:
    """The message that answers a refused call."""
    call_id = call["id"] or ""
    basis = basis_of(decision, call_id)
    return answered(guard, messages, call, decision.for_call(call_id), basis)


def answered(
    guard: Engine,
    messages: Sequence[BaseMessage],
    call: Mapping[str, Any],
    action: Action,
    basis: Opinion,
) -> ToolMessage:
    """The message that answers a call which an opinion speaks against."""
    text = say(guard, "refuse_call", basis, call["name"])
    answer = refusal(call, text, action=action, reason=basis.reason)
    _, place = last_batch(messages)
    # Our own words need no judge.
    return stamped(guard, messages[: place + 1], answer)


def facts_of(message: BaseMessage) -> dict[str, Any] | None:
    """What the guard wrote down on the answer to a call it refused; None for any other message."""
    artifact = message.artifact if isinstance(message, ToolMessage) else None
    facts = artifact.get(REFUSED) if isinstance(artifact, dict) else None
    return facts if isinstance(facts, dict) else None


def held_name(guard: Engine, message: BaseMessage) -> str:
    """Where the text stands that waits for a person; empty for what is never held back."""
    if isinstance(message, ToolMessage):
        return f"held:{guard.id}:{message.tool_call_id}"
    held = isinstance(message, AIMessage) and not message.tool_calls
    return f"held:{guard.id}:answer" if held else ""


def stamp(guard: Engine) -> str:
    """Where, in the metadata of a result, the key stands under which a guard judged it."""
    return f"agentalign_judged:{guard.id}"


def stamped(guard: Engine, before: Sequence[BaseMessage], result: ToolMessage) -> ToolMessage:
    """Write on a result that it was judged, so that nobody pays for it again."""
    key = guard.key(guard.look([*before, result]), "result")
    return result.model_copy(
        update={"response_metadata": {**result.response_metadata, stamp(guard): key}}
    )


def blocked(guard: Engine, message: AIMessage, text: str) -> AIMessage:
    """The message that stands where an answer was; it says so, and calls nothing."""
    clean = replaced(message, text)
    return clean.model_copy(
        update={
            "tool_calls": [],
            "invalid_tool_calls": [],
            "response_metadata": {_BLOCKED: guard.id},
        }
    )


def was_blocked(guard: Engine, message: BaseMessage | None) -> bool:
    """Whether a message stands where the guard took an answer out."""
    return message is not None and message.response_metadata.get(_BLOCKED) == guard.id
