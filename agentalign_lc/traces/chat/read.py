"""Reads a request or an answer of any shape: finds the messages inside, and the tools offered."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage

from agentalign_lc.traces.chat.chunks import joined_chunks
from agentalign_lc.traces.chat.langchain import as_message
from agentalign_lc.traces.chat.message import is_message, read_message
from agentalign_lc.traces.chat.parts import add_content, is_part
from agentalign_lc.traces.chat.pydantic_ai import read_exchange
from agentalign_lc.traces.chat.responses import read_item
from agentalign_lc.traces.chat.schemas import find_tools, read_tool
from agentalign_lc.traces.chat.turn import Role, Turn
from agentalign_lc.traces.chat.values import as_json, entry, first, mapping, parsed, text

__all__ = ["Chat", "read_chat", "read_reply"]

_DEEPEST = 12
_CHOICES = ("choices", "candidates", "generations")


@dataclass(frozen=True, slots=True)
class Chat:
    """Messages, and the tools that were offered beside them."""

    messages: tuple[BaseMessage, ...] = ()
    tools: tuple[dict[str, Any], ...] = ()


def read_chat(value: object, role: Role = "user", *, plain: bool = False) -> Chat:
    """Read messages of any known shape.

    Args:
        value: What a tracer kept as input or output; JSON, or a string of it.
        role: Who speaks where nothing says so.
        plain: Whether a bare text or an unknown object is a message too, as it is
            for a model; otherwise there must be messages inside.

    Example:
        >>> chat = read_chat({"system": "Be brief.", "messages": [{"role": "user", "content": "Hi"}]})
        >>> [(message.type, message.content) for message in chat.messages]
        [('system', 'Be brief.'), ('human', 'Hi')]
        >>> read_chat("Hi"), read_chat("Hi", plain=True).messages[0].content
        (Chat(messages=(), tools=()), 'Hi')
    """
    found = parsed(value)
    reader = _Reader(role)
    turns = reader.read(found, 0)
    if not turns and plain and not _silent(found):
        said = value if isinstance(value, str) else _only_text(found)
        turns = [Turn(role, texts=[said])]
    messages = [one for turn in _folded(turns) if not turn.empty for one in turn.messages()]
    tools = find_tools(found) or tuple(reader.tools)
    return Chat(tuple(messages), tools)


def read_reply(value: object) -> AIMessage | None:
    """Read what a model answered; None if it said nothing.

    Example:
        >>> read_reply({"choices": [{"message": {"role": "assistant", "content": "Hello"}}]}).content
        'Hello'
    """
    messages = read_chat(value, "assistant", plain=True).messages
    return next((one for one in reversed(messages) if isinstance(one, AIMessage)), None)


def _silent(value: object) -> bool:
    """Whether it says nothing, or is an answer of a provider's that has nothing in it."""
    if isinstance(value, Mapping):
        return not value or any(name in value for name in _CHOICES)
    return value in (None, "", [])


def _only_text(value: object) -> str:
    """The text of an object that has hardly more than one."""
    if isinstance(value, Mapping):
        said = first(value, "text", "content", "output", "value", "answer", "response")
        if isinstance(said, str):
            return said
    if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
        return "\n".join(value)
    return text(value) if isinstance(value, str) else as_json(value)


def _folded(turns: Iterable[Turn]) -> list[Turn]:
    """Pieces of one answer that stand beside each other become one turn."""
    done: list[Turn] = []
    for turn in turns:
        if done and turn.item and done[-1].item and turn.role == done[-1].role:
            done[-1].add(turn)
        else:
            done.append(turn)
    return done


