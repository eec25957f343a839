"""The guard as middleware of ``create_agent``.

Put it last in the list: then it is innermost, judges what the model said before
any other middleware acts on it, and sees a call's arguments as the tool will.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, NotRequired

from langchain.agents.middleware import (
    AgentMiddleware,
    AgentState,
    ExtendedModelResponse,
    ModelRequest,
    ModelResponse,
    hook_config,
)
from langchain.agents.middleware.types import PrivateStateAttr
from langchain_core.messages import AIMessage, BaseMessage, RemoveMessage, ToolMessage
from langgraph.graph.message import REMOVE_ALL_MESSAGES
from langgraph.prebuilt.tool_node import ToolCallRequest
from langgraph.runtime import Runtime
from langgraph.types import Command

from agentalign_lc.guard.engine.engine import Engine
from agentalign_lc.guard.engine.history import is_valid, mend, name_calls, pending_calls
from agentalign_lc.guard.engine.memory import STATE_KEY, merge_verdicts
from agentalign_lc.guard.quiet import aquietly, quietly
from agentalign_lc.guard.ways.checks import (
    check_answer,
    check_batch,
    check_call,
    check_end,
    check_request,
    check_result,
)
from agentalign_lc.guard.ways.review import review_held
from agentalign_lc.guard.ways.step import Check, Step, asettled, settled
from agentalign_lc.guard.ways.words import held_name, last_batch, was_blocked

__all__ = ["GuardMiddleware", "GuardState"]

_Result = ToolMessage | Command[Any]
_FORM = "structured_response"
"""Where an agent's state has the answer in its fixed form, if the agent was given one."""


class GuardState(AgentState[Any]):
    """What the guard keeps in an agent's state; neither input nor output shows it."""

    # The reducer has to come last, or LangGraph does not see it.
    agentalign_guard: NotRequired[Annotated[dict[str, Any], PrivateStateAttr, merge_verdicts]]


class GuardMiddleware(AgentMiddleware[GuardState, Any, Any]):
    """Guards an agent of ``create_agent``.

    The request is judged when the agent starts, the batch of calls and the answer
    when the model has spoken, before anything of it is streamed; a call's final
    arguments when it runs; its result before the model reads it. Asking a person
    needs a checkpointer.

    Where calls or answers are judged, tokens are not streamed: a message comes whole,
    once it has been let through. In ``astream_events`` the event ``on_tool_end`` of a tool's own
    run carries what it returned, as no middleware can see it before; the message does not.

    Example:
        >>> from langchain.agents import create_agent
        >>> from langchain_core.language_models import FakeListChatModel
        >>> agent = create_agent(
        ...     FakeListChatModel(responses=["Hello."]), middleware=[GuardMiddleware(Engine([]))]
        ... )
        >>> agent.invoke({"messages": [("user", "Hi")]})["messages"][-1].text
        'Hello.'
    """

    state_schema = GuardState

    def __init__(self, guard: Engine) -> None:
        super().__init__()
        self.guard = guard

    @property
    def name(self) -> str:
        """Name among the agent's nodes; two guards of one agent need two names."""
        return f"Guard[{self.guard.name}]"

    @hook_config(can_jump_to=["end"])
    def before_agent(self, state: GuardState, runtime: Runtime[Any]) -> dict[str, Any] | None:  # noqa: ARG002
        """Mend the history, and judge what the user said."""
        return settled(self.guard, _starting(self.guard, state))

    @hook_config(can_jump_to=["end"])
    async def abefore_agent(
        self,
        state: GuardState,
        runtime: Runtime[Any],  # noqa: ARG002
    ) -> dict[str, Any] | None:
        """Mend the history, and judge what the user said."""
        return await asettled(self.guard, _starting(self.guard, state))

    @hook_config(can_jump_to=["end"])
    def before_model(self, state: GuardState, runtime: Runtime[Any]) -> dict[str, Any] | None:  # noqa: ARG002
        """End the run where it is over, ask a person, judge results that came by another way."""
        return settled(self.guard, _reading(self.guard, state))

    @hook_config(can_jump_to=["end"])
    async def abefore_model(
        self,
        state: GuardState,
        runtime: Runtime[Any],  # noqa: ARG002
    ) -> dict[str, Any] | None:
        """End the run where it is over, ask a person, judge results that came by another way."""
        return await asettled(self.guard, _reading(self.guard, state))

    def wrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], ModelResponse[Any]],
    ) -> ModelResponse[Any] | ExtendedModelResponse[Any]:
        """Judge what the model says before it is streamed or stored."""
        self.guard.learn(request.tools)
        if not _listens(self.guard):
            return handler(request)
        response = quietly(lambda: handler(request))
        return settled(self.guard, _speaking(self.guard, request.state, response))

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any] | ExtendedModelResponse[Any]:
        """Judge what the model says before it is streamed or stored."""
        self.guard.learn(request.tools)
        if not _listens(self.guard):
            return await handler(request)
        response = await aquietly(lambda: handler(request))
        return await asettled(self.guard, _speaking(self.guard, request.state, response))

    @hook_config(can_jump_to=["end"])
    def after_model(self, state: GuardState, runtime: Runtime[Any]) -> dict[str, Any] | None:  # noqa: ARG002
        """Carry out what was decided: ask a person, or end the run."""
        return settled(self.guard, _acting(self.guard, state))

    @hook_config(can_jump_to=["end"])
    async def aafter_model(
        self,
        state: GuardState,
        runtime: Runtime[Any],  # noqa: ARG002
    ) -> dict[str, Any] | None:
        """Carry out what was decided: ask a person, or end the run."""
        return await asettled(self.guard, _acting(self.guard, state))

    def wrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], _Result]
    ) -> _Result:
        """Let a call run if it may, and judge what it returns."""
        self.guard.learn([request.tool] if request.tool else [])
        messages, kept = _parts(request.state)
        call = settled(self.guard, check_call(self.guard, messages, kept, request.tool_call))
        if isinstance(call, ToolMessage):
            return call
        result = handler(request.override(tool_call=_as_call(call)))
        return settled(
            self.guard, _returning(self.guard, messages, result, hold=_held_back(request))
        )

    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[_Result]]
    ) -> _Result:
        """Let a call run if it may, and judge what it returns."""
        self.guard.learn([request.tool] if request.tool else [])
        messages, kept = _parts(request.state)
        call = await asettled(self.guard, check_call(self.guard, messages, kept, request.tool_call))
        if isinstance(call, ToolMessage):
            return call
        result = await handler(request.override(tool_call=_as_call(call)))
        checked = _returning(self.guard, messages, result, hold=_held_back(request))
        return await asettled(self.guard, checked)


