"""Prompt files: versioned, rendered in the Jinja sandbox, named in the provenance."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from jinja2 import StrictUndefined, Template
from jinja2.sandbox import ImmutableSandboxedEnvironment
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage
from pydantic import BaseModel

__all__ = ["Prompt", "load_prompt"]

_PROMPTS = Path(__file__).with_name("prompts")

_SANDBOX = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True
)


class Prompt(BaseModel):
    """A system and a user message with places to fill.

    Example:
        >>> load_prompt("judge").label
        'judge@1'
    """

    name: str
    version: int
    system: str
    user: str

    @property
    def label(self) -> str:
        """``name@version``, for the provenance."""
        return f"{self.name}@{self.version}"

    def render(self, **values: Any) -> list[BaseMessage]:  # noqa: ANN401 - whatever the file names
        """Fill the places; a value that the file names and nobody gave is an error."""
        return [
            SystemMessage(_compiled(self.system).render(values).strip()),
            HumanMessage(_compiled(self.user).render(values).strip()),
        ]


@lru_cache(maxsize=64)
def _compiled(text: str) -> Template:
    # To compile a template takes much longer than to fill it, and every call fills one.
    return _SANDBOX.from_string(text)


@lru_cache(maxsize=32)
def load_prompt(name: str, folder: Path = _PROMPTS) -> Prompt:
    """Read a prompt file, of the roles' own unless a folder is named.

    Args:
        name: Name of the file without ``.yaml``.
        folder: Where it lies.
    """
    path = folder / f"{name}.yaml"
    return Prompt.model_validate({"name": name, **yaml.safe_load(path.read_text(encoding="utf-8"))})
