"""The checks of a run: what is looked at where, and what is then done to the history."""

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    ToolMessage,
    message_to_dict,
)

from agentalign_lc.guard.engine.engine import Engine
from agentalign_lc.guard.engine.history import (
    REFUSED,
    end_run,
    name_calls,
    pending_calls,
    refused_calls,
    replaced,
    unreadable,
)
from agentalign_lc.guard.engine.memory import recall, remember
from agentalign_lc.guard.opinion import refuse
from agentalign_lc.guard.ways.person import Question, ask_person, why
from agentalign_lc.guard.ways.review import by_person, review_batch, review_call
from agentalign_lc.guard.ways.step import Asked, Check, Step
from agentalign_lc.guard.ways.words import (
    Phrase,
    asked_about,
    basis_of,
    batch_key,
    blocked,
    ending,
    facts_of,
    final_view,
    held_name,
    last_batch,
    last_word,
    refused,
    same_call,
    say,
    since_user,
    spoken,
    stamp,
    stamped,
    was_blocked,
)

__all__ = [
    "check_answer",
    "check_batch",
    "check_call",
    "check_end",
    "check_request",
    "check_result",
]


def check_request(
    guard: Engine, messages: Sequence[BaseMessage], kept: Mapping[str, Any], *, pause: bool
) -> Check[Step]:
    """Look at what the user said, if it is the last thing that was said.

    Args:
        guard: Who decides.
        messages: The history.
        kept: What the state key holds.
        pause: Whether a person may be asked here. Judge in one node and ask in the
            next, so that the verdict is in the state when the run resumes.
    """
    if not messages or not isinstance(messages[-1], HumanMessage) or not guard.asks_at("request"):
        return Step()
    view = guard.look(messages)
    key = guard.key(view, "request")
    known = recall(kept, key)
    decision = known or (yield Asked(view, "request"))
    new = {} if known else remember(key, decision)
    if decision.ends:
        return Step((AIMessage(last_word(guard, decision)),), new, ends=True)
    if decision.action != "ask" or not pause:
        return Step((), new)
    question = Question(
        "request", {"text": view.said[-1]}, why(basis_of(decision)), ("approve", "reject")
    )
    (answer,) = ask_person([question])
    approved = answer.kind == "approve"
    new = remember(
        key, decision.model_copy(update={"action": "allow" if approved else "refuse_run"})
    )
    return (
        Step((), new)
        if approved
        else Step((AIMessage(say(guard, "refuse_run", by_person(answer))),), new, ends=True)
    )


def check_batch(
    guard: Engine, messages: Sequence[BaseMessage], kept: Mapping[str, Any], *, act: bool
) -> Check[Step]:
    """Look at all pending calls of the last assistant message, before any runs.

    Args:
        guard: Who decides.
        messages: The history; the assistant message may be followed by answers to some calls.
        kept: What the state key holds.
        act: Whether to carry the decision out: ask a person, end the run. Single refused calls
            are answered where they would have run, see :func:`check_call`.
    """
    batch, place = last_batch(messages)
    if batch is None or not pending_calls(messages):
        return Step()
    named = name_calls(batch)
    history = [*messages[:place], named, *messages[place + 1 :]]
    view, key = guard.look(history), batch_key(guard, history, place)
    known = recall(kept, key)
    decision = known or (yield Asked(view, "calls"))
    changed: tuple[BaseMessage, ...] = () if named is batch else (named,)
    new = {} if known else remember(key, decision)
    if decision.ends and named.content:
        # What was said beside refused calls is as little to be shown as the calls are to be made.
        named = replaced(named, "")
        history, changed = [*messages[:place], named, *messages[place + 1 :]], (named,)
        new = remember(batch_key(guard, history, place), decision)
    if not act:
        return Step(changed, new)
    if decision.ends:
        return Step((*changed, *ending(guard, history, decision)), new, ends=True)
    garbled = tuple(unreadable(history))
    if not (asked := asked_about(decision, view)):
        return Step((*changed, *garbled), new)
    step = yield from review_batch(guard, history, place, decision, asked)
    return step if step.ends else Step((*step.messages, *garbled), step.kept)