class _Reader:
    """Goes down to the messages; what it meets of tool schemas on the way it keeps."""

    def __init__(self, role: Role) -> None:
        self.role = role
        self.tools: list[dict[str, Any]] = []

    def read(self, value: object, depth: int) -> list[Turn]:
        value = parsed(value)
        if depth > _DEEPEST:
            return []
        if isinstance(value, list):
            return self._list(value, depth)
        if isinstance(value, Mapping):
            return self._object(value, depth)
        return []

    def _list(self, values: list[Any], depth: int) -> list[Turn]:
        if (pair := as_message(values)) is not None:
            return [read_message(pair)]
        if (whole := joined_chunks(values)) is not None:
            return self.read(whole, depth + 1)
        if values and all(is_part(parsed(one)) for one in values):
            turn = Turn(self.role)
            add_content(turn, [parsed(one) for one in values])
            if not turn.empty:
                return [turn]
        return [turn for one in values for turn in self.read(one, depth + 1)]

    def _object(self, value: Mapping[str, Any], depth: int) -> list[Turn]:
        if (schema := _schema_as_message(value)) is not None:
            self.tools.append(schema)
            return []
        if (item := read_item(value)) is not None:
            return [item]
        if (exchange := read_exchange(value)) is not None:
            return exchange
        message = as_message(value) or _told_by_event(value)
        if message is not None or is_message(value):
            return [read_message(message or value)]
        return self._wrapped(value, depth)

    def _wrapped(self, value: Mapping[str, Any], depth: int) -> list[Turn]:
        for names in _ANSWERS:
            inner = entry(value, *names)
            if names[-1] == "text" and isinstance(inner, str):
                return [Turn("assistant", texts=[inner])]
            if inner is not None and (turns := self._as(inner, "assistant", depth)):
                return turns
        system = first(value, *_SYSTEM)
        if system is None:
            system = first(mapping(value.get("config")), *_SYSTEM)
        for name in _REQUESTS:
            inner = parsed(value.get(name))
            if inner is None:
                continue
            turns = self._as(inner, self.role, depth)
            if not turns and name in _SPOKEN and isinstance(inner, str) and inner:
                turns = [Turn("user" if name != "text" else self.role, texts=[inner])]
            if turns:
                return [*self._system(system), *turns]
        return self._model_content(value)

    def _as(self, value: object, role: Role, depth: int) -> list[Turn]:
        before, self.role = self.role, role
        try:
            found = parsed(value)
            if isinstance(found, Mapping) and "role" not in found and role == "assistant":
                # A delta or a message whose role goes without saying.
                said = {"content", "tool_calls", "refusal", "parts"} & found.keys()
                if said and as_message(found) is None and "type" not in found:
                    return [read_message({**found, "role": "assistant"})]
            return self.read(found, depth + 1)
        finally:
            self.role = before

    def _system(self, value: object) -> list[Turn]:
        if value is None:
            return []
        turn = Turn("system")
        add_content(turn, parsed(value) if not isinstance(value, str) else _parts_or_text(value))
        return [] if turn.empty else [turn]

    def _model_content(self, value: Mapping[str, Any]) -> list[Turn]:
        """Parts without a role: ``{"content": {"parts": [...]}}``, ``{"parts": [...]}``, a part."""
        content = first(value, "content", "parts")
        inner = parsed(content)
        listed = inner.get("parts") if isinstance(inner, Mapping) else inner
        parts = listed if isinstance(listed, list) else ([value] if is_part(value) else [])
        if not parts or not all(is_part(one) for one in parts):
            return []
        turn = Turn(self.role)
        add_content(turn, parts)
        return [] if turn.empty else [turn]


def _parts_or_text(value: str) -> object:
    found = parsed(value)
    return found if isinstance(found, list) and all(is_part(one) for one in found) else value


def _told_by_event(value: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """A message whose role is in the name of its event: ``gen_ai.user.message``."""
    name = value.get("event.name")
    if not isinstance(name, str) or not name.endswith(".message") or "content" not in value:
        return None
    return {"role": name.removeprefix("gen_ai.").removesuffix(".message"), **value}


def _schema_as_message(value: Mapping[str, Any]) -> dict[str, Any] | None:
    """Langfuse's SDK writes the tools that were offered as messages of the role ``tool``."""
    content = value.get("content")
    if value.get("role") != "tool" or "tool_call_id" in value or not isinstance(content, Mapping):
        return None
    return read_tool(content) if isinstance(content.get("function"), Mapping) else None


_ANSWERS: tuple[tuple[str | int, ...], ...] = (
    ("choices", 0, "message"),
    ("choices", 0, "delta"),
    ("candidates", 0, "content"),
    ("generations", 0, 0, "message"),
    ("generations", 0, "message"),
    ("generations", 0, 0),
    ("choices", 0, "text"),
    ("generations", 0, 0, "text"),
    ("generations", 0, "text"),
    ("response", "candidates", 0, "content"),
    ("response", "choices", 0, "message"),
    ("message",),
    ("llm_response",),
)
"""Where answers stand; of several choices the first."""

_SYSTEM = (
    "system",
    "system_instruction",
    "systemInstruction",
    "instructions",
    "system_prompt",
    "system_instructions",
)

_REQUESTS = (
    "messages",
    "contents",
    "new_message",
    "output",
    "input",
    "prompt",
    "llm_request",
    "inputs",
    "outputs",
    "update",
    "kwargs",
    "args",
    "state",
    "value",
    "body",
    "response",
    "result",
    "return",
    "items",
    "data",
    "gen_ai.event.content",
    "chat_history",
    "history",
)
"""Where requests stand, and what SDKs wrap around them and around answers."""

_SPOKEN = {"prompt", "input"}
"""Entries whose bare text is what the user says."""
