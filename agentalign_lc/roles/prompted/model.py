"""Questions to chat models, as the prompted roles ask them: a message, or a structured answer."""

import json
from collections import OrderedDict
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.base import RunnableBinding, RunnableParallel, RunnableSequence
from langchain_core.utils.json import parse_json_markdown
from langgraph.errors import GraphBubbleUp
from pydantic import BaseModel, ValidationError

from agentalign_lc.endpoints.endpoint import BoundEndpoint, Endpoint, Reply
from agentalign_lc.endpoints.failure import Kind, classify
from agentalign_lc.endpoints.loading import load_model, model_name, weighted
from agentalign_lc.endpoints.work import current_work
from agentalign_lc.errors import AccessError, AnswerError, RoleError, one_line
from agentalign_lc.messages import message_text

__all__ = ["ask", "ask_sync", "call", "call_sync", "load_mix", "load_model", "model_name"]

AnswerT = TypeVar("AnswerT", bound=BaseModel)


def load_mix(
    models: Sequence[str], base_url: str | None = None
) -> list[tuple[BaseChatModel, float]]:
    """Make the chat models of a weighted mix, each ``provider:name`` or ``provider:name=weight``.

    Raises:
        ConfigError: a weight is no positive number, or a model cannot be made.
    """
    mix = [weighted(text) for text in models]
    return [(load_model(name, base_url), share) for name, share in mix]


async def call(
    model: Endpoint | BoundEndpoint | Runnable[Any, Any],
    messages: Sequence[BaseMessage],
    config: RunnableConfig | None = None,
) -> AIMessage:
    """Ask a model for a message.

    An endpoint journals the call, keeps to its limits and tries again what can
    succeed; with a plain model that is left to its client.

    Raises:
        AccessError: the key was refused.
        StopError: no later call can succeed either.
        RoleError: the call failed for good.
    """
    if isinstance(model, Endpoint):
        model = BoundEndpoint(model, model.model)
    if isinstance(model, BoundEndpoint):
        return _message(await model.endpoint.invoke(model.runnable, messages, config))
    return _message(await _invoked(model, list(messages), config))


def call_sync(
    model: Runnable[Any, Any],
    messages: Sequence[BaseMessage],
    config: RunnableConfig | None = None,
) -> AIMessage:
    """Ask a plain model as ``call`` does, and wait."""
    return _message(_invoked_sync(model, list(messages), config))


async def ask(
    model: Endpoint | BaseChatModel,
    messages: Sequence[BaseMessage],
    answer: type[AnswerT],
    tries: int = 3,
    config: RunnableConfig | None = None,
) -> AnswerT:
    """Ask a model for a structured answer.

    An invalid answer goes back with what is wrong with it. After the last try
    it is an error: half an answer never becomes data.

    Args:
        model: Any chat model; one without structured output is asked for JSON.
        messages: The conversation.
        answer: The pydantic model that the answer must satisfy.
        tries: How often to ask in all.
        config: Callbacks and tags of the calls, where they are not those of the caller's run.

    Raises:
        AnswerError: no valid answer came, or the model refused.
        AccessError: the key was refused.
        StopError: no later call can succeed either.
        RoleError: the call failed for good.
    """
    endpoint = model if isinstance(model, Endpoint) else None
    form = _form(model.model if isinstance(model, Endpoint) else model, answer)
    exchange = _corrected(form.asked(messages), answer, tries)
    history = next(exchange)
    replies: list[Reply] = []
    while True:
        if endpoint is None:
            reply = await _invoked(form.runnable, history, config)
        else:
            replies.append(await endpoint.reply(form.runnable, history, config))
            reply = replies[-1].answer
        try:
            history = exchange.send(reply)
        except StopIteration as end:
            return _typed(end.value, answer)
        except AnswerError:
            await _forget(replies)
            raise


def ask_sync(
    model: BaseChatModel,
    messages: Sequence[BaseMessage],
    answer: type[AnswerT],
    tries: int = 3,
    config: RunnableConfig | None = None,
) -> AnswerT:
    """Ask a plain model as ``ask`` does, and wait."""
    form = _form(model, answer)
    exchange = _corrected(form.asked(messages), answer, tries)
    history = next(exchange)
    while True:
        reply = _invoked_sync(form.runnable, history, config)
        try:
            history = exchange.send(reply)
        except StopIteration as end:
            return _typed(end.value, answer)


async def _forget(replies: Sequence[Reply]) -> None:
    """Answers that were of no use are not to be recalled: a resumed run asks again."""
    work = current_work()
    if replies and work is not None and work.journal is not None:
        await work.journal.forget(work.unit, [(reply.key, reply.nth) for reply in replies])


@dataclass(frozen=True)
class _Form:
    """How a model is asked for a type of answer."""

    model: BaseChatModel
    """Kept, so that its id is not given to another."""
    runnable: Runnable[Any, Any]
    note: HumanMessage | None
    """What a model without structured output is told."""

    def asked(self, messages: Sequence[BaseMessage]) -> list[BaseMessage]:
        return [*messages, self.note] if self.note else list(messages)


_FORMS: OrderedDict[tuple[int, type[BaseModel]], _Form] = OrderedDict()
"""The last forms by model and answer: making one costs as much as asking."""