def check_call(
    guard: Engine,
    messages: Sequence[BaseMessage],
    kept: Mapping[str, Any],
    call: Mapping[str, Any],
) -> Check[ToolMessage | dict[str, Any]]:
    """Look at one call as it is about to run: the last word before it does.

    A call that is as it was judged with its batch follows that verdict. One that was
    changed since, or never judged, is judged now.

    Returns:
        The call to run, or the message that answers it instead.
    """
    batch, place = last_batch(messages)
    made = same_call(batch, call) if batch else None
    changed = made is None or (made["name"], made["args"]) != (call["name"], call["args"])
    decision = recall(kept, batch_key(guard, messages, place)) if batch else None
    if decision is not None:
        action = decision.for_call(call["id"] or "")
        if action != "allow":
            # `ask` was never answered: whoever had to ask did not run.
            return refused(guard, messages, decision, call)
        if not changed and not guard.asks_at("arguments", changed=False):
            return dict(call)
    final = final_view(guard, messages, place, call, decision)
    decision = yield Asked(final, "arguments", changed=changed or decision is None)
    action = decision.for_call(call["id"] or "")
    if action == "ask":
        return (yield from review_call(guard, messages, place, call, decision))
    return dict(call) if action == "allow" else refused(guard, messages, decision, call)


def check_result(
    guard: Engine, messages: Sequence[BaseMessage], result: ToolMessage, *, hold: bool = True
) -> Check[tuple[ToolMessage, Step]]:
    """Look at what a tool returned, before a model reads it.

    Args:
        guard: Who decides.
        messages: The history; what follows the last assistant message is left out.
        result: The message with the result.
        hold: Whether a result can be held back for a person, see :func:`review_held`. If not,
            what a person would be asked about is taken out.

    Returns:
        The message that takes its place, and what to keep.
    """
    if not guard.asks_at("result"):
        return result, Step()
    _, place = last_batch(messages)
    view = guard.look([*messages[: place + 1], result])
    known = result.response_metadata.get(stamp(guard))
    if known is not None and known == guard.key(view, "result"):
        return result, Step()
    decision = yield Asked(view, "result")
    basis, tool = basis_of(decision), result.name or ""
    if decision.allowed:
        return stamped(guard, messages[: place + 1], result), Step()
    clean = replaced(result, say(guard, "redacted", basis, tool))
    if decision.ends:
        facts = {"action": decision.action, "reason": basis.reason}
        ended = clean.model_copy(update={"artifact": {REFUSED: facts}})
        return stamped(guard, messages[: place + 1], ended), Step()
    clean = stamped(guard, messages[: place + 1], clean)
    if decision.action == "ask" and hold:
        held = {"message": message_to_dict(result), "why": why(basis)}
        return clean, Step((), {held_name(guard, result): held})
    return clean, Step()


def check_answer(
    guard: Engine, messages: Sequence[BaseMessage], kept: Mapping[str, Any]
) -> Check[Step]:
    """Look at the answer, before anybody reads it; one that a person is to see is held back."""
    said = spoken(messages)
    if said is None or not guard.asks_at("answer") or was_blocked(guard, said.message):
        return Step()
    before = messages[: said.place]
    view = guard.look([*before, said.shown])
    key = guard.key(view, "answer")
    if recall(kept, key) is not None:
        return Step()
    decision = yield Asked(view, "answer")
    if decision.allowed:
        return Step((), remember(key, decision))
    word: Phrase = "refuse_run" if decision.ends else "redacted"
    clean = blocked(guard, said.message, say(guard, word, basis_of(decision)))
    new: dict[str, Any] = {}
    if decision.action == "ask":
        new[held_name(guard, clean)] = {
            "message": message_to_dict(said.message),
            "results": [message_to_dict(result) for result in said.results],
            "why": why(basis_of(decision)),
        }
    return Step((clean,), new, ends=True)


def check_end(guard: Engine, messages: Sequence[BaseMessage]) -> Step:
    """See whether the run is over: a call or a result ended it, or too many calls were refused."""
    facts = [facts_of(message) for message in since_user(messages)]
    ended = [f for f in facts if f is not None and f.get("action") in ("refuse_run", "end")]
    spent = refused_calls(messages) > guard.policy.refusals
    if not (ended or spent):
        return Step()
    reasons = [f.get("reason", "") for f in facts if f is not None]
    opinion = refuse("policy", reasons[-1] if reasons else "")
    word: Phrase = "refuse_run" if ended else "budget"
    text = say(guard, word, opinion)
    return Step(tuple(end_run(messages, say(guard, "refuse_call", opinion), text)), {}, ends=True)