def _starting(guard: Engine, state: Mapping[str, Any]) -> Check[dict[str, Any] | None]:
    messages, kept = _parts(state)
    whole = messages if is_valid(messages) else mend(messages)
    step = yield from check_request(guard, whole, kept, pause=False)
    update = _update(step)
    if whole is messages:
        return update
    rewritten = [RemoveMessage(id=REMOVE_ALL_MESSAGES), *whole, *step.messages]
    return {**(update or {}), "messages": rewritten}


def _reading(guard: Engine, state: Mapping[str, Any]) -> Check[dict[str, Any] | None]:
    messages, kept = _parts(state)
    over = check_end(guard, messages)
    if not over.empty:
        return _update(over)
    request = yield from check_request(guard, messages, kept, pause=True)
    if request.ends:
        return _update(request)
    changed, new = [*request.messages], dict(request.kept)
    for message in _results(messages):
        clean, step = yield from check_result(guard, messages, message)
        new |= step.kept
        if clean is not message:
            changed.append(clean)
    held = review_held(guard, _with(messages, changed), {**kept, **new})
    shown = {m.id: m for m in [*changed, *held.messages]}
    if shown:
        over = check_end(guard, _with(messages, list(shown.values())))
    return _update(Step((*shown.values(), *over.messages), {**new, **held.kept}, ends=over.ends))


def _speaking(
    guard: Engine, state: Mapping[str, Any], response: ModelResponse[Any]
) -> Check[ModelResponse[Any] | ExtendedModelResponse[Any]]:
    messages, kept = _parts(state)
    said = [name_calls(m) if isinstance(m, AIMessage) else m for m in response.result]
    structured = response.structured_response
    # First what is said to the user, which may have the form of a call that is answered already.
    step = yield from check_answer(guard, [*messages, *said], kept)
    new = dict(step.kept)
    if step.ends:
        # An answer that is held back or taken out leaves no copy of itself in structured form.
        new = {name: _holding(value, structured) for name, value in new.items()}
        said, structured = list(step.messages), None
    elif pending_calls([*messages, *said]):
        step = yield from check_batch(guard, [*messages, *said], {**kept, **new}, act=False)
        new |= step.kept
        if step.messages:  # the assistant message, changed; results may stand behind it
            (changed,) = step.messages
            said = [changed if isinstance(m, AIMessage) else m for m in said]
    model_response = ModelResponse(result=said, structured_response=structured)
    if not new:
        return model_response
    return ExtendedModelResponse(model_response, Command(update={STATE_KEY: new}))


