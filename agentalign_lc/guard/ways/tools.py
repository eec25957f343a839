"""The wrapper for a ToolNode: ``ToolNode(tools, wrap_tool_call=guard.tool_wrapper())``.

It judges the whole batch before the first of its calls runs, then each call's
final arguments, then what came back. LangGraph gives a wrapper no way to end a
run: after a refused run every further call is refused until the user speaks.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langgraph.prebuilt.tool_node import ToolCallRequest
from langgraph.types import Command

from agentalign_lc.guard.engine.decision import Decision
from agentalign_lc.guard.engine.engine import Engine
from agentalign_lc.guard.engine.history import REFUSED, refusal, replaced
from agentalign_lc.guard.view import View
from agentalign_lc.guard.ways.batch import (
    Batch,
    Bounded,
    ask_about,
    call_text,
    redacted_text,
    with_arguments,
)
from agentalign_lc.guard.ways.edits import as_ran, noted
from agentalign_lc.guard.ways.trace import returned
from agentalign_lc.guard.ways.words import facts_of, last_word

__all__ = ["ToolWrapper", "atool_wrapper", "tool_wrapper"]

_Returned = ToolMessage | Command[Any]


@dataclass(frozen=True, slots=True)
class _Case:
    """One call, the batch that it belongs to, and the history up to that batch."""

    request: ToolCallRequest
    batch: Batch
    key: str

    @property
    def call(self) -> Mapping[str, Any]:
        return self.request.tool_call


class ToolWrapper:
    """Judges the calls of one ToolNode.

    Args:
        guard: Who judges.
        messages_key: Where the state keeps its messages.
    """

    def __init__(self, guard: Engine, messages_key: str = "messages") -> None:
        self._guard = guard
        self._key = messages_key
        self._batches: Bounded[Batch] = Bounded()
        self._alocks: Bounded[asyncio.Lock] = Bounded()

    def call(
        self, request: ToolCallRequest, execute: Callable[[ToolCallRequest], Any]
    ) -> _Returned:
        """Judge a call, run it if it may run, and judge what came back."""
        case = self._case(request)
        with case.batch.lock:
            if case.batch.decision is None:
                case.batch.decision = self._guard.decide(case.batch.view, "calls")
            self._ask(case.batch)
        ruled = self._rule(case)
        if isinstance(ruled, ToolMessage):
            return ruled
        final, view, changed = ruled
        decision = self._guard.decide(view, "arguments", changed=changed)
        if refused := self._final(case, decision):
            return refused
        answer = execute(final)
        seen = _result_view(view, answer)
        if seen is not None:
            answer = self._cleared(answer, self._guard.decide(seen, "result"))
        return _told(answer, case, final)

    async def acall(
        self, request: ToolCallRequest, execute: Callable[[ToolCallRequest], Awaitable[Any]]
    ) -> _Returned:
        """Like :meth:`call`, without blocking."""
        case = self._case(request)
        async with self._alocks.get(f"{id(asyncio.get_running_loop())} {case.key}", asyncio.Lock):
            if case.batch.decision is None:
                case.batch.decision = await self._guard.adecide(case.batch.view, "calls")
            self._ask(case.batch)
        ruled = self._rule(case)
        if isinstance(ruled, ToolMessage):
            return ruled
        final, view, changed = ruled
        decision = await self._guard.adecide(view, "arguments", changed=changed)
        if refused := self._final(case, decision):
            return refused
        answer = await execute(final)
        seen = _result_view(view, answer)
        if seen is not None:
            answer = self._cleared(answer, await self._guard.adecide(seen, "result"))
        return _told(answer, case, final)

    def _case(self, request: ToolCallRequest) -> _Case:
        self._guard.learn(request.runtime.tools or ())
        history = as_ran(_until(_messages(request.state, self._key), request.tool_call))
        view = self._guard.look(history)
        config = request.runtime.config or {}
        thread = str(config.get("configurable", {}).get("thread_id", ""))
        # A person's answer is for this thread's calls, not for equal ones of somebody else.
        key = f"{thread} {self._guard.key(view, 'calls')}"
        last = history[-1]
        calls = tuple(last.tool_calls) if isinstance(last, AIMessage) else ()

        def make() -> Batch:
            return Batch(view, calls, left={call["id"] or "" for call in calls})

        return _Case(request, self._batches.get(key, make), key)

    def _ask(self, batch: Batch) -> None:
        """Ask a person about all calls of a batch that need one.

        Every call of the batch waits for the answer, whoever asks: a call that ran
        before the pause would run again after it.
        """
        if batch.asked and batch.replies is None and batch.decision is not None:
            batch.replies = ask_about(batch.decision, batch.asked)

    def _rule(self, case: _Case) -> ToolMessage | tuple[ToolCallRequest, View, bool]:
        """The refusal of a call; or the call as it may run, and the view of it."""
        batch, call, decision = case.batch, case.call, case.batch.decision
        call_id = call["id"] or ""
        with batch.lock:
            batch.left.discard(call_id)
            if not batch.left:
                # Taken by all: a later run of the same history is judged, and asked about, anew.
                self._batches.drop(case.key)
        if decision is None or _over(batch.view.messages):
            return refusal(call, "The run is over; no further call is carried out.")
        if decision.ends:
            return refusal(call, last_word(self._guard, decision), action=decision.action)
        reply = (batch.replies or {}).get(call_id)
        if reply and reply.kind == "reject":
            return refusal(call, call_text(self._guard, decision, call, reply))
        if decision.for_call(call_id) == "refuse_call":
            return refusal(call, call_text(self._guard, decision, call))
        arguments = reply.arguments if reply and reply.kind == "edit" else call["args"]
        history = with_arguments(batch.view.messages, call_id, arguments)
        judged = next((c["args"] for c in batch.calls if c["id"] == call_id), None)
        final = case.request.override(tool_call={**case.request.tool_call, "args": dict(arguments)})
        return final, View(tuple(history), batch.view.tools), judged != arguments

    def _final(self, case: _Case, decision: Decision) -> ToolMessage | None:
        """The refusal of a call's final arguments, if they are refused."""
        call = case.call
        action = decision.for_call(call["id"] or "")
        if action == "allow" or (action == "ask" and case.batch.replies):
            return None
        if decision.ends:
            return refusal(call, last_word(self._guard, decision), action=action)
        return refusal(call, call_text(self._guard, decision, call))

    def _cleared(self, answer: _Returned, decision: Decision) -> _Returned:
        """What came back, without what must not be read."""
        if decision.allowed or not isinstance(answer, ToolMessage):
            return answer
        clean = replaced(answer, redacted_text(self._guard, decision))
        if decision.ends:
            return clean.model_copy(update={"artifact": {REFUSED: {"action": decision.action}}})
        return clean


