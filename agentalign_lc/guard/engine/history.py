"""A valid history: what a strict provider accepts, and how a guard leaves nothing else behind.

Pure functions over messages. The rule: a message with tool calls is followed at
once by one ToolMessage for each of them; there is no other ToolMessage; no two
messages share an id.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from agentalign_lc.seeds import content_id

__all__ = [
    "REFUSED",
    "answer_calls",
    "call_ids",
    "end_run",
    "is_valid",
    "mend",
    "name_calls",
    "pending_calls",
    "problems",
    "refusal",
    "refused_calls",
    "replaced",
    "unreadable",
]

M = TypeVar("M", bound=BaseMessage)

REFUSED: Final = "agentalign_refused"
"""Key in the artifact of a ToolMessage by which the guard answered a call; artifacts are never
sent to a model."""


def call_ids(message: BaseMessage) -> tuple[str, ...]:
    """Ids of a message's tool calls; those that could not be parsed need an answer too."""
    if not isinstance(message, AIMessage):
        return ()
    calls = [*message.tool_calls, *message.invalid_tool_calls]
    return tuple(call["id"] for call in calls if call["id"])


def problems(messages: Sequence[BaseMessage]) -> list[str]:
    """Say what a strict provider would object to, one line each; empty if nothing.

    Example:
        >>> call = {"name": "send_gmail", "args": {}, "id": "1"}
        >>> problems([HumanMessage("Mail Ana."), AIMessage("", tool_calls=[call])])
        ['nothing answers call 1 right after it']
    """
    found: list[str] = []
    waiting: list[str] = []
    seen: set[str] = set()
    for message in messages:
        if message.id and message.id in seen:
            found.append(f"two messages have the id {message.id}")
        seen.add(message.id or "")
        if isinstance(message, ToolMessage):
            if message.tool_call_id in waiting:
                waiting.remove(message.tool_call_id)
            else:
                found.append(f"a result for {message.tool_call_id or 'no id'} answers no call")
            continue
        found += _unanswered(waiting)
        waiting = list(call_ids(message))
        found += _misnamed(message)
    return found + _unanswered(waiting)


def is_valid(messages: Sequence[BaseMessage]) -> bool:
    """Whether a strict provider would take the history, whoever speaks next."""
    return not problems(messages)


def name_calls(message: AIMessage) -> AIMessage:
    """Give every tool call an id of its own; the same object if each has one.

    A call without an id can be neither answered nor followed, and two with the same id
    cannot be told apart.

    Example:
        >>> named = name_calls(AIMessage("", tool_calls=[{"name": "ls", "args": {}, "id": None}]))
        >>> bool(named.tool_calls[0]["id"])
        True
    """
    ids = [call["id"] for call in [*message.tool_calls, *message.invalid_tool_calls]]
    if all(ids) and len(set(ids)) == len(ids):
        return message
    taken: set[str] = set()
    update = {
        "tool_calls": [_named(dict(call), taken) for call in message.tool_calls],
        "invalid_tool_calls": [_named(dict(call), taken) for call in message.invalid_tool_calls],
    }
    return message.model_copy(update=update)


def pending_calls(messages: Sequence[BaseMessage]) -> tuple[dict[str, Any], ...]:
    """The calls of the last assistant message that nothing has answered, unparsable ones too."""
    for place in range(len(messages) - 1, -1, -1):
        message = messages[place]
        if isinstance(message, AIMessage):
            after = messages[place + 1 :]
            answered = {m.tool_call_id for m in after if isinstance(m, ToolMessage)}
            calls = [*message.tool_calls, *message.invalid_tool_calls]
            return tuple(dict(call) for call in calls if call["id"] not in answered)
        if isinstance(message, HumanMessage):
            break
    return ()


def refusal(call: Mapping[str, Any], text: str, **facts: str) -> ToolMessage:
    """Answer a call with a refusal; ``facts`` go into its artifact, which no model sees.

    Example:
        >>> refusal({"name": "send_gmail", "id": "1"}, "Not allowed.").status
        'error'
    """
    return ToolMessage(
        content=text,
        tool_call_id=call["id"] or "",
        name=call["name"] or "unknown",
        status="error",
        artifact={REFUSED: facts},
    )


def answer_calls(
    messages: Sequence[BaseMessage], texts: Mapping[str, str] | str
) -> list[ToolMessage]:
    """Answer pending calls with refusals.

    Args:
        messages: The history; the calls of its last assistant message are looked at.
        texts: What to say, by call id; or one text for all calls.

    Returns:
        The messages to add, in the order of the calls.
    """
    calls = pending_calls(messages)
    said = texts if isinstance(texts, Mapping) else {call["id"] or "": texts for call in calls}
    return [refusal(call, said[call["id"]]) for call in calls if call["id"] in said]


