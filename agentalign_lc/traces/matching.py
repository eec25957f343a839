"""Tool results and the calls that they answer, in the order that a provider accepts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from agentalign_lc.seeds import canonical_json
from agentalign_lc.traces.trace import Span

__all__ = ["answered", "matched"]


@dataclass(slots=True)
class _Open:
    """A call that waits for its result."""

    id: str
    given: str
    """The id that the provider gave it, which several calls may share."""
    name: str
    arguments: str


def matched(messages: Iterable[BaseMessage]) -> list[BaseMessage]:
    """Give every call an id of its own, and every result the id of its call.

    A result belongs to the call with its id; else to one of its name; else to
    the first that waits. Results that answer no call keep the id they have.

    Example:
        >>> call = AIMessage("", tool_calls=[{"name": "go", "args": {}, "id": None}])
        >>> call, result = matched([call, ToolMessage("Gone.", tool_call_id="")])
        >>> call.tool_calls[0]["id"], result.tool_call_id, result.name
        ('call_1', 'call_1', 'go')
    """
    done: list[BaseMessage] = []
    waiting: list[_Open] = []
    used: set[str] = set()
    for message in messages:
        if isinstance(message, AIMessage) and message.tool_calls:
            named, waiting = _named(message, used)
            done.append(named)
        elif isinstance(message, ToolMessage):
            done.append(_belonging(message, waiting))
        else:
            done.append(message)
    return done


def _named(message: AIMessage, used: set[str]) -> tuple[AIMessage, list[_Open]]:
    calls, waiting = [], []
    for call in message.tool_calls:
        given = call["id"] or ""
        id, number = given or f"call_{len(used) + 1}", 1
        while id in used:
            number += 1
            id = f"{given or 'call'}_{number}"
        used.add(id)
        calls.append({**call, "id": id})
        waiting.append(_Open(id, given, call["name"], canonical_json(call["args"])))
    return message.model_copy(update={"tool_calls": calls}), waiting


def _belonging(message: ToolMessage, waiting: list[_Open]) -> ToolMessage:
    id = message.tool_call_id
    found = next((one for one in waiting if id and one.given == id), None)
    if found is None:
        found = next((one for one in waiting if message.name and one.name == message.name), None)
    if found is None and waiting:
        found = waiting[0]
    if found is None:
        return message
    waiting.remove(found)
    return message.model_copy(update={"tool_call_id": found.id, "name": message.name or found.name})


def answered(
    messages: Sequence[BaseMessage], tools: Iterable[Span], *, taken: set[str] | None = None
) -> list[BaseMessage]:
    """Put in the results that no message tells, from the spans of the tools that ran.

    A span answers the call with its id; else one of its name and arguments; else
    one of its name, in order. Tools that were paused or never ended answer nothing.

    Args:
        messages: Messages after ``matched``.
        tools: Spans of tools, in order.
        taken: Ids of spans that have been used; those used here are added.

    Example:
        >>> call = AIMessage("", tool_calls=[{"name": "go", "args": {}, "id": "1"}])
        >>> answered([call], [Span(id="s", kind="tool", name="go", result="Gone.")])[1].content
        'Gone.'
    """
    taken = set() if taken is None else taken
    told = {one.tool_call_id for one in messages if isinstance(one, ToolMessage)}
    left = [one for one in tools if one.id not in taken and one.status in ("ok", "error")]
    left = [one for one in left if not (one.call_id and one.call_id in told)]
    done: list[BaseMessage] = []
    at = 0
    while at < len(messages):
        message = messages[at]
        done.append(message)
        at += 1
        if not (isinstance(message, AIMessage) and message.tool_calls):
            continue
        while at < len(messages) and isinstance(messages[at], ToolMessage):
            done.append(messages[at])
            at += 1
        for call in message.tool_calls:
            span = _answering(call["id"] or "", call["name"], canonical_json(call["args"]), left)
            if span is None:
                continue
            left.remove(span)
            taken.add(span.id)
            if call["id"] not in told:
                done.append(_result(span, call["id"] or "", call["name"]))
    return done


def _answering(id: str, name: str, arguments: str, spans: Sequence[Span]) -> Span | None:
    same = [one for one in spans if one.call_id and one.call_id == id]
    if same:
        return same[0]
    named = [one for one in spans if one.name == name and not one.call_id]
    exact = [one for one in named if canonical_json(one.arguments) == arguments]
    return next(iter([*exact, *named]), None)


def _result(span: Span, id: str, name: str) -> ToolMessage:
    failed = span.status == "error"
    text = span.result or (span.error if failed else "")
    return ToolMessage(text, tool_call_id=id, name=name, status="error" if failed else "success")