def _acting(guard: Engine, state: Mapping[str, Any]) -> Check[dict[str, Any] | None]:
    messages, kept = _parts(state)
    step = yield from check_answer(guard, messages, kept)
    if step.ends or not pending_calls(messages):
        return _showing(guard, state, step)
    acted = yield from check_batch(guard, messages, {**kept, **step.kept}, act=True)
    update = _update(Step(acted.messages, {**step.kept, **acted.kept}, ends=acted.ends))
    if update and acted.ends and state.get(_FORM) is not None:
        update[_FORM] = None
    return update


def _showing(guard: Engine, state: Mapping[str, Any], step: Step) -> dict[str, Any] | None:
    """Show the answer: ask a person where it is held back, and stop where it stays out."""
    messages, kept = _parts(state)
    form = state.get(_FORM)
    new = {name: _holding(value, form) for name, value in step.kept.items()}
    shown = _shown(messages, step)
    held = review_held(guard, shown, {**kept, **new})
    by_id = {message.id: message for message in [*step.messages, *held.messages]}
    gone = [RemoveMessage(id=str(message.id)) for message in messages[len(shown) :]]
    last = by_id.get(shown[-1].id, shown[-1]) if shown else None
    out = was_blocked(guard, last)
    # Without the jump an agent that must answer in a fixed form asks its model again and again.
    over = out and _FORM in state
    update = _update(Step((*by_id.values(), *gone), {**new, **held.kept}, ends=over))
    put_back = last is not None and any(message.id == last.id for message in held.messages)
    if update is not None and _FORM in state and (out or put_back):
        held_back = {**kept, **new}.get(held_name(guard, shown[-1])) or {}
        update[_FORM] = None if out else held_back.get(_FORM)
    return update


def _returning(
    guard: Engine, messages: Sequence[BaseMessage], result: _Result, *, hold: bool
) -> Check[_Result]:
    if isinstance(result, ToolMessage):
        clean, step = yield from check_result(guard, messages, result, hold=hold)
        if not step.kept:
            return clean
        return Command(update={"messages": [clean], STATE_KEY: dict(step.kept)})
    update = result.update
    inside = update.get("messages") if isinstance(update, dict) else None
    if not isinstance(update, dict) or not isinstance(inside, list):
        return result
    clean_ones: list[Any] = []
    for message in inside:
        # A command may lead to another graph, which holds nothing back for us.
        one = message
        if isinstance(message, ToolMessage):
            one, _ = yield from check_result(guard, messages, message, hold=False)
        clean_ones.append(one)
    return replace(result, update={**update, "messages": clean_ones})


def _parts(state: Any) -> tuple[list[BaseMessage], dict[str, Any]]:  # noqa: ANN401 - dict or model
    found = state if isinstance(state, Mapping) else vars(state)
    return list(found.get("messages") or ()), dict(found.get(STATE_KEY) or {})


def _update(step: Step) -> dict[str, Any] | None:
    if step.empty:
        return None
    update: dict[str, Any] = {"jump_to": "end"} if step.ends else {}
    if step.messages:
        update["messages"] = list(step.messages)
    if step.kept:
        update[STATE_KEY] = dict(step.kept)
    return update


def _holding(value: Any, form: object) -> Any:  # noqa: ANN401 - whatever is kept
    """What is held back for a person, with the structured form of it."""
    held = isinstance(value, dict) and "why" in value and form is not None
    return {**value, _FORM: form} if held else value


def _shown(messages: Sequence[BaseMessage], step: Step) -> list[BaseMessage]:
    """The history up to the answer, with what stands in its place."""
    if not step.ends:
        return list(messages)
    _, place = last_batch(messages)
    return [*messages[:place], *step.messages]


def _with(messages: Sequence[BaseMessage], changed: Sequence[BaseMessage]) -> list[BaseMessage]:
    by_id = {message.id: message for message in changed}
    return [by_id.get(message.id, message) for message in messages]


def _results(messages: Sequence[BaseMessage]) -> list[ToolMessage]:
    """The results that the model has not read yet."""
    new: list[ToolMessage] = []
    for message in reversed(messages):
        if isinstance(message, AIMessage):
            break
        if isinstance(message, ToolMessage):
            new.append(message)
    return new[::-1]


def _listens(guard: Engine) -> bool:
    """Whether something that the model says can be kept back."""
    return bool(guard.asks_at("calls") or guard.asks_at("answer"))


def _held_back(request: ToolCallRequest) -> bool:
    # The result of such a tool is the answer: no step comes after it that could ask a person.
    return not (request.tool and request.tool.return_direct)


def _as_call(call: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a tool call again
    return {**call, "type": "tool_call"}