def end_run(messages: Sequence[BaseMessage], call_text: str, text: str) -> list[BaseMessage]:
    """The messages that end a run: every pending call refused, then the last word.

    Example:
        >>> call = {"name": "send_gmail", "args": {}, "id": "1"}
        >>> history = [HumanMessage("Mail Ana."), AIMessage("", tool_calls=[call])]
        >>> is_valid([*history, *end_run(history, "Refused.", "I cannot help with that.")])
        True
    """
    return [*answer_calls(messages, call_text), AIMessage(text)]


def replaced(message: M, text: str) -> M:
    """The message under the same id, saying something else; nothing of the old text is left.

    Tool calls stay, since their answers would be orphans without them.
    """
    update: dict[str, Any] = {"content": text, "additional_kwargs": {}, "response_metadata": {}}
    if isinstance(message, ToolMessage):
        update |= {"artifact": None}
    return message.model_copy(update=update)


def unreadable(messages: Sequence[BaseMessage]) -> list[ToolMessage]:
    """Answer the pending calls whose arguments could not be parsed: no tool node ever will.

    Example:
        >>> call = {"name": "ls", "args": "{", "id": "1", "error": "", "type": "invalid_tool_call"}
        >>> unreadable([AIMessage("", invalid_tool_calls=[call])])[0].text
        'The arguments of this call could not be read.'
    """
    return [
        ToolMessage(
            "The arguments of this call could not be read.",
            tool_call_id=call["id"] or "",
            name=call["name"] or "unknown",
            status="error",
        )
        for call in pending_calls(messages)
        if call.get("type") == "invalid_tool_call"
    ]


def refused_calls(messages: Sequence[BaseMessage]) -> int:
    """How many calls the guard has refused since the user last spoke.

    Example:
        >>> refused_calls([HumanMessage("Go."), refusal({"name": "ls", "id": "1"}, "No.")])
        1
    """
    count = 0
    for message in reversed(messages):
        if isinstance(message, HumanMessage):
            break
        artifact = message.artifact if isinstance(message, ToolMessage) else None
        count += isinstance(artifact, dict) and REFUSED in artifact
    return count


def mend(
    messages: Sequence[BaseMessage], text: str = "This call was not carried out."
) -> list[BaseMessage]:
    """Make any history valid: dangling calls answered in their place, orphans and doubles dropped.

    A user who speaks while a run waits for a person leaves its calls dangling, and
    a provider would refuse the next turn.

    Example:
        >>> call = {"name": "send_gmail", "args": {}, "id": "1"}
        >>> broken = [AIMessage("", tool_calls=[call]), HumanMessage("Never mind.")]
        >>> [type(message).__name__ for message in mend(broken)]
        ['AIMessage', 'ToolMessage', 'HumanMessage']
    """
    kept: list[BaseMessage] = []
    waiting: dict[str, dict[str, Any]] = {}
    seen: set[str] = set()
    for message in messages:
        if message.id and message.id in seen:
            continue
        if isinstance(message, ToolMessage):
            if waiting.pop(message.tool_call_id, None) is None:
                continue
        else:
            kept += [refusal(call, text) for call in waiting.values()]
            waiting = {}
        seen.add(message.id or "")
        named = name_calls(message) if isinstance(message, AIMessage) else message
        waiting |= {call["id"]: call for call in _calls(named)}
        kept.append(named)
    return kept + [refusal(call, text) for call in waiting.values()]


def _calls(message: BaseMessage) -> list[dict[str, Any]]:
    if not isinstance(message, AIMessage):
        return []
    return [dict(call) for call in [*message.tool_calls, *message.invalid_tool_calls]]


def _unanswered(waiting: Sequence[str]) -> list[str]:
    return [f"nothing answers call {call} right after it" for call in waiting]


def _misnamed(message: BaseMessage) -> list[str]:
    ids = [call["id"] for call in _calls(message)]
    found = ["a call has no id"] if not all(ids) else []
    return found + (["two calls have the same id"] if len(set(ids)) < len(ids) else [])


def _named(call: dict[str, Any], taken: set[str]) -> dict[str, Any]:
    name = call["id"]
    while not name or name in taken:
        # repr, not JSON: a model may have written what JSON cannot say.
        name = content_id(
            "call", [repr(call.get("name")), repr(call.get("args")), len(taken), name]
        )
    taken.add(name)
    return call | {"id": name}