def tool_wrapper(
    guard: Engine, messages_key: str = "messages"
) -> Callable[[ToolCallRequest, Callable[[ToolCallRequest], Any]], _Returned]:
    """Make the wrapper for ``ToolNode(wrap_tool_call=...)``.

    Example:
        >>> from langchain_core.tools import tool
        >>> from langgraph.prebuilt import ToolNode
        >>> @tool
        ... def pay(to: str) -> str:
        ...     "Pay somebody."
        ...     return f"paid {to}"
        >>> guard = Engine([])
        >>> node = ToolNode([pay], wrap_tool_call=tool_wrapper(guard))
    """
    return ToolWrapper(guard, messages_key).call


def atool_wrapper(
    guard: Engine, messages_key: str = "messages"
) -> Callable[[ToolCallRequest, Callable[[ToolCallRequest], Awaitable[Any]]], Awaitable[_Returned]]:
    """Make the wrapper for ``ToolNode(awrap_tool_call=...)``."""
    return ToolWrapper(guard, messages_key).acall


def _messages(state: Any, key: str) -> list[BaseMessage]:  # noqa: ANN401 - an app's own state
    if isinstance(state, Mapping):
        found = state.get(key)
    else:
        found = state if isinstance(state, list) else getattr(state, key, None)
    return [message for message in found or () if isinstance(message, BaseMessage)]


def _until(messages: list[BaseMessage], call: Mapping[str, Any]) -> list[BaseMessage]:
    """The history up to the message that makes a call; a call from nowhere gets one of its own."""
    for place in range(len(messages) - 1, -1, -1):
        message = messages[place]
        if isinstance(message, AIMessage):
            made = next((c for c in message.tool_calls if c["id"] == call["id"]), None)
            if made and made["name"] == call["name"]:
                return messages[: place + 1]
    return [*messages, AIMessage("", tool_calls=[call])]


def _over(messages: tuple[BaseMessage, ...]) -> bool:
    """Whether the run was refused since the user last spoke."""
    for message in reversed(messages):
        if isinstance(message, HumanMessage):
            return False
        if (facts_of(message) or {}).get("action") in ("refuse_run", "end"):
            return True
    return False


def _told(answer: _Returned, case: _Case, final: ToolCallRequest) -> _Returned:
    """What came back, saying so if a person had the call run with other arguments."""
    reply = (case.batch.replies or {}).get(case.call["id"] or "")
    if reply and reply.kind == "edit":
        for message in returned(answer):
            noted(message, final.tool_call["args"])
    return answer


def _result_view(view: View, answer: object) -> View | None:
    if not isinstance(answer, ToolMessage):
        return None
    return View((*view.messages, answer), view.tools)
