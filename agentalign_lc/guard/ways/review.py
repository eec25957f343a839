"""What a person decides: pending calls, a call that is about to run, texts that were held back."""

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ToolMessage,
    messages_from_dict,
)

from agentalign_lc.guard.engine.decision import Action, Decision, severest
from agentalign_lc.guard.engine.engine import Engine
from agentalign_lc.guard.engine.history import replaced
from agentalign_lc.guard.engine.memory import remember
from agentalign_lc.guard.opinion import Opinion, refuse
from agentalign_lc.guard.ways.person import Answer, Question, ask_person, why
from agentalign_lc.guard.ways.step import Asked, Check, Step
from agentalign_lc.guard.ways.words import (
    answer_text,
    answered,
    basis_of,
    batch_key,
    ending,
    final_view,
    held_name,
    last_batch,
    refused,
    since_user,
    spoken,
    stamped,
)

__all__ = ["by_person", "review_batch", "review_call", "review_held"]


def review_batch(
    guard: Engine, history: list[BaseMessage], place: int, decision: Decision, asked: list[str]
) -> Check[Step]:
    """Ask a person about some calls, and write down what follows."""
    batch = history[place]
    calls = (
        {call["id"] or "": call for call in batch.tool_calls}
        if isinstance(batch, AIMessage)
        else {}
    )
    asked = [call for call in asked if call in calls]
    questions = [
        Question(calls[c]["name"], calls[c]["args"], why(basis_of(decision, c))) for c in asked
    ]
    said = dict(zip(asked, ask_person(questions), strict=True))
    ruled = {**decision.calls, **{call: _after(answer) for call, answer in said.items()}}
    edits = {call: answer for call, answer in said.items() if answer.kind == "edit"}
    edited = _edited(batch, edits)
    history = [*history[:place], edited, *history[place + 1 :]]
    found: tuple[Opinion, ...] = ()
    if edits:
        again = yield Asked(guard.look(history), "calls")
        found = again.opinions
        if again.ends:
            new = remember(batch_key(guard, history, place), again)
            return Step((edited, *ending(guard, history, again)), new, ends=True)
        ruled |= {call: _once_seen(again.for_call(call)) for call in edits}
    rejected = tuple(
        refuse("person", answer.message, calls=(call,))
        for call, answer in said.items()
        if answer.kind == "reject"
    )
    final = decision.model_copy(
        update={
            "action": severest(ruled.values()),
            "calls": ruled,
            "opinions": (*decision.opinions, *found, *rejected),
        }
    )
    # The message is written even where nothing was edited: it may just have been given ids.
    return Step((edited,), remember(batch_key(guard, history, place), final))


def review_call(
    guard: Engine,
    messages: Sequence[BaseMessage],
    place: int,
    call: Mapping[str, Any],
    decision: Decision,
) -> Check[ToolMessage | dict[str, Any]]:
    """Ask a person about a call that is about to run."""
    basis = basis_of(decision, call["id"] or "")
    (answer,) = ask_person([Question(call["name"], call["args"], why(basis))])
    if answer.kind == "reject":
        return answered(guard, messages, call, "refuse_call", by_person(answer))
    if answer.kind == "approve":
        return dict(call)
    edited = {**call, "name": answer.name, "args": dict(answer.arguments)}
    again = yield Asked(final_view(guard, messages, place, edited, None), "arguments")
    allowed = _once_seen(again.for_call(call["id"] or "")) == "allow"
    return edited if allowed else refused(guard, messages, again, edited)


def review_held(guard: Engine, messages: Sequence[BaseMessage], kept: Mapping[str, Any]) -> Step:
    """Ask a person about results and answers that were held back; put back what is approved."""
    waiting = [(m, name) for m in since_user(messages) if (name := held_name(guard, m)) in kept]
    if not waiting:
        return Step()
    originals = [messages_from_dict([kept[name]["message"]])[0] for _, name in waiting]
    questions = [
        _about_held(original, kept[name])
        for (_, name), original in zip(waiting, originals, strict=True)
    ]
    answers = ask_person(questions)
    back: list[BaseMessage] = []
    new: dict[str, Any] = {name: None for _, name in waiting}
    for (message, name), original, answer in zip(waiting, originals, answers, strict=True):
        if answer.kind == "reject":
            continue
        edited = (
            original
            if answer.kind == "approve"
            else replaced(original, str(answer.arguments.get("text", "")))
        )
        shown = edited.model_copy(update={"id": message.id})
        _, place = last_batch(messages)
        if isinstance(shown, ToolMessage):
            back.append(stamped(guard, messages[: place + 1], shown))
            continue
        whole = [shown, *messages_from_dict(kept[name].get("results") or [])]
        back += whole
        if said := spoken([*messages[:-1], *whole]):
            view = guard.look([*messages[:-1], said.shown])
            new |= remember(guard.key(view, "answer"), Decision(checkpoint="answer"))
    return Step(tuple(back), new)


def _about_held(original: BaseMessage, held: Mapping[str, Any]) -> Question:
    """The question about a text; what an answer in a fixed form says cannot be edited as text."""
    fixed = bool(held.get("results")) or held.get("structured_response") is not None
    allowed = ("approve", "reject") if fixed else ("approve", "edit", "reject")
    name = "result" if isinstance(original, ToolMessage) else "answer"
    return Question(name, {"text": answer_text(original)}, held["why"], allowed)


def by_person(answer: Answer) -> Opinion:
    """A person's rejection, as an opinion."""
    return refuse("person", answer.message)


def _after(answer: Answer) -> Action:
    return "refuse_call" if answer.kind == "reject" else "allow"


def _once_seen(action: Action) -> Action:
    # A person has seen it: asking again would not end.
    return "allow" if action == "ask" else action


def _edited(batch: BaseMessage, edits: Mapping[str, Answer]) -> BaseMessage:
    if not isinstance(batch, AIMessage) or not edits:
        return batch
    calls = [
        {
            **call,
            "name": edits[call["id"] or ""].name,
            "args": dict(edits[call["id"] or ""].arguments),
        }
        if call["id"] in edits
        else call
        for call in batch.tool_calls
    ]
    return batch.model_copy(update={"tool_calls": calls})
