"""Calls that an agent wrote out in words, as ReAct agents do, read as the calls that they are.

ReAct (Yao et al., 2022) asks for ``Action:``, ``Action Input:`` and gives the
result after ``Observation:``, all of it text. Who looks at tool calls alone sees
such an agent do nothing.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from agentalign_lc.messages import message_text

__all__ = ["read_written_calls"]

_ACTION = re.compile(
    r"^[ \t*]*Action[ \t]*\d*[ \t]*:[ \t*`]*([\w.-]{1,64})[`* \t]*\n\s*[*]*Action[ \t]*\d*[ \t]*Input[ \t]*\d*[ \t]*:[* \t]*",
    re.MULTILINE,
)
_OBSERVED = re.compile(r"^[ \t*]*Observation[ \t]*\d*[ \t]*:[* \t]*", re.MULTILINE)
_NEXT = re.compile(r"^[ \t*]*(?:Thought|Final Answer)[ \t]*\d*[ \t]*:", re.MULTILINE)
_NOTHING = frozenset({"none", "finish", "final"})


def read_written_calls(messages: Sequence[BaseMessage]) -> tuple[BaseMessage, ...]:
    r"""Messages in which written calls are tool calls, with what was observed as their results.

    Example:
        >>> said = AIMessage('Thought: look\nAction: open\nAction Input: {"path": "a"}\nObservation: empty\nFinal Answer: no')
        >>> for message in read_written_calls([said]):
        ...     print(message.type, message.tool_calls if message.type == "ai" else message.content)
        ai [{'name': 'open', 'args': {'path': 'a'}, 'id': 'written-0-0', 'type': 'tool_call'}]
        tool empty
        ai []
    """
    found: list[BaseMessage] = []
    for place, message in enumerate(messages):
        if isinstance(message, AIMessage) and not message.tool_calls:
            found += _spread(message, place)
        else:
            found.append(message)
    return tuple(found)


def _spread(message: AIMessage, place: int) -> Iterator[BaseMessage]:
    text = message_text(message)
    actions = [found for found in _ACTION.finditer(text) if found[1].lower() not in _NOTHING]
    if not actions:
        yield message
        return
    rest = text[: actions[0].start()]
    for number, action in enumerate(actions):
        end = actions[number + 1].start() if number + 1 < len(actions) else len(text)
        given, result, after = _parts(text[action.end() : end])
        call = {"name": action[1], "args": _arguments(given), "id": f"written-{place}-{number}"}
        yield AIMessage(rest, tool_calls=[call])
        # Words that follow a call without a result are the call's own: nothing came back yet.
        if result:
            yield ToolMessage(result, tool_call_id=call["id"], name=action[1])
        rest = after
    if rest.strip():
        yield AIMessage(rest)


def _parts(text: str) -> tuple[str, str, str]:
    """What is given to the tool, what came back, and what is said then."""
    observed = _OBSERVED.search(text)
    after = _NEXT.search(text, observed.end() if observed else 0)
    end = after.start() if after else len(text)
    given = text[: observed.start() if observed else end]
    result = text[observed.end() : end].strip() if observed else ""
    return given.strip(), "" if result == "?" else result, text[end:]


def _arguments(given: str) -> Mapping[str, Any]:
    try:
        value = json.JSONDecoder().raw_decode(given.strip("` \n"))[0]
    except (ValueError, RecursionError):
        value = given
    return value if isinstance(value, dict) else {"input": value} if value else {}
