"""The file of models: endpoints by name, with where they are, their limits and their prices."""

from pathlib import Path

from pydantic import Field, JsonValue, RootModel

from agentalign_lc.documents import load_document
from agentalign_lc.endpoints.limits import Limits
from agentalign_lc.endpoints.price import Price
from agentalign_lc.records import Record

__all__ = ["ModelEntry", "read_models"]


class ModelEntry(Record):
    """An endpoint in the file; what is not said is as on the command line."""

    model: str
    """``provider:name``, or the bare name on an OpenAI-compatible server."""
    base_url: str | None = None
    api_key_env: str | None = None
    """The environment variable that holds the key."""
    requests_per_minute: float | None = Field(None, gt=0)
    tokens_per_minute: float | None = Field(None, gt=0)
    concurrency: int | None = Field(None, ge=1)
    timeout: float | None = Field(None, gt=0)
    price: Price | None = None
    options: dict[str, JsonValue] = Field(default_factory=dict)
    """For the provider's client, such as ``temperature`` or ``max_tokens``."""

    def limits(self, otherwise: Limits) -> Limits:
        """Its limits.

        Example:
            >>> ModelEntry(model="m", timeout=5).limits(Limits(concurrency=9))
            Limits(requests_per_minute=None, tokens_per_minute=None, concurrency=9, timeout=5.0)
        """
        own = {name: getattr(self, name) for name in Limits.model_fields}
        said = {name: value for name, value in own.items() if value is not None}
        return otherwise.model_copy(update=said)


class _Models(RootModel[dict[str, ModelEntry]]):
    pass


def read_models(path: Path) -> dict[str, ModelEntry]:
    """Read a file of models.

    ```yaml
    mine:
      model: qwen3-32b
      base_url: http://127.0.0.1:8000/v1
      concurrency: 32
      options: {temperature: 0.7}
    strong:
      model: openai:gpt-5.4
      api_key_env: TEAM_OPENAI_KEY
      requests_per_minute: 500
      price: {input: 2.0, cached_input: 0.2, output: 8.0}
    ```

    Raises:
        DocumentError: it is no such file; the message says file and line.
    """
    return load_document(path, _Models).root
