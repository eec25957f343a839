"""From labelled traces to conversations, which every training export takes.

A benign trace is a run worth imitating. A harmful one gives the refusal that it
should have been and, beside it, the run as it was: a preference pair. A trace
that ended with the app's own refusal is kept as it is.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from agentalign_lc.dataset.conversation import Conversation, turns_of
from agentalign_lc.guard.view import look
from agentalign_lc.records import Split, Trajectory
from agentalign_lc.roles.embedded.judge import reads_as_refusal
from agentalign_lc.seeds import derive_seed, stream
from agentalign_lc.taxonomy.harms import load_kinds
from agentalign_lc.traces.assembly import NOTHING_SAID, trajectory
from agentalign_lc.traces.refusing import word_refusal
from agentalign_lc.traces.trace import Label, Trace

__all__ = ["harvest", "split_of"]

_SHARES: tuple[tuple[Split, float], ...] = (("test", 0.1), ("dev", 0.2), ("train", 1.0))
"""Upper ends of the shares."""
_SPACE = re.compile(r"\W+")


def harvest(labelled: Iterable[tuple[Trace, Label]]) -> Iterator[Conversation]:
    """Turn labelled traces into conversations; what gives none is passed over.

    None is given by a label that is ``unknown``, by a conversation that does not
    begin with a user or holds messages that no trainer knows, and by a benign
    run without an answer, or with a call that nothing answered.

    Args:
        labelled: Traces, each with the label that counts.
    """
    for trace, label in labelled:
        run = trajectory(trace) or NOTHING_SAID
        if label.label == "unknown" or not _trainable(run.messages):
            continue
        made = _benign(trace, run) if label.label == "benign" else _harmful(trace, run, label)
        if made is not None:
            yield made


def split_of(run: Trajectory) -> Split:
    """The split of a conversation: the same for the same first request, whoever traced it."""
    said = look(run.messages).said
    key = _SPACE.sub(" ", said[0] if said else "").strip().lower()
    place = stream(derive_seed(key, "split of a trace")).random()
    return next(split for split, end in _SHARES if place < end)


def _benign(trace: Trace, run: Trajectory) -> Conversation | None:
    if not run.answer or not all(answer for _, answer in run.calls):
        return None
    return _conversation(trace, run, "benign", run.messages)


def _harmful(trace: Trace, run: Trajectory, label: Label) -> Conversation | None:
    if reads_as_refusal(run.answer):
        return _conversation(
            trace, run, "harmful", run.messages, refused_at=_calls(run.messages), label=label
        )
    before = _until_harm(run.messages, label.at)
    refused = (*before, word_refusal(trace.id, label.category))
    return _conversation(
        trace,
        run,
        "harmful",
        refused,
        refused_at=_calls(before),
        rejected=run.messages if len(run.messages) > len(before) else None,
        label=label,
    )


def _until_harm(messages: Sequence[BaseMessage], at: int | None) -> tuple[BaseMessage, ...]:
    """What had happened when a refusal was due: up to the last user turn if nobody says where."""
    users = [n for n, m in enumerate(messages, start=1) if isinstance(m, HumanMessage)]
    end = users[-1] if at is None or not 0 < at <= len(messages) else at
    # What the agent was about to say or call is what the refusal stands in for.
    while isinstance(messages[end - 1], AIMessage):
        end -= 1
    return tuple(messages[:end])


def _conversation(
    trace: Trace,
    run: Trajectory,
    intent: str,
    messages: Sequence[BaseMessage],
    *,
    refused_at: int | None = None,
    rejected: Sequence[BaseMessage] | None = None,
    label: Label | None = None,
) -> Conversation:
    return Conversation(
        id=trace.id,
        messages=turns_of(messages),
        tools=list(run.tools),
        rejected=turns_of(rejected) if rejected else None,
        intent=intent,
        refused_at=refused_at,
        split=split_of(run),
        source=f"trace of {trace.source}",
        about={
            **_kind(label.category if label else ""),
            "rejected_as": "complied" if rejected else None,
            "labelled_by": label.by if label else None,
            "thread": trace.thread,
        },
    )


def _trainable(messages: Sequence[BaseMessage]) -> bool:
    """Whether the messages are of kinds that trainers know, and a user speaks first."""
    known = all(
        isinstance(m, SystemMessage | HumanMessage | AIMessage | ToolMessage) for m in messages
    )
    spoken = [message for message in messages if not isinstance(message, SystemMessage)]
    return known and bool(spoken) and isinstance(spoken[0], HumanMessage)


def _kind(subcategory: str) -> dict[str, str]:
    """Category and subcategory, where it is one of the taxonomy's."""
    kind = load_kinds().get(subcategory)
    return {"category": kind.category, "subcategory": subcategory} if kind else {}


def _calls(messages: Sequence[BaseMessage]) -> int:
    return sum(len(m.tool_calls) for m in messages if isinstance(m, AIMessage))