def _form(model: BaseChatModel, answer: type[BaseModel]) -> _Form:
    key = (id(model), answer)
    form = _FORMS.get(key)
    if form is None:
        schema = answer.model_json_schema()
        structured = _structured(model, schema)
        note = HumanMessage(_as_json(schema)) if structured is None else None
        form = _FORMS[key] = _Form(model, structured or model, note)
        if len(_FORMS) > 64:
            _FORMS.popitem(last=False)
    return form


_Exchange = Generator[list[BaseMessage], object, BaseModel]
"""Yields what to ask, is sent what came back, and returns the answer; it waits for nothing."""


def _corrected(history: list[BaseMessage], answer: type[BaseModel], tries: int) -> _Exchange:
    problem = ""
    for _ in range(tries):
        raw, data = _parsed((yield history))
        refused = raw.additional_kwargs.get("refusal")
        if refused:
            raise AnswerError(f"the model refused to answer: {one_line(refused)}")
        try:
            return answer.model_validate(data)
        except ValidationError as error:
            problem = _problem(error, raw)
        said = message_text(raw) or json.dumps([dict(c) for c in raw.tool_calls], default=str)
        history += [
            AIMessage(said or "(empty)"),
            HumanMessage(
                f"That answer is not valid: {problem}. Give the whole answer again, corrected."
            ),
        ]
    raise AnswerError(f"no valid answer in {tries} tries; the last: {problem}")


def _typed(value: BaseModel, answer: type[AnswerT]) -> AnswerT:
    if not isinstance(value, answer):  # pragma: no cover - the exchange validated it
        raise TypeError(f"expected {answer.__name__}")
    return value


def _structured(model: BaseChatModel, schema: dict[str, Any]) -> Runnable[Any, Any] | None:
    # The JSON schema and not the class: some clients validate a class themselves
    # and raise, and the answer that is to be sent back for correction is lost.
    try:
        structured = model.with_structured_output(schema, include_raw=True)
    except (NotImplementedError, AttributeError, ValueError):
        return None
    # The model with the schema bound, without the parsers behind it: they cost
    # as much processor time as the call itself, and we read the answer anyway.
    if isinstance(structured, RunnableSequence) and isinstance(structured.first, RunnableParallel):
        steps = structured.first.steps__
        return _unvalidated(steps["raw"]) if set(steps) == {"raw"} else structured
    return structured


def _unvalidated(bound: Runnable[Any, Any]) -> Runnable[Any, Any]:
    """The same request, without OpenAI's client going over the schema and the answer.

    In ``extra_body`` the schema reaches the server as it is. The client's own
    reading costs a fifth of the call, and raises at an answer that was cut off,
    which could then not be sent back.
    """
    if not isinstance(bound, RunnableBinding) or "response_format" not in bound.kwargs:
        return bound
    model = bound.bound
    # Known to speak chat completions; the other of OpenAI's two interfaces has another body.
    if getattr(model, "use_responses_api", None) is not False:
        return bound
    options = {name: value for name, value in bound.kwargs.items() if name != "response_format"}
    body = {**(getattr(model, "extra_body", None) or {}), **options.pop("extra_body", {})}
    body["response_format"] = bound.kwargs["response_format"]
    return model.bind(**options, extra_body=body)


_read_json = partial(json.loads, strict=False)


def _parsed(reply: object) -> tuple[AIMessage, object]:
    if isinstance(reply, dict):
        return reply["raw"], reply["parsed"]
    raw = _message(reply)
    if raw.tool_calls:
        return raw, raw.tool_calls[0]["args"]
    try:
        # With a parser that completes nothing: half an answer is none.
        return raw, parse_json_markdown(message_text(raw), parser=_read_json)
    except ValueError:
        return raw, None


def _message(reply: object) -> AIMessage:
    if not isinstance(reply, AIMessage):
        raise RoleError(f"the model answered with a {type(reply).__name__}, not a message")
    return reply


async def _invoked(
    model: Runnable[Any, Any], messages: list[BaseMessage], config: RunnableConfig | None
) -> object:
    try:
        return await model.ainvoke(messages, config)
    except (GraphBubbleUp, RoleError):
        raise
    except Exception as error:
        raise _failure(error) from error


def _invoked_sync(
    model: Runnable[Any, Any], messages: list[BaseMessage], config: RunnableConfig | None
) -> object:
    try:
        return model.invoke(messages, config)
    except (GraphBubbleUp, RoleError):
        raise
    except Exception as error:
        raise _failure(error) from error


def _failure(error: Exception) -> RoleError:
    failure = classify(error)
    if failure.kind is Kind.ACCESS:
        return AccessError(f"the provider refused the key ({failure.reason}): {failure.says}")
    return RoleError(f"{type(error).__name__}: {failure.says}")


def _problem(error: ValidationError, raw: AIMessage) -> str:
    if not message_text(raw).strip() and not raw.tool_calls:
        return "it is empty"
    first = error.errors(include_url=False)[0]
    place = ".".join(map(str, first["loc"])) or "answer"
    return f"{place}: {first['msg']}"


def _as_json(schema: dict[str, Any]) -> str:
    return f"Answer with one JSON object and nothing else. Its JSON schema:\n{json.dumps(schema)}"
