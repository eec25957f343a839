"""A turn: what one entry of a chat says, asks for and answers, before it is a LangChain message."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    InvalidToolCall,
    SystemMessage,
    ToolCall,
    ToolMessage,
)

from agentalign_lc.traces.chat.values import parsed, text

__all__ = ["Answer", "Call", "Role", "Turn", "role_of"]

Role = Literal["system", "user", "assistant", "tool"]

_ROLES: dict[str, Role] = {
    **dict.fromkeys(("system", "developer", "instructions", "systemmessage"), "system"),
    **dict.fromkeys(("user", "human", "humanmessage", "humanmessagechunk"), "user"),
    **dict.fromkeys(
        ("assistant", "ai", "model", "bot", "agent", "aimessage", "aimessagechunk"), "assistant"
    ),
    **dict.fromkeys(
        ("tool", "function", "tool_result", "toolresult", "toolmessage", "functionmessage"), "tool"
    ),
}


def role_of(name: object) -> Role | None:
    """The role that a provider means; None for a name that is none.

    Example:
        >>> role_of("model"), role_of("developer"), role_of("Ada")
        ('assistant', 'system', None)
    """
    return _ROLES.get(name.lower()) if isinstance(name, str) else None


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call that a model asked for."""

    name: str
    arguments: object = None
    """A dictionary, or JSON of one."""
    id: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tool returned to a call."""

    text: str
    call: str = ""
    """Id of the call; empty where the provider has none."""
    name: str = ""
    failed: bool = False


@dataclass(slots=True)
class Turn:
    """One entry of a chat while it is read.

    Example:
        >>> turn = Turn("assistant", texts=["I look."], calls=[Call("search", '{"q": "a"}', "1")])
        >>> turn.messages()[0].tool_calls[0]["args"]
        {'q': 'a'}
    """

    role: Role
    texts: list[str] = field(default_factory=list)
    media: list[dict[str, Any]] = field(default_factory=list)
    """Images and the like, as they were."""
    calls: list[Call] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    refusal: str = ""
    name: str = ""
    id: str = ""
    item: bool = False
    """Whether it is a piece of an answer, as OpenAI's responses are, which neighbours belong to."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing in it."""
        return not (self.texts or self.media or self.calls or self.answers or self.refusal)

    def add(self, other: "Turn") -> None:
        """Take over what a following piece of the same answer has."""
        self.texts += other.texts
        self.media += other.media
        self.calls += other.calls
        self.answers += other.answers
        self.reasoning += other.reasoning
        self.refusal = self.refusal or other.refusal
        self.id = self.id or other.id

    def messages(self) -> list[BaseMessage]:
        """The LangChain messages: results of tools first, unless the assistant's own turn has them."""
        answers: list[BaseMessage] = [
            ToolMessage(
                one.text,
                tool_call_id=one.call,
                name=one.name or None,
                status="error" if one.failed else "success",
            )
            for one in self.answers
        ]
        if self.role == "assistant":
            return [self._assistant(), *answers]
        said = bool(self.texts or self.media) or not answers
        if self.role == "tool" and answers:
            said = False
        return [*answers, self._other()] if said else answers

    def _content(self) -> str | list[str | dict[str, Any]]:
        # An assistant's texts are pieces of one; a user's stand beside each other.
        joined = ("" if self.role == "assistant" else "\n").join(self.texts)
        if not self.media:
            return joined
        return [*([{"type": "text", "text": joined}] if joined else []), *self.media]

    def _other(self) -> BaseMessage:
        named = {"name": self.name or None, "id": self.id or None}
        if self.role == "system":
            return SystemMessage(self._content(), **named)
        if self.role == "tool":
            return ToolMessage("\n".join(self.texts), tool_call_id="", **named)
        return HumanMessage(self._content(), **named)

    def _assistant(self) -> AIMessage:
        good: list[ToolCall] = []
        bad: list[InvalidToolCall] = []
        seen: set[str] = set()
        for call in self.calls:
            if call.id and call.id in seen:
                continue  # LangChain keeps a call both in the content and beside it
            seen.add(call.id)
            arguments = _arguments(call.arguments)
            if isinstance(arguments, dict):
                good.append(ToolCall(name=call.name, args=arguments, id=call.id or None))
            else:
                bad.append(
                    InvalidToolCall(
                        name=call.name,
                        args=arguments,
                        id=call.id or None,
                        error="the arguments are no JSON object",
                        type="invalid_tool_call",
                    )
                )
        extra: dict[str, Any] = {}
        if self.refusal:
            extra["refusal"] = self.refusal
        if self.reasoning:
            extra["reasoning_content"] = "\n".join(self.reasoning)
        return AIMessage(
            self._content(),
            tool_calls=good,
            invalid_tool_calls=bad,
            additional_kwargs=extra,
            name=self.name or None,
            id=self.id or None,
        )


def _arguments(value: object) -> dict[str, Any] | str:
    found = parsed(value)
    if isinstance(found, Mapping):
        return dict(found)
    return {} if found is None or found == "" else text(found)
