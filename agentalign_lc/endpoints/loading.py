"""Chat models from their names."""

import os
from collections.abc import Mapping
from typing import Any

from langchain.chat_models import init_chat_model
from langchain_core.language_models import BaseChatModel

from agentalign_lc.endpoints.endpoint import Endpoint
from agentalign_lc.errors import ConfigError, one_line

__all__ = ["load_model", "model_name", "weighted"]

_OPTIONS: Mapping[str, Any] = {"timeout": 120.0, "max_retries": 4}
"""For a model that is asked directly; an endpoint retries by itself."""


def load_model(
    model: str | BaseChatModel, base_url: str | None = None, **options: object
) -> BaseChatModel:
    """Make a chat model from a string such as ``openai:gpt-5.4-mini``, or pass one through.

    With ``base_url`` a bare model name is taken for an OpenAI-compatible
    server, which on one's own machine needs no key.

    Args:
        model: ``provider:name``, or a model.
        base_url: Where it is served, if not at its provider's.
        **options: For the provider's client: ``timeout``, ``max_retries``, ``temperature``, ...

    Raises:
        ConfigError: unknown provider, package not installed, or no key.
    """
    if isinstance(model, BaseChatModel):
        return model
    given: dict[str, Any] = {**_OPTIONS, **options}
    if base_url is not None:
        given["base_url"] = base_url
        if not os.environ.get("OPENAI_API_KEY"):
            given.setdefault("api_key", "none")
    try:
        return _initialised(model, given, own_server=base_url is not None)
    except ImportError as error:
        raise ConfigError(f"model {model!r} needs another package: {one_line(error)}") from error
    except ValueError as error:
        raise ConfigError(
            f"model {model!r}: write provider:name, such as openai:gpt-5.4-mini ({one_line(error)})"
        ) from error
    except ConfigError:
        raise
    except Exception as error:
        # Providers check for their key with exceptions of their own.
        raise ConfigError(f"model {model!r} cannot be used: {one_line(error)}") from error


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


def model_name(model: Endpoint | BaseChatModel) -> str:
    """The name under which a model stands in the provenance."""
    if isinstance(model, Endpoint):
        return model_name(model.model)
    name = getattr(model, "model_name", None) or getattr(model, "model", None)
    return str(name) if name else type(model).__name__


def weighted(text: str) -> tuple[str, float]:
    """Read a model of a mix, ``name`` or ``name=weight``.

    Raises:
        ConfigError: the weight is no positive number.

    Example:
        >>> weighted("openai:gpt-5.4-mini=3")
        ('openai:gpt-5.4-mini', 3.0)
    """
    name, _, weight = text.rpartition("=") if "=" in text else (text, "", "1")
    try:
        share = float(weight)
    except ValueError:
        share = 0.0
    if not 0 < share < float("inf"):
        raise ConfigError(f"{text!r}: write provider:name=weight, with a weight above 0")
    return name, share
