"""Answers in a fixed form, as a watch can tell them from what a model is offered.

An agent with a ``response_format`` either makes its model call a tool that is none,
whose arguments are the answer (``ToolStrategy``), or tells the provider the schema
(``ProviderStrategy``).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from agentalign_lc.errors import AgentAlignError

__all__ = ["NO_FORM", "AnswerRefusedError", "Form", "form_of"]


class AnswerRefusedError(AgentAlignError):
    """An answer was refused, and the fixed form that the app expects cannot say so."""

    def __init__(self, text: str) -> None:
        super().__init__(
            f"the answer was refused, and its fixed form cannot say so ({text});"
            " catch this error, or guard the agent with GuardMiddleware, which ends the run instead"
        )


@dataclass(frozen=True, slots=True)
class Form:
    """In which form a model has to answer."""

    calls: frozenset[str] = frozenset()
    """Names of the tools that are none: a call of one is an answer."""
    by_provider: bool = False
    """Whether the provider was given a schema for the answer's text."""


NO_FORM = Form()


def form_of(parameters: Mapping[str, Any] | None, tools: Collection[str]) -> Form:
    """Read a model call's parameters.

    A tool that the app does not have, offered where the model must call one, is a form.
    Should such a "form" run after all, in an agent that nobody could look into, it is
    judged as a call then.

    Args:
        parameters: What the model was called with.
        tools: The app's tools, by name.

    Example:
        >>> form_of({"tools": [{"name": "Plan"}, {"name": "pay"}], "tool_choice": "any"}, ["pay"])
        Form(calls=frozenset({'Plan'}), by_provider=False)
    """
    found = parameters or {}
    schema = found.get("response_format")
    offered = found.get("tools")
    names = {_name(tool) for tool in offered} if isinstance(offered, list) else set()
    forced = _forced(found.get("tool_choice"))
    return Form(
        calls=frozenset(names - set(tools) - {""}) if forced else frozenset(),
        by_provider=isinstance(schema, Mapping) and schema.get("type") == "json_schema",
    )


def _forced(choice: object) -> bool:
    """Whether a model must call some tool; providers say so in words of their own."""
    kind = choice.get("type") if isinstance(choice, Mapping) else choice
    return kind in ("any", "required", "function", "tool", True)


def _name(tool: object) -> str:
    if not isinstance(tool, Mapping):
        return str(getattr(tool, "name", ""))
    inner = tool.get("function", tool)
    return str(inner.get("name", "")) if isinstance(inner, Mapping) else ""
