"""The nouns of what was traced: spans of a run, the trace that they make, labels given to it."""

from typing import Any, Literal

from pydantic import Field, JsonValue

from agentalign_lc.messages import Message
from agentalign_lc.records import Record

__all__ = ["Label", "Span", "SpanKind", "SpanStatus", "Trace"]

SpanKind = Literal["model", "tool", "agent", "chain", "retriever", "verdict", "other"]
"""What a span is of: a call of a chat model, a tool's run, an agent, any other runnable or graph
node, a retriever, a decision of a guard."""

SpanStatus = Literal["ok", "error", "paused", "open"]
"""How it ended: an interrupt is a pause and no error; ``open`` if its end was never seen."""


class Span(Record):
    """One thing that an app did: a model call, a tool's run, a node."""

    id: str
    parent: str | None = None
    """Id of the span inside which it ran; None for a root, or where nobody knows."""
    kind: SpanKind = "other"
    name: str = ""
    node: str = ""
    """Name of the graph's node it ran in."""
    namespace: str = ""
    """Checkpoint namespace, which tells subgraphs and parallel tasks apart."""
    started: float = 0.0
    """Seconds since 1970; 0 where nobody knows."""
    ended: float | None = None
    status: SpanStatus = "ok"
    error: str = ""
    """One line."""
    messages: tuple[Message, ...] = ()
    """What a model was given; of an agent or a node the conversation that it went through, where the
    source tells."""
    reply: Message | None = None
    """What it said, tool calls and refusals included."""
    tools: tuple[dict[str, Any], ...] = ()
    """Schemas of the tools that it was offered, in OpenAI function form."""
    call_id: str = ""
    """Which tool call a tool's run answers."""
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    """What a tool was given."""
    result: str = ""
    """What it returned, as text."""
    usage: dict[str, int] = Field(default_factory=dict)
    """Tokens: ``input_tokens``, ``output_tokens``, ``total_tokens``."""
    attributes: dict[str, JsonValue] = Field(default_factory=dict)
    """Whatever else is worth keeping; of a verdict, the decision."""


class Trace(Record):
    """A run of an app from its first span to its last."""

    id: str
    source: str
    """Who saw it: ``recorder``, or the name of an importer."""
    name: str = ""
    thread: str = ""
    """The conversation that it belongs to."""
    spans: tuple[Span, ...]
    """Parents before their children, then by start."""
    attributes: dict[str, JsonValue] = Field(default_factory=dict)


class Label(Record):
    """What a judge or a person found a trace to be."""

    trace: str
    """Id of the trace."""
    label: Literal["harmful", "benign", "unknown"]
    by: str
    """Name of the judge, or ``person``."""
    reason: str = ""
    category: str = ""
    """Kind of harm, a subcategory of the taxonomy where there is one."""
    score: float | None = None
    """How harmful, from 0 to 1."""
    at: int | None = None
    """Number of messages of the main conversation with which the harm showed; None if nobody
    knows."""
