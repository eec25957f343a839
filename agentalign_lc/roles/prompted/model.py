"""Chat models for the prompted roles: any LangChain model, structured answers, bounded retries."""

import json
import os
from collections.abc import Generator, Sequence
from typing import Any, TypeVar

from langchain.chat_models import init_chat_model
from langchain_core.exceptions import OutputParserException
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.output_parsers import JsonOutputParser
from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.errors import GraphBubbleUp
from pydantic import BaseModel, ValidationError

from agentalign_lc.errors import AccessError, AnswerError, ConfigError, RoleError
from agentalign_lc.messages import message_text

__all__ = ["ask", "ask_sync", "call", "call_sync", "load_mix", "load_model", "model_name"]

AnswerT = TypeVar("AnswerT", bound=BaseModel)

_REQUEST_TIMEOUT = 120.0
"""Seconds after which a request to a provider is given up."""


def load_model(model: str | BaseChatModel, base_url: str | None = None) -> BaseChatModel:
    """Make a chat model from a string such as ``openai:gpt-5.4-mini``, or pass one through.

    With ``base_url`` a bare model name is taken for an OpenAI-compatible
    server, which on one's own machine needs no key.

    Raises:
        ConfigError: unknown provider, package not installed, or no key.
    """
    if isinstance(model, BaseChatModel):
        return model
    options: dict[str, Any] = {"timeout": _REQUEST_TIMEOUT, "max_retries": 4}
    if base_url is not None:
        options["base_url"] = base_url
        if not os.environ.get("OPENAI_API_KEY"):
            options["api_key"] = "none"
    try:
        return _initialised(model, options, own_server=base_url is not None)
    except ImportError as error:
        raise ConfigError(f"model {model!r} needs another package: {_line(error)}") from error
    except ValueError as error:
        raise ConfigError(
            f"model {model!r}: write provider:name, such as openai:gpt-5.4-mini ({_line(error)})"
        ) from error
    except Exception as error:
        # Providers check for their key with exceptions of their own.
        raise ConfigError(f"model {model!r} cannot be used: {_line(error)}") from error


def load_mix(
    models: Sequence[str], base_url: str | None = None
) -> list[tuple[BaseChatModel, float]]:
    """Make the chat models of a weighted mix, each ``provider:name`` or ``provider:name=weight``.

    Raises:
        ConfigError: a weight is no positive number, or a model cannot be made.
    """
    mix = []
    for text in models:
        name, _, weight = text.rpartition("=") if "=" in text else (text, "", "1")
        try:
            share = float(weight)
        except ValueError:
            share = 0.0
        if not 0 < share < float("inf"):
            raise ConfigError(f"{text!r}: write provider:name=weight, with a weight above 0")
        mix.append((load_model(name, base_url), share))
    return mix


def _initialised(model: str, options: dict[str, Any], *, own_server: bool) -> BaseChatModel:
    try:
        loaded = init_chat_model(model, **options)
    except ValueError:
        if not own_server:
            raise
        loaded = init_chat_model(model, model_provider="openai", **options)
    if not isinstance(loaded, BaseChatModel):
        raise ConfigError(f"model {model!r} is no chat model")
    return loaded


def model_name(model: BaseChatModel) -> str:
    """The name under which a model stands in the provenance."""
    name = getattr(model, "model_name", None) or getattr(model, "model", None)
    return str(name) if name else type(model).__name__


async def call(
    model: Runnable[Any, Any],
    messages: Sequence[BaseMessage],
    config: RunnableConfig | None = None,
) -> AIMessage:
    """Ask a model for a message.

    Retries of rate limits and server errors are the provider client's own
    (they honour Retry-After).

    Raises:
        AccessError: the key was refused.
        RoleError: the call failed for good.
    """
    return _message(await _invoked(model, list(messages), config))


def call_sync(
    model: Runnable[Any, Any],
    messages: Sequence[BaseMessage],
    config: RunnableConfig | None = None,
) -> AIMessage:
    """Ask as ``call`` does, and wait."""
    return _message(_invoked_sync(model, list(messages), config))


async def ask(
    model: BaseChatModel,
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
        RoleError: the call failed for good.
    """
    asked, exchange = _exchange(model, messages, answer, tries)
    history = next(exchange)
    while True:
        reply = await _invoked(asked, history, config)
        try:
            history = exchange.send(reply)
        except StopIteration as end:
            return _typed(end.value, answer)


def ask_sync(
    model: BaseChatModel,
    messages: Sequence[BaseMessage],
    answer: type[AnswerT],
    tries: int = 3,
    config: RunnableConfig | None = None,
) -> AnswerT:
    """Ask as ``ask`` does, and wait."""
    asked, exchange = _exchange(model, messages, answer, tries)
    history = next(exchange)
    while True:
        reply = _invoked_sync(asked, history, config)
        try:
            history = exchange.send(reply)
        except StopIteration as end:
            return _typed(end.value, answer)


_Exchange = Generator[list[BaseMessage], object, BaseModel]
"""Yields what to ask, is sent what came back, and returns the answer; it waits for nothing."""


def _exchange(
    model: BaseChatModel, messages: Sequence[BaseMessage], answer: type[BaseModel], tries: int
) -> tuple[Runnable[Any, Any], _Exchange]:
    schema = answer.model_json_schema()
    structured = _structured(model, schema)
    history = list(messages)
    if structured is None:
        history.append(HumanMessage(_as_json(schema)))
    return structured or model, _corrected(history, answer, tries)


def _corrected(history: list[BaseMessage], answer: type[BaseModel], tries: int) -> _Exchange:
    problem = ""
    for _ in range(tries):
        raw, data = _parsed((yield history))
        refused = raw.additional_kwargs.get("refusal")
        if refused:
            raise AnswerError(f"the model refused to answer: {_line(refused)}")
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
        return model.with_structured_output(schema, include_raw=True)
    except (NotImplementedError, AttributeError, ValueError):
        return None


def _parsed(reply: object) -> tuple[AIMessage, object]:
    if isinstance(reply, dict):
        return reply["raw"], reply["parsed"]
    raw = _message(reply)
    try:
        return raw, JsonOutputParser().parse(message_text(raw))
    except OutputParserException:
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
    status = getattr(error, "status_code", None)
    if status in (401, 403):
        return AccessError(f"the provider refused the key ({status}): {_line(error)}")
    return RoleError(f"{type(error).__name__}: {_line(error)}")


def _problem(error: ValidationError, raw: AIMessage) -> str:
    if not message_text(raw).strip() and not raw.tool_calls:
        return "it is empty"
    first = error.errors(include_url=False)[0]
    place = ".".join(map(str, first["loc"])) or "answer"
    return f"{place}: {first['msg']}"


def _as_json(schema: dict[str, Any]) -> str:
    return f"Answer with one JSON object and nothing else. Its JSON schema:\n{json.dumps(schema)}"


def _line(error: object) -> str:
    return " ".join(str(error).split())[:300]
