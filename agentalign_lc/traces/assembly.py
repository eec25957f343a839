"""From spans to trajectories: what each agent of a trace was told, said, called and got back.

Successive calls of a model repeat the history; a call that goes on where another
ended belongs to the same conversation, whatever the spans around are called.
Agents that run inside of another's tool, or of another agent, have their own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, SystemMessage, ToolMessage

from agentalign_lc.records import Trajectory
from agentalign_lc.traces.likeness import follow, likeness
from agentalign_lc.traces.matching import answered, matched
from agentalign_lc.traces.trace import Span, Trace

__all__ = ["NOTHING_SAID", "trajectories", "trajectory"]

Scope = tuple[str, ...]
"""Ids of the agents, tools and subgraphs around a span, from the outside in."""


NOTHING_SAID = Trajectory(messages=(), tools=())
"""The trajectory of a trace without a conversation, for those who would rather not ask."""


def trajectory(trace: Trace) -> Trajectory | None:
    """The main conversation of a trace: the outermost, and there the one that acts most.

    Returns:
        None if nothing was said in the trace.

    Example:
        >>> from langchain_core.messages import HumanMessage
        >>> trace = Trace(id="1", source="recorder", spans=(Span(id="a", kind="model",
        ...     messages=(HumanMessage("Hi"),), reply=AIMessage("Hello")),))
        >>> trajectory(trace).answer
        'Hello'
    """
    return next(iter(trajectories(trace)), None)


def trajectories(trace: Trace) -> tuple[Trajectory, ...]:
    """The conversations of a trace, one for each agent, the main one first.

    Tools, tokens and seconds are those of the conversation's own model calls.
    """
    scopes = _Scopes(trace.spans)
    talks = _talks(trace.spans, scopes)
    talks.sort(key=_Talk.rank)
    _finish(trace.spans, scopes, talks)
    taken: set[str] = set()
    done = []
    for talk in sorted(talks, key=lambda talk: -talk.depth):
        # The inner agents first: what ran inside of them is theirs.
        tools = [
            one
            for one in trace.spans
            if one.kind == "tool" and scopes.of(one)[: len(talk.scope)] == talk.scope
        ]
        near = sorted(tools, key=lambda one: len(scopes.of(one)))
        done.append((talk, answered(matched(talk.messages), near, taken=taken)))
    order = {id(talk): place for place, talk in enumerate(talks)}
    done.sort(key=lambda one: order[id(one[0])])
    return tuple(talk.trajectory(messages) for talk, messages in done)


@dataclass(slots=True)
class _Talk:
    """One conversation while it is put together."""

    scope: Scope
    depth: int
    """How many agents and tools it runs inside of."""
    messages: list[BaseMessage] = field(default_factory=list)
    known: list[tuple[Any, ...]] = field(default_factory=list)
    """Likenesses of the messages after the system's."""
    spans: list[Span] = field(default_factory=list)

    def rank(self) -> tuple[int, bool, int, float]:
        """Outermost first; there one that has tools, then the longest, then the earliest."""
        tools = any(
            one.tools or (isinstance(one.reply, AIMessage) and one.reply.tool_calls)
            for one in self.spans
        )
        return (self.depth, not tools, -len(self.messages), self.spans[0].started)

    def take(self, span: Span, after: int) -> None:
        """Go on with a call: what it was given after the part that is known, and what it said."""
        system, given = _split(span.messages)
        if system and not any(isinstance(one, SystemMessage) for one in self.messages):
            self.messages[:0] = system
        new = [*given[after:], *([span.reply] if span.reply is not None else [])]
        self.messages += new
        self.known += [likeness(one) for one in new]
        self.spans.append(span)

    def trajectory(self, messages: Sequence[BaseMessage]) -> Trajectory:
        """The conversation as a record."""
        tools: dict[str, dict[str, Any]] = {}
        usage: dict[str, int] = {}
        for span in self.spans:
            for tool in span.tools:
                tools[str(tool.get("function", tool).get("name", ""))] = tool
            for name, count in span.usage.items():
                usage[name] = usage.get(name, 0) + count
        started = [one.started for one in self.spans if one.started]
        ended = [one.ended for one in self.spans if one.ended]
        return Trajectory(
            messages=tuple(messages),
            tools=tuple(tools.values()),
            seconds=max(0.0, round(max(ended) - min(started), 6)) if started and ended else 0.0,
            usage=usage,
        )


def _split(messages: Iterable[BaseMessage]) -> tuple[list[BaseMessage], list[BaseMessage]]:
    """The system's messages at the beginning, and the others."""
    all_of = [*messages]
    at = 0
    while at < len(all_of) and isinstance(all_of[at], SystemMessage):
        at += 1
    return all_of[:at], all_of[at:]


