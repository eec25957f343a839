"""Questions and answers as the journal knows them: a digest, and a message as JSON."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ToolMessage,
    message_to_dict,
    messages_from_dict,
)
from langchain_core.runnables import Runnable
from langchain_core.runnables.base import RunnableBinding, RunnableParallel, RunnableSequence
from pydantic_core import to_jsonable_python

__all__ = ["Question", "message_of", "question", "read_answer", "write_answer"]

_CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True)
class Question:
    """What is asked of an endpoint."""

    key: str
    """Digest of the endpoint, the messages and the bound arguments."""
    characters: int
    longest: int | None = None
    """Tokens that the answer may have at most, if that is bound."""

    @property
    def tokens(self) -> int:
        """About how many tokens it has."""
        return 1 + self.characters // _CHARACTERS_PER_TOKEN


def question(
    endpoint: str, runnable: Runnable[Any, Any], messages: Sequence[BaseMessage]
) -> Question:
    """Make the digest of a question.

    Ids of messages are left out: they may differ from run to run, and no
    provider sees them.

    Example:
        >>> from langchain_core.runnables import RunnableLambda
        >>> from langchain_core.messages import HumanMessage
        >>> model = RunnableLambda(lambda messages: messages[-1])
        >>> question("m", model, [HumanMessage("Hi", id="1")]) == question(
        ...     "m", model, [HumanMessage("Hi", id="2")])
        True
    """
    bound = _bound(runnable)
    asked = [endpoint, [_said(message) for message in messages], bound]
    text = json.dumps(asked, sort_keys=True, default=_plain)
    digest = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    return Question(digest, len(text), next(filter(None, map(_longest, bound)), None))


def _said(message: BaseMessage) -> list[Any]:
    said: list[Any] = [message.type, message.content]
    if message.name:
        said.append(message.name)
    if isinstance(message, AIMessage) and message.tool_calls:
        said += [message.tool_calls, message.invalid_tool_calls]
    elif isinstance(message, ToolMessage):
        said += [message.tool_call_id, message.status]
    return said


def _bound(runnable: Runnable[Any, Any]) -> list[dict[str, Any]]:
    """The arguments that are bound anywhere in a runnable: tools, schemas, options."""
    if isinstance(runnable, RunnableBinding):
        return [dict(runnable.kwargs), *_bound(runnable.bound)]
    if isinstance(runnable, RunnableSequence):
        return [part for step in runnable.steps for part in _bound(step)]
    if isinstance(runnable, RunnableParallel):
        return [part for step in runnable.steps__.values() for part in _bound(step)]
    return []


def _longest(arguments: Mapping[str, Any]) -> int | None:
    given = arguments.get("max_tokens") or arguments.get("max_completion_tokens")
    return given if isinstance(given, int) else None


def _plain(value: object) -> Any:  # noqa: ANN401 - whatever JSON can hold
    return to_jsonable_python(value, fallback=repr)


def message_of(answer: object) -> AIMessage | None:
    """The message in what a runnable returned, if there is one."""
    if isinstance(answer, Mapping):
        answer = answer.get("raw")
    return answer if isinstance(answer, AIMessage) else None


def write_answer(answer: object) -> str:
    """Write what a runnable returned: a message, or ``{raw, parsed, parsing_error}``.

    Raises:
        TypeError: it is neither.
    """
    if isinstance(answer, BaseMessage):
        return json.dumps(message_to_dict(answer), default=_plain)
    if isinstance(answer, Mapping) and isinstance(answer.get("raw"), BaseMessage):
        wrong = answer.get("parsing_error")
        kept = {
            "raw": message_to_dict(answer["raw"]),
            "parsed": answer.get("parsed"),
            "parsing_error": None if wrong is None else str(wrong),
        }
        return json.dumps(kept, default=_plain)
    raise TypeError(
        f"an endpoint answers with messages, not with a {type(answer).__name__}"
        " (structured output needs include_raw=True)"
    )


def read_answer(text: str) -> object:
    """Read what ``write_answer`` wrote.

    Example:
        >>> answer = AIMessage("Hi", tool_calls=[{"name": "f", "args": {}, "id": "1"}])
        >>> read_answer(write_answer(answer)) == answer
        True
    """
    kept = json.loads(text)
    if "raw" not in kept:
        return messages_from_dict([kept])[0]
    wrong = kept["parsing_error"]
    return {
        "raw": messages_from_dict([kept["raw"]])[0],
        "parsed": kept["parsed"],
        "parsing_error": None if wrong is None else ValueError(wrong),
    }
