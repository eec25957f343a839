"""The view: what an app has done so far and is about to do, as judges see it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from agentalign_lc.messages import message_text
from agentalign_lc.records import Effect

__all__ = ["Checkpoint", "GuardedTool", "SeenCall", "View", "look"]

Checkpoint = Literal["request", "calls", "arguments", "result", "answer"]
"""Where a guard looks: at what the user says; at a batch of calls, all of it, before any runs; at
a call's final arguments; at what a tool returned; at the answer."""


@dataclass(frozen=True, slots=True)
class GuardedTool:
    """What is known about a tool of the app."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """JSON Schema of its arguments."""
    capability: str = ""
    """``suite.capability`` of ours that it comes nearest to; empty if none fits."""
    effect: Effect | None = None
    """What it does to the world; None if nobody knows, which judges treat as the worst."""
    actions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Actions of the capability that it takes, each with the arguments that tell it from the
    others; empty if it may be any of them."""
    confidence: float = 1.0
    """How sure the capability is, from 0 to 1; 1 for a tool of ours, or one that was set by hand."""


@dataclass(frozen=True, slots=True)
class SeenCall:
    """A tool call, made or about to be."""

    id: str
    tool: str
    arguments: Mapping[str, Any]
    result: str | None = None
    """What came back; None while it is pending."""
    failed: bool = False
    """Whether the tool reported an error, or the call was refused."""


@dataclass(frozen=True)
class View:
    """All that a judge may look at; what judges ask again and again is found once."""

    messages: tuple[BaseMessage, ...]
    tools: Mapping[str, GuardedTool] = field(default_factory=dict)
    """By name; a tool that is not here is unknown."""

    @cached_property
    def said(self) -> tuple[str, ...]:
        """What the user said, turn by turn."""
        return tuple(message_text(m) for m in self.messages if isinstance(m, HumanMessage))

    @cached_property
    def calls(self) -> tuple[SeenCall, ...]:
        """Every call so far in order, pending ones last."""
        return tuple(
            _seen(call, answers.get(call["id"] or ""))
            for message, answers in _turns(self.messages)
            for call in message.tool_calls
        )

    @cached_property
    def pending(self) -> tuple[SeenCall, ...]:
        """The calls that nothing has answered yet."""
        return tuple(call for call in self.calls if call.result is None)

    @property
    def answer(self) -> str:
        """The last thing the assistant said in words; empty if it did not end with words."""
        last = self.messages[-1] if self.messages else None
        return message_text(last) if isinstance(last, AIMessage) else ""

    def tool(self, name: str) -> GuardedTool:
        """What is known about a tool; for an unknown one its name alone."""
        return self.tools.get(name) or GuardedTool(name)


def look(messages: Sequence[BaseMessage], tools: Mapping[str, GuardedTool] | None = None) -> View:
    """Make the view of a history.

    Example:
        >>> call = {"name": "send_gmail", "args": {"to": ["ana@example.com"]}, "id": "1"}
        >>> seen = look([HumanMessage("Mail Ana."), AIMessage("", tool_calls=[call])])
        >>> seen.said, seen.pending[0].tool
        (('Mail Ana.',), 'send_gmail')
    """
    return View(tuple(messages), dict(tools or {}))


def _turns(
    messages: Sequence[BaseMessage],
) -> Iterator[tuple[AIMessage, dict[str, ToolMessage]]]:
    """Each assistant message with what answered its calls.

    Only what comes before the next one counts: some models number their calls from
    zero in every turn, and an old answer must not make a new call look done.
    """
    answers: dict[str, ToolMessage] = {}
    turns: list[tuple[AIMessage, dict[str, ToolMessage]]] = []
    for message in messages:
        if isinstance(message, AIMessage):
            answers = {}
            turns.append((message, answers))
        elif isinstance(message, ToolMessage):
            answers[message.tool_call_id] = message
    return iter(turns)


def _seen(call: Mapping[str, Any], answer: ToolMessage | None) -> SeenCall:
    return SeenCall(
        id=call["id"] or "",
        tool=call["name"],
        arguments=call["args"],
        result=None if answer is None else message_text(answer),
        failed=answer is not None and answer.status == "error",
    )
