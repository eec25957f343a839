"""Which of our capabilities an app's tools serve, and which steps a call of theirs may be."""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import ValidationError

from agentalign_lc.environment.catalog import Catalog
from agentalign_lc.environment.imports.foreign import ForeignTool
from agentalign_lc.environment.imports.schema import resolve_references, to_parameters
from agentalign_lc.environment.imports.suggest import (
    CONFIDENT,
    Suggester,
    Suggestion,
    guess_effect,
)
from agentalign_lc.environment.imports.words import verb
from agentalign_lc.errors import ConfigError
from agentalign_lc.guard.view import GuardedTool, SeenCall
from agentalign_lc.records import Effect

__all__ = ["Described", "map_tools", "possible_steps"]

Described = BaseTool | Callable[..., Any] | Mapping[str, Any] | str
"""A tool as an app has it: a LangChain tool, a function with a docstring, a schema, a name."""


def map_tools(tools: Iterable[Described], catalog: Catalog) -> dict[str, GuardedTool]:
    """Say of every tool of an app which capability it serves and what it does to the world.

    A tool with the name and the parameters of one of the catalogue's is that
    tool. For any other the nearest capability is suggested from its words and
    its parameters; if none comes near enough, its capability stays empty and
    its effect is what its verb says, or None. No tool is called.

    Args:
        tools: LangChain tools, functions, schemas in OpenAI form (or any that
            LangChain reads), or bare names.
        catalog: The tools that we know.

    Returns:
        By name, in the given order; of two with one name the last.

    Raises:
        ConfigError: a schema has no name.

    Example:
        >>> from langchain_core.tools import tool
        >>> from agentalign_lc.environment import load_catalog
        >>> @tool
        ... def send_mail(to: str, subject: str, body: str) -> str:
        ...     "Send an e-mail to somebody."
        >>> found = map_tools([send_mail, "frobnicate"], load_catalog())
        >>> found["send_mail"].capability, found["send_mail"].effect.value
        ('communication.send_email', 'transmit')
        >>> found["frobnicate"].capability, found["frobnicate"].effect
        ('', None)
    """
    mapped = {}
    for one in tools:
        name, description, parameters = _described(one)
        bare = isinstance(one, str)
        text = json.dumps(parameters, sort_keys=True, default=str)
        mapped[name] = _mapped(name, description, text, bare, catalog)
    return mapped


def possible_steps(call: SeenCall, tool: GuardedTool, catalog: Catalog) -> frozenset[str]:
    """The steps, ``capability:action``, that a call may be; none if nobody knows the tool.

    Where a tool does several things and an argument says which, that argument
    decides.

    Example:
        >>> from agentalign_lc.environment import load_catalog
        >>> both = {"read_file": {"mode": "r"}, "write_file": {"mode": "w"}}
        >>> tool = GuardedTool("disk", capability="system_tools.manage_files", actions=both)
        >>> sorted(possible_steps(SeenCall("1", "disk", {"mode": "w"}), tool, load_catalog()))
        ['system_tools.manage_files:write_file']
    """
    known = catalog.capabilities.get(tool.capability)
    actions = tool.actions or {action: {} for action in (known.actions if known else ())}
    fitting = {
        action
        for action, fixed in actions.items()
        if all(call.arguments.get(name) == value for name, value in fixed.items())
    }
    return frozenset(f"{tool.capability}:{action}" for action in fitting or actions)


def _described(tool: Described) -> tuple[str, str, dict[str, Any]]:
    """Name, description and JSON Schema of the arguments, as a model is shown them."""
    if isinstance(tool, str):
        return tool, "", {}
    try:
        shown = convert_to_openai_tool(dict(tool) if isinstance(tool, Mapping) else tool)
    except (TypeError, ValueError) as error:
        # A schema that JSON cannot say: the name and the description must do.
        if isinstance(tool, BaseTool):
            return tool.name, tool.description, {}
        raise ConfigError(f"{tool!s:.80} is no tool's schema; give name and parameters") from error
    function = shown.get("function", shown)
    # A provider's own tool, such as {"type": "web_search"}, is named by its type alone.
    name = function.get("name") or shown.get("type")
    if not isinstance(name, str):
        raise ConfigError(f"{shown!s:.80} has no name; give every tool a name")
    parameters = function.get("parameters")
    parameters = resolve_references(parameters) if isinstance(parameters, dict) else {}
    return name, str(function.get("description") or ""), parameters


@lru_cache(maxsize=4096)
def _mapped(name: str, description: str, text: str, bare: bool, catalog: Catalog) -> GuardedTool:
    parameters = json.loads(text)
    ours = catalog.tools.get(name)
    if ours is not None and (
        bare or set(parameters.get("properties") or ()) == set(ours.parameters)
    ):
        return GuardedTool(
            name=name,
            description=description or ours.description,
            parameters=parameters,
            capability=ours.capability,
            effect=catalog.capabilities[ours.capability].effect,
            actions=catalog.actions(ours),
        )
    foreign = ForeignTool(name=name, description=description, parameters=parameters)
    best = _suggested(foreign, catalog)
    sure = best is not None and best.confidence >= CONFIDENT
    return GuardedTool(
        name=name,
        description=description,
        parameters=parameters,
        capability=best.capability if best and sure else "",
        effect=catalog.capabilities[best.capability].effect if best and sure else _by_verb(foreign),
        actions=best.actions if best and sure else {},
        confidence=best.confidence if best else 0.0,
    )


def _suggested(tool: ForeignTool, catalog: Catalog) -> Suggestion | None:
    try:
        found = _suggester(catalog).suggest(tool, to_parameters(tool.parameters))
    except (ValidationError, TypeError, ValueError):
        return None  # a schema that is none: the tool is unknown, which is treated as the worst
    return found[0] if found else None


@lru_cache(maxsize=4)
def _suggester(catalog: Catalog) -> Suggester:
    return Suggester(catalog)


def _by_verb(tool: ForeignTool) -> Effect | None:
    known = verb(tool.name) or verb(tool.description)
    return guess_effect(tool) if known else None
