"""Replay: a recorded run shown to a guard as it grew, and what the guard would have done."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from agentalign_lc.guard.engine.decision import Decision
from agentalign_lc.guard.engine.engine import Engine
from agentalign_lc.guard.view import Checkpoint, GuardedTool, look

__all__ = ["Seen", "checkpoints", "replay", "stopped"]


@dataclass(frozen=True, slots=True)
class Seen:
    """One point of a run at which the guard was asked."""

    end: int
    """Number of messages seen by then."""
    checkpoint: Checkpoint
    step: int
    """Batches of calls by then, this one included; 0 at the request."""
    decision: Decision

    @property
    def stops(self) -> bool:
        """Whether the run would not have gone on as it was recorded.

        A result of which a part is removed stops nothing yet: the agent has done
        nothing, and what it does next is judged by itself.
        """
        return not self.decision.allowed and self.decision.action != "redact"


def checkpoints(messages: Sequence[BaseMessage]) -> Iterator[tuple[int, Checkpoint]]:
    """Where a guard would have been asked: the number of messages seen then, and what was new.

    Example:
        >>> list(checkpoints([HumanMessage("Hi"), AIMessage("Hello")]))
        [(1, 'request'), (2, 'answer')]
    """
    for end, message in enumerate(messages, start=1):
        if isinstance(message, HumanMessage):
            yield end, "request"
        elif isinstance(message, AIMessage):
            yield end, "calls" if message.tool_calls else "answer"
        elif isinstance(message, ToolMessage):
            yield end, "result"


def replay(
    guard: Engine,
    messages: Sequence[BaseMessage],
    tools: Mapping[str, GuardedTool] | None = None,
    *,
    skip: Collection[Checkpoint] = (),
) -> Iterator[Seen]:
    """Ask a guard wherever it would have been asked, to the end of the run whatever it says.

    Args:
        guard: Is asked afresh at every point; nothing is run.
        messages: The run as it was recorded.
        tools: What is known about its tools, by name.
        skip: Checkpoints at which it is not asked.

    Example:
        >>> said = [HumanMessage("Hi"), AIMessage("Hello")]
        >>> [(seen.checkpoint, seen.stops) for seen in replay(Engine([]), said)]
        [('request', False), ('answer', False)]
    """
    step = 0
    for end, checkpoint in checkpoints(messages):
        step += checkpoint == "calls"
        if checkpoint not in skip:
            decision = guard.decide(look(messages[:end], tools), checkpoint)
            yield Seen(end, checkpoint, step, decision)


def stopped(seen: Iterator[Seen]) -> Seen | None:
    """Where a run is stopped first; None if it is left alone."""
    return next((one for one in seen if one.stops), None)
