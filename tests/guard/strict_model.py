"""A chat model as strict as the strictest provider, which answers by what the history shows."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    convert_to_openai_messages,
)
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import Field, PrivateAttr


class RejectedByProviderError(Exception):
    """What a provider's status 400 is in a test."""


def check_like_a_provider(messages: Sequence[BaseMessage]) -> None:
    """Raise unless every call is answered right after it, and nothing else is answered.

    Written on the wire format and without the package's own rules, so that it can
    contradict them.
    """
    waiting: set[str] = set()
    for message in convert_to_openai_messages(list(messages)):
        if message["role"] == "tool":
            if message["tool_call_id"] not in waiting:
                raise RejectedByProviderError(f"unexpected tool result {message['tool_call_id']!r}")
            waiting.discard(message["tool_call_id"])
            continue
        if waiting:
            raise RejectedByProviderError(f"calls without a result: {sorted(waiting)}")
        calls = message.get("tool_calls") or []
        waiting = {call["id"] for call in calls}
        if len(waiting) != len(calls) or not all(waiting):
            raise RejectedByProviderError("tool calls need ids of their own")
        if message["role"] == "assistant" and not calls and not message["content"]:
            raise RejectedByProviderError("an assistant message is empty")
    if waiting:
        raise RejectedByProviderError(f"calls without a result: {sorted(waiting)}")


class StrictChatModel(BaseChatModel):
    """Answers with ``reply(messages)``; streams word by word; refuses an invalid history."""

    reply: Callable[[list[BaseMessage]], AIMessage] = Field(exclude=True)
    _asked: list[list[BaseMessage]] = PrivateAttr(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "strict"

    @property
    def asked(self) -> list[list[BaseMessage]]:
        """The conversations that it was given, in order."""
        return self._asked

    def _generate(self, messages, stop=None, run_manager=None, **kwargs: Any) -> ChatResult:
        check_like_a_provider(messages)
        self._asked.append(list(messages))
        return ChatResult(generations=[ChatGeneration(message=self.reply(messages))])

    def _stream(
        self, messages, stop=None, run_manager=None, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        check_like_a_provider(messages)
        self._asked.append(list(messages))
        answer = self.reply(messages)
        for word in str(answer.text).split(" "):
            yield self._chunk(AIMessageChunk(f"{word} "), run_manager)
        pieces = [
            {"name": c["name"], "args": json_of(c["args"]), "id": c["id"], "index": i}
            for i, c in enumerate(answer.tool_calls)
        ]
        yield self._chunk(AIMessageChunk("", tool_call_chunks=pieces), run_manager)

    def _chunk(self, message: AIMessageChunk, run_manager: Any) -> ChatGenerationChunk:
        chunk = ChatGenerationChunk(message=message)
        if run_manager:
            run_manager.on_llm_new_token(str(message.text), chunk=chunk)
        return chunk

    def bind_tools(self, tools, **_: Any):
        return self


def json_of(value: Any) -> str:
    """JSON text of arguments."""
    import json

    return json.dumps(value)
