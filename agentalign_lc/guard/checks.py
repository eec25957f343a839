"""The checks of a run: what is looked at where, and what is then done to the history.

Each check is a generator that yields what is to be decided and is sent the
decision, so that one text serves sync and async: :func:`settled` and
:func:`asettled` drive it. A check may pause the run (``review.py``).
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    ToolMessage,
    message_to_dict,
    messages_from_dict,
)

from agentalign_lc.guard.decision import Action, Decision
from agentalign_lc.guard.engine import Guard
from agentalign_lc.guard.history import (
    REFUSED,
    end_run,
    name_calls,
    pending_calls,
    refusal,
    refused_calls,
    replaced,
)
from agentalign_lc.guard.judges.base import Opinion, refuse
from agentalign_lc.guard.memory import recall, remember
from agentalign_lc.guard.review import Answer, Question, ask_person, why
from agentalign_lc.guard.view import Checkpoint, View

__all__ = [
    "Asked",
    "Check",
    "Step",
    "asettled",
    "check_answer",
    "check_batch",
    "check_call",
    "check_end",
    "check_request",
    "check_result",
    "review_held",
    "settled",
]

T = TypeVar("T")
_NOBODY = refuse("policy", "")


@dataclass(frozen=True, slots=True)
class Asked:
    """Something that a check wants decided."""

    view: View
    checkpoint: Checkpoint
    changed: bool = True


Check = Generator[Asked, Decision, T]


@dataclass(frozen=True, slots=True)
class Step:
    """What a check leads to."""

    messages: tuple[BaseMessage, ...] = ()
    """To add; one with the id of an earlier message takes its place."""
    kept: Mapping[str, Any] = field(default_factory=dict)
    """To merge into the state key."""
    ends: bool = False
    """Whether the run is over."""

    @property
    def empty(self) -> bool:
        """Whether nothing has to be done."""
        return not (self.messages or self.kept or self.ends)


def settled(guard: Guard, check: Check[T]) -> T:
    """Carry out a check."""
    try:
        asked = next(check)
        while True:
            decision = guard.decide(asked.view, asked.checkpoint, changed=asked.changed)
            asked = check.send(decision)
    except StopIteration as end:
        done: T = end.value
        return done


async def asettled(guard: Guard, check: Check[T]) -> T:
    """Carry out a check without blocking."""
    try:
        asked = next(check)
        while True:
            decision = await guard.adecide(asked.view, asked.checkpoint, changed=asked.changed)
            asked = check.send(decision)
    except StopIteration as end:
        done: T = end.value
        return done


def check_request(
    guard: Guard, messages: Sequence[BaseMessage], kept: Mapping[str, Any], *, pause: bool
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
        return Step((AIMessage(_last_word(guard, decision)),), new, ends=True)
    if decision.action != "ask" or not pause:
        return Step((), new)
    question = Question(
        "request", {"text": view.said[-1]}, why(_basis(decision)), ("approve", "reject")
    )
    (answer,) = ask_person([question])
    approved = answer.kind == "approve"
    new = remember(
        key, decision.model_copy(update={"action": "allow" if approved else "refuse_run"})
    )
    return (
        Step((), new) if approved else Step((AIMessage(_rejected(guard, answer)),), new, ends=True)
    )


def check_batch(
    guard: Guard, messages: Sequence[BaseMessage], kept: Mapping[str, Any], *, act: bool
) -> Check[Step]:
    """Look at all pending calls of the last assistant message, before any runs.

    Args:
        guard: Who decides.
        messages: The history; the assistant message may be followed by answers to some calls.
        kept: What the state key holds.
        act: Whether to carry the decision out: ask a person, end the run. Single refused calls
            are answered where they would have run, see :func:`check_call`.
    """
    batch, place = _batch(messages)
    if batch is None or not pending_calls(messages):
        return Step()
    named = name_calls(batch)
    history = [*messages[:place], named, *messages[place + 1 :]]
    view, key = guard.look(history), _batch_key(guard, history, place)
    known = recall(kept, key)
    decision = known or (yield Asked(view, "calls"))
    changed: tuple[BaseMessage, ...] = () if named is batch else (named,)
    new = {} if known else remember(key, decision)
    if decision.ends and named.content:
        # What was said beside refused calls is as little to be shown as the calls are to be made.
        named = replaced(named, "")
        history, changed = [*messages[:place], named, *messages[place + 1 :]], (named,)
        new = remember(_batch_key(guard, history, place), decision)
    if not act:
        return Step(changed, new)
    if decision.ends:
        return Step((*changed, *_ending(guard, history, decision)), new, ends=True)
    if not (asked := _asked(decision, view)):
        return Step(changed, new)
    return (yield from _reviewed(guard, history, place, decision, asked))


def check_call(
    guard: Guard,
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
    batch, place = _batch(messages)
    made = _same_id(batch, call) if batch else None
    changed = made is None or (made["name"], made["args"]) != (call["name"], call["args"])
    decision = recall(kept, _batch_key(guard, messages, place)) if batch else None
    if decision is not None:
        action = decision.for_call(call["id"] or "")
        if action != "allow":
            # `ask` was never answered: whoever had to ask did not run.
            return _refused(guard, messages, decision, call)
        if not changed and not guard.asks_at("arguments", changed=False):
            return dict(call)
    final = _final_view(guard, messages, place, call, decision)
    decision = yield Asked(final, "arguments", changed=changed or decision is None)
    action = decision.for_call(call["id"] or "")
    if action == "ask":
        return (yield from _reviewed_call(guard, messages, place, call, decision))
    return dict(call) if action == "allow" else _refused(guard, messages, decision, call)


def check_result(
    guard: Guard, messages: Sequence[BaseMessage], result: ToolMessage, *, hold: bool = True
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
    _, place = _batch(messages)
    view = guard.look([*messages[: place + 1], result])
    if result.response_metadata.get(_stamp(guard)) == guard.key(view, "result"):
        return result, Step()
    decision = yield Asked(view, "result")
    basis, tool = _basis(decision), result.name or ""
    if decision.allowed:
        return _stamped(guard, messages[: place + 1], result), Step()
    clean = replaced(result, _say(guard, "redacted", basis, tool))
    if decision.ends:
        facts = {"action": decision.action, "reason": basis.reason}
        ended = clean.model_copy(update={"artifact": {REFUSED: facts}})
        return _stamped(guard, messages[: place + 1], ended), Step()
    clean = _stamped(guard, messages[: place + 1], clean)
    if decision.action == "ask" and hold:
        held = {"message": message_to_dict(result), "why": why(basis)}
        return clean, Step((), {_held_name(guard, result): held})
    return clean, Step()


def check_answer(
    guard: Guard, messages: Sequence[BaseMessage], kept: Mapping[str, Any]
) -> Check[Step]:
    """Look at the answer, before anybody reads it; one that a person is to see is held back."""
    last = messages[-1] if messages else None
    if not isinstance(last, AIMessage) or pending_calls(messages) or not guard.asks_at("answer"):
        return Step()
    view = guard.look(messages)
    key = guard.key(view, "answer")
    if recall(kept, key) is not None:
        return Step()
    decision = yield Asked(view, "answer")
    if decision.allowed:
        return Step((), remember(key, decision))
    word = "refuse_run" if decision.ends else "redacted"
    clean = replaced(last, _say(guard, word, _basis(decision)))
    # What was put in its place is not judged again.
    passed = decision.model_copy(update={"action": "allow"})
    new = remember(guard.key(guard.look([*messages[:-1], clean]), "answer"), passed)
    if decision.action == "ask":
        new[_held_name(guard, clean)] = {
            "message": message_to_dict(last),
            "why": why(_basis(decision)),
        }
    return Step((clean,), new, ends=True)


def review_held(guard: Guard, messages: Sequence[BaseMessage], kept: Mapping[str, Any]) -> Step:
    """Ask a person about results and answers that were held back; put back what is approved."""
    waiting = [(m, name) for m in _since_user(messages) if (name := _held_name(guard, m)) in kept]
    if not waiting:
        return Step()
    originals = [messages_from_dict([kept[name]["message"]])[0] for _, name in waiting]
    questions = [
        Question(
            "answer" if name == "held:answer" else "result",
            {"text": str(o.text)},
            kept[name]["why"],
        )
        for (_, name), o in zip(waiting, originals, strict=True)
    ]
    answers = ask_person(questions)
    back: list[BaseMessage] = []
    new: dict[str, Any] = {name: None for _, name in waiting}
    for (message, _), original, answer in zip(waiting, originals, answers, strict=True):
        if answer.kind == "reject":
            continue
        edited = (
            original
            if answer.kind == "approve"
            else replaced(original, str(answer.arguments.get("text", "")))
        )
        shown = edited.model_copy(update={"id": message.id})
        _, place = _batch(messages)
        if isinstance(shown, ToolMessage):
            back.append(_stamped(guard, messages[: place + 1], shown))
            continue
        back.append(shown)
        view = guard.look([*messages[:-1], shown])
        new |= remember(guard.key(view, "answer"), Decision(checkpoint="answer"))
    return Step(tuple(back), new)


def check_end(guard: Guard, messages: Sequence[BaseMessage]) -> Step:
    """See whether the run is over: a call or a result ended it, or too many calls were refused."""
    facts = [_facts(message) for message in _since_user(messages)]
    ended = [f for f in facts if f is not None and f.get("action") in ("refuse_run", "end")]
    spent = refused_calls(messages) > guard.policy.refusals
    if not (ended or spent):
        return Step()
    reasons = [f.get("reason", "") for f in facts if f is not None]
    opinion = refuse("policy", reasons[-1] if reasons else "")
    word = "refuse_run" if ended else "budget"
    text = _say(guard, word, opinion)
    return Step(tuple(end_run(messages, _say(guard, "refuse_call", opinion), text)), {}, ends=True)


def _reviewed_call(
    guard: Guard,
    messages: Sequence[BaseMessage],
    place: int,
    call: Mapping[str, Any],
    decision: Decision,
) -> Check[ToolMessage | dict[str, Any]]:
    """Ask a person about a call that is about to run."""
    basis = _basis(decision, call["id"] or "")
    (answer,) = ask_person([Question(call["name"], call["args"], why(basis))])
    if answer.kind == "reject":
        return _answered(guard, messages, call, "refuse_call", _person(answer))
    if answer.kind == "approve":
        return dict(call)
    edited = {**call, "name": answer.name, "args": dict(answer.arguments)}
    again = yield Asked(_final_view(guard, messages, place, edited, None), "arguments")
    allowed = _once_seen(again.for_call(call["id"] or "")) == "allow"
    return edited if allowed else _refused(guard, messages, again, edited)


def _reviewed(
    guard: Guard, history: list[BaseMessage], place: int, decision: Decision, asked: list[str]
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
        Question(calls[c]["name"], calls[c]["args"], why(_basis(decision, c))) for c in asked
    ]
    said = dict(zip(asked, ask_person(questions), strict=True))
    ruled = {**decision.calls, **{call: _after(answer) for call, answer in said.items()}}
    edits = {call: answer for call, answer in said.items() if answer.kind == "edit"}
    edited = _edited(batch, edits)
    history = [*history[:place], edited, *history[place + 1 :]]
    if edits:
        again = yield Asked(guard.look(history), "calls")
        if again.ends:
            new = remember(_batch_key(guard, history, place), again)
            return Step((edited, *_ending(guard, history, again)), new, ends=True)
        ruled |= {call: _once_seen(again.for_call(call)) for call in edits}
    rejected = tuple(
        refuse("person", answer.message, calls=(call,))
        for call, answer in said.items()
        if answer.kind == "reject"
    )
    over = [action for action in ruled.values() if action != "allow"]
    final = decision.model_copy(
        update={
            "action": over[0] if over else "allow",
            "calls": ruled,
            "opinions": (*decision.opinions, *rejected),
        }
    )
    # The message is written even where nothing was edited: it may just have been given ids.
    return Step((edited,), remember(_batch_key(guard, history, place), final))


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


def _batch(messages: Sequence[BaseMessage]) -> tuple[AIMessage | None, int]:
    """The last assistant message and its place; None and -1 if there is none."""
    for place in range(len(messages) - 1, -1, -1):
        message = messages[place]
        if isinstance(message, AIMessage):
            return message, place
    return None, -1


def _batch_key(guard: Guard, messages: Sequence[BaseMessage], place: int) -> str:
    # Without the answers behind it, which come one by one while siblings run.
    return guard.key(guard.look(messages[: place + 1]), "calls")


def _asked(decision: Decision, view: View) -> list[str]:
    return [call.id for call in view.pending if decision.for_call(call.id) == "ask"]


def _same_id(batch: AIMessage, call: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return next((made for made in batch.tool_calls if made["id"] == call["id"]), None)


def _final_view(
    guard: Guard,
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
    known = _same_id(batch, call) is not None
    calls = [own if made["id"] == call["id"] else made for made in batch.tool_calls]
    final = batch.model_copy(update={"tool_calls": calls if known else [*calls, own]})
    gone = decision.named("refuse_call") if decision else ()
    answers = [refusal(made, "refused") for made in batch.tool_calls if made["id"] in gone]
    return guard.look([*messages[:place], final, *messages[place + 1 :], *answers])


def _refused(
    guard: Guard, messages: Sequence[BaseMessage], decision: Decision, call: Mapping[str, Any]
) -> ToolMessage:
    call_id = call["id"] or ""
    basis = _basis(decision, call_id)
    return _answered(guard, messages, call, decision.for_call(call_id), basis)


def _answered(
    guard: Guard,
    messages: Sequence[BaseMessage],
    call: Mapping[str, Any],
    action: Action,
    basis: Opinion,
) -> ToolMessage:
    text = _say(guard, "refuse_call", basis, call["name"])
    answer = refusal(call, text, action=action, reason=basis.reason)
    _, place = _batch(messages)
    # Our own words need no judge.
    return _stamped(guard, messages[: place + 1], answer)


def _ending(guard: Guard, history: Sequence[BaseMessage], decision: Decision) -> list[BaseMessage]:
    text = _say(guard, "refuse_call", _basis(decision))
    return end_run(history, text, _last_word(guard, decision))


def _last_word(guard: Guard, decision: Decision) -> str:
    return _say(guard, "budget" if decision.budget else "refuse_run", _basis(decision))


def _rejected(guard: Guard, answer: Answer) -> str:
    return _say(guard, "refuse_run", _person(answer))


def _person(answer: Answer) -> Opinion:
    return refuse("person", answer.message)


def _basis(decision: Decision, call_id: str = "") -> Opinion:
    """The opinion that a decision rests on, for a call or as a whole."""
    found = decision.opinion_on(call_id) if call_id else decision.refusal
    if found is not None:
        return found
    return decision.opinions[-1] if decision.opinions else _NOBODY


def _say(guard: Guard, which: Any, opinion: Opinion, tool: str = "") -> str:  # noqa: ANN401 - a name of a template
    return guard.policy.wording.say(which, opinion, tool)


def _since_user(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    since: list[BaseMessage] = []
    for message in reversed(messages):
        if isinstance(message, HumanMessage):
            break
        since.append(message)
    return since[::-1]


def _facts(message: BaseMessage) -> dict[str, Any] | None:
    artifact = message.artifact if isinstance(message, ToolMessage) else None
    facts = artifact.get(REFUSED) if isinstance(artifact, dict) else None
    return facts if isinstance(facts, dict) else None


def _held_name(guard: Guard, message: BaseMessage) -> str:
    """Where the text stands that waits for a person; empty for what is never held back."""
    if isinstance(message, ToolMessage):
        return f"held:{guard.id}:{message.tool_call_id}"
    held = isinstance(message, AIMessage) and not message.tool_calls
    return f"held:{guard.id}:answer" if held else ""


def _stamped(guard: Guard, before: Sequence[BaseMessage], result: ToolMessage) -> ToolMessage:
    """Write on a result that it was judged, so that nobody pays for it again."""
    key = guard.key(guard.look([*before, result]), "result")
    return result.model_copy(
        update={"response_metadata": {**result.response_metadata, _stamp(guard): key}}
    )


def _stamp(guard: Guard) -> str:
    """In the metadata of a result: where the key stands under which a guard judged it."""
    return f"agentalign_judged:{guard.id}"