class _Scopes:
    """Which agents, tools and subgraphs each span runs inside of."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._known = {span.id: span for span in spans}
        self._scopes: dict[str, Scope] = {}
        for span in spans:  # parents come before their children
            self._scopes[span.id] = self._around(span)

    def _around(self, span: Span) -> Scope:
        parent = self._known.get(span.parent or "")
        scope = self._scopes.get(parent.id, ()) if parent is not None else ()
        if parent is not None and parent.kind in ("agent", "tool"):
            scope = (*scope, parent.id)
        # LangGraph's subgraphs: every part of the namespace but the last, which is the node.
        for graph in span.namespace.split("|")[:-1]:
            if f"ns:{graph}" not in scope:
                scope = (*scope, f"ns:{graph}")
        return scope

    def of(self, span: Span) -> Scope:
        """The scope of a span."""
        return self._scopes[span.id]

    def depth(self, scope: Scope, talking: set[Scope]) -> int:
        """How many tools, and agents that talk themselves, are around."""
        count = 0
        for at, step in enumerate(scope):
            span = self._known.get(step)
            if (span is not None and span.kind == "tool") or (
                span is not None and at + 1 < len(scope) and scope[: at + 1] in talking
            ):
                count += 1
        return count


def _talks(spans: Sequence[Span], scopes: _Scopes) -> list[_Talk]:
    calls = [
        one for one in spans if one.kind == "model" and (one.messages or one.reply is not None)
    ]
    if not calls:
        calls = _speakers(spans)
    talking = {scopes.of(one) for one in calls}
    talks: list[_Talk] = []
    for call in sorted(calls, key=lambda one: one.started):
        scope = scopes.of(call)
        talk, after = _continued(call, scope, talks)
        if talk is None:
            talk, after = _Talk(scope, scopes.depth(scope, talking)), 0
            talks.append(talk)
            talk.messages += _split(call.messages)[0]
        talk.take(call, after)
    return talks


def _speakers(spans: Sequence[Span]) -> list[Span]:
    """Where no model was traced: the outermost agent or node that has a conversation."""
    found = [
        one
        for one in spans
        if one.kind in ("agent", "chain", "other") and (one.messages or one.reply)
    ]
    longest = sorted(found, key=lambda one: -len(one.messages))
    agents = [one for one in longest if one.kind == "agent"]
    return (agents or longest)[:1]


def _continued(call: Span, scope: Scope, talks: Sequence[_Talk]) -> tuple[_Talk | None, int]:
    """The conversation that a call goes on with, and how many of its messages are known there."""
    _, given = _split(call.messages)
    told = [likeness(one) for one in given]
    best: tuple[int, int, _Talk, int] | None = None
    for number, talk in enumerate(talks):
        after = _after(told, given, scope, talk)
        if after is not None and (best is None or (after[0], number) >= best[:2]):
            best = (after[0], number, talk, after[1])
    return (None, 0) if best is None else (best[2], best[3])


def _after(
    told: Sequence[tuple[Any, ...]], given: Sequence[BaseMessage], scope: Scope, talk: _Talk
) -> tuple[int, int] | None:
    """How much a call repeats of a conversation, and where it goes on; None if it does not."""
    found, after = follow(talk.known, told)
    same = scope == talk.scope
    if after and (same or found == after) and _spoken(talk):
        # Elsewhere it must repeat all; in the same place a summary may stand for a part.
        nested = scope[: len(talk.scope)] == talk.scope or talk.scope[: len(scope)] == scope
        return (found, after) if same or not nested else None
    if same and _answers(given, talk):
        return 1, 0  # the provider keeps the history: only results were sent
    if same and talk.spans[-1].reply is None and told[: len(talk.known)] == talk.known:
        return len(talk.known), len(talk.known)  # the call before failed, and is tried again
    return None


def _spoken(talk: _Talk) -> bool:
    return talk.spans[-1].reply is not None


def _answers(given: Sequence[BaseMessage], talk: _Talk) -> bool:
    """Whether the first that a call was given are results of the last calls of a conversation."""
    last = talk.messages[-1] if talk.messages else None
    if not isinstance(last, AIMessage) or not given or not isinstance(given[0], ToolMessage):
        return False
    waiting = {call["id"] for call in last.tool_calls if call["id"]}
    return given[0].tool_call_id in waiting


def _finish(spans: Sequence[Span], scopes: _Scopes, talks: Sequence[_Talk]) -> None:
    """What the app itself said after the model, a guard's refusal say, ends the main conversation."""
    if not talks:
        return
    main = talks[0]
    for span in spans:
        if span.kind not in ("agent", "chain") or span in main.spans:
            continue
        if scopes.of(span) != main.scope[: len(scopes.of(span))] or not span.messages:
            continue
        whole = [*_split(span.messages)[1], *([span.reply] if span.reply is not None else [])]
        found, after = follow(main.known, [likeness(one) for one in whole])
        if after and found == after and after < len(whole):
            main.messages += whole[after:]
            main.known += [likeness(one) for one in whole[after:]]
        return
