"""Labelled traces as lessons for the guard's classifier: what the user said, and the label."""

from collections.abc import Iterable, Iterator

from langchain_core.messages import HumanMessage

from agentalign_lc.guard.learning.lessons import Lesson
from agentalign_lc.guard.view import look
from agentalign_lc.records import Intent
from agentalign_lc.traces.assembly import NOTHING_SAID, trajectory
from agentalign_lc.traces.harvesting import split_of
from agentalign_lc.traces.trace import Label, Trace

__all__ = ["trace_lessons"]


def trace_lessons(labelled: Iterable[tuple[Trace, Label]]) -> Iterator[Lesson]:
    """The user's turns of each labelled trace, up to where the harm showed.

    A harmful trace whose harm is not the user's (an instruction that a tool's
    result brought) would teach that its harmless request is harm: it gives none.

    Args:
        labelled: Traces, each with the label that counts.
    """
    for trace, label in labelled:
        run = trajectory(trace) or NOTHING_SAID
        seen = run.messages[: label.at] if label.label == "harmful" else run.messages
        text = "\n".join(turn for turn in look(seen).said if turn.strip())
        if not text or label.label == "unknown" or _brought(label, len(seen), run.messages):
            continue
        yield Lesson(
            text=text,
            intent=Intent.HARMFUL if label.label == "harmful" else Intent.BENIGN,
            split=split_of(run),
            source="request",
            group=trace.id,
            chain=f"trace {trace.id}",
            everyday=label.label == "benign",
        )


def _brought(label: Label, seen: int, messages: tuple[object, ...]) -> bool:
    """Whether the harm showed after the user had spoken."""
    if label.label != "harmful" or label.at is None or seen == 0:
        return False
    return not isinstance(messages[seen - 1], HumanMessage)
