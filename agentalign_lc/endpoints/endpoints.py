"""All endpoints of a run, by name: roles that name the same one share its limits."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel

from agentalign_lc.documents import mistake
from agentalign_lc.endpoints.endpoint import Endpoint
from agentalign_lc.endpoints.limits import Limits
from agentalign_lc.endpoints.loading import load_model, model_name, weighted
from agentalign_lc.endpoints.models_file import ModelEntry, read_models
from agentalign_lc.endpoints.price import Price, PriceTable
from agentalign_lc.errors import ConfigError

__all__ = ["Endpoints"]

_CONNECT = 10.0
"""Seconds in which a connection must stand."""


@dataclass
class Endpoints:
    """Makes endpoints, each once. It is plain values, and can be sent to another process.

    Args:
        file: YAML file of models (see ``read_models``).
        prices: YAML file of prices by model (see ``PriceTable``).
        limits: Limits of endpoints that have none of their own.
        base_url: OpenAI-compatible server of models that have none of their own.
        workers: How many processes share the limits.
        priced: That every model needs a price, since the run has a maximum cost.

    Example:
        >>> endpoints = Endpoints(base_url="http://127.0.0.1:9/v1")
        >>> endpoints.get("qwen3").place
        'qwen3 at http://127.0.0.1:9/v1'
        >>> endpoints.get("qwen3") is endpoints.get("qwen3")
        True
    """

    file: Path | None = None
    prices: Path | None = None
    limits: Limits = field(default_factory=Limits)
    base_url: str | None = None
    workers: int = 1
    priced: bool = False
    _made: dict[str, Endpoint] = field(default_factory=dict, init=False, repr=False, compare=False)

    def get(self, model: str | BaseChatModel) -> Endpoint:
        """The endpoint of a model: a name of the file, ``provider:name``, or a model of yours.

        A model that you bring keeps its client's own retries, which are not counted.

        Raises:
            ConfigError: the model cannot be made, has no key, or no price where it needs one.
            DocumentError: a file cannot be used.
        """
        key = model if isinstance(model, str) else f"{id(model)}"
        if key not in self._made:
            made = self._named(model) if isinstance(model, str) else self._brought(model)
            self._made[key] = made
        return self._made[key]

    def mix(self, models: Iterable[str | BaseChatModel]) -> list[tuple[Endpoint, float]]:
        """The endpoints of a weighted mix, each ``name`` or ``name=weight``.

        Raises:
            ConfigError: a weight is no positive number, or a model cannot be made.
        """
        return [
            (self.get(name), weight)
            for name, weight in (
                weighted(model) if isinstance(model, str) else (model, 1.0) for model in models
            )
        ]

    def __getstate__(self) -> dict[str, Any]:
        """What another process needs to make the same endpoints: files, limits, and no client."""
        state = {name: value for name, value in self.__dict__.items() if name not in _OWN}
        return {**state, "_made": {}}

    @cached_property
    def _entries(self) -> dict[str, ModelEntry]:
        return read_models(self.file) if self.file else {}

    @cached_property
    def _table(self) -> PriceTable:
        return PriceTable.load(self.prices) if self.prices else PriceTable({})

    def price(self, name: str) -> Price | None:
        """The price of a model, if it is known; no client is made and no key needed.

        Raises:
            ConfigError: it is not known, and the run has a maximum cost.
        """
        entry = self._entry(name)
        price = entry.price or self._table.find(name) or self._table.find(entry.model)
        return self._needed(name, price)

    def _entry(self, name: str) -> ModelEntry:
        return self._entries.get(name) or ModelEntry(model=name)

    def _named(self, name: str) -> Endpoint:
        entry = self._entry(name)
        limits = entry.limits(self.limits)
        base_url = entry.base_url or self.base_url
        options: dict[str, object] = {
            **entry.options,
            "max_retries": 0,
            "timeout": limits.timeout,
            **self._key(name, entry),
        }
        loaded = load_model(entry.model, base_url, **options)
        if hasattr(loaded, "root_async_client"):
            options |= _openai_options(entry, base_url, limits)
            loaded = load_model(entry.model, base_url, **options)
        return Endpoint(loaded, name, limits.among(self.workers), self.price(name))

    def _brought(self, model: BaseChatModel) -> Endpoint:
        name = model_name(model)
        price = self._needed(name, self._table.find(name))
        return Endpoint(model, name, self.limits.among(self.workers), price)

    def _needed(self, name: str, price: Price | None) -> Price | None:
        if self.priced and price is None:
            raise ConfigError(
                f"a maximum cost needs the price of {name}: give --prices FILE with the line"
                f' "{name}": {{input: 0.4, output: 1.6}} (US dollars for a million tokens)'
            )
        return price

    def _key(self, name: str, entry: ModelEntry) -> dict[str, str]:
        if entry.api_key_env is None:
            return {}
        key = os.environ.get(entry.api_key_env)
        if not key:
            wrong = f"the environment variable {entry.api_key_env} is not set"
            place = (name, "api_key_env")
            raise ConfigError(mistake(self.file, place, wrong) if self.file else wrong)
        return {"api_key": key}


_OWN = frozenset({"_made", "_entries", "_table"})
"""What each process makes for itself."""


def _openai_options(entry: ModelEntry, base_url: str | None, limits: Limits) -> dict[str, object]:
    """Options of OpenAI's client, of which we know more than of others."""
    from openai import Timeout  # noqa: PLC0415 - heavy, and only where it is used

    from agentalign_lc.endpoints.http import LoopClient  # noqa: PLC0415 - likewise

    timeout = Timeout(limits.timeout, connect=min(_CONNECT, limits.timeout))
    options: dict[str, object] = {"timeout": timeout, "http_async_client": LoopClient()}
    name = entry.model.rpartition(":")[2].rpartition("/")[2]
    if base_url is not None and not re.match(r"(gpt|chatgpt|codex|o\d)", name):
        # Other servers speak chat completions; for OpenAI's own models LangChain chooses.
        options["use_responses_api"] = entry.options.get("use_responses_api", False)
    return options
