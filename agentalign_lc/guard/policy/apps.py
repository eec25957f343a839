"""The tools of an app that is already built: out of a compiled graph, an agent, or a list of tools.

Nothing is run. Where a graph keeps its tools is known for ToolNode; other nodes
are searched: what their functions refer to, models that tools were bound to,
and graphs that a node or a tool starts.
"""

import inspect
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from langchain_core.runnables import Runnable, RunnableBinding, RunnableSequence
from langchain_core.tools import BaseTool, StructuredTool, Tool
from langchain_core.utils.function_calling import convert_to_openai_tool

from agentalign_lc.environment.imports.foreign import ForeignTool, tool_name
from agentalign_lc.environment.imports.schema import resolve_references

__all__ = ["find_tools"]

_DEEPEST = 12


def find_tools(app: object) -> list[ForeignTool]:
    """Find the tools of an app, each once, by name.

    Args:
        app: A compiled graph (an agent is one), a StateGraph, a tool, or a list of tools.

    Example:
        >>> from langchain_core.tools import tool
        >>> @tool
        ... def send_note(text: str) -> str:
        ...     "Send a note to the team."
        ...     return text
        >>> [found.name for found in find_tools([send_note])]
        ['send_note']
    """
    found: dict[str, ForeignTool] = {}
    if isinstance(app, list | tuple):
        # In a list of tools, LangChain takes a plain function for a tool as well.
        app = [convert_to_openai_tool(one) if inspect.isfunction(one) else one for one in app]
    for tool in _search(app, set(), _DEEPEST):
        foreign = _foreign(tool)
        if foreign is not None:
            found.setdefault(foreign.name, foreign)
    return list(found.values())


def _search(thing: object, seen: set[int], depth: int) -> Iterator[object]:
    """Tools that a thing is, holds, or refers to."""
    if id(thing) in seen or depth == 0 or thing is None or isinstance(thing, str | bytes | type):
        return
    seen.add(id(thing))
    if isinstance(thing, BaseTool) or _is_schema(thing):
        yield thing
    for inner in _inside(thing):
        yield from _search(inner, seen, depth - 1)


def _is_schema(thing: object) -> bool:
    """Whether it is a tool in OpenAI's form, as models are given it."""
    if not isinstance(thing, dict):
        return False
    function = thing.get("function")
    return thing.get("type") == "function" and isinstance(function, dict) and "name" in function


def _inside(thing: object) -> Iterable[object]:
    if isinstance(thing, BaseTool):
        return _of_tool(thing)
    if isinstance(thing, RunnableBinding):
        return [thing.bound, *_items(thing.kwargs.get("tools"))]
    if isinstance(thing, RunnableSequence):
        return thing.steps
    if isinstance(thing, list | tuple):
        return thing
    if isinstance(thing, Mapping):
        return () if _is_schema(thing) else _bounded(thing.values())
    parts = [*_nodes(thing), *_held(thing)]
    if inspect.isroutine(thing):
        parts += _referred(thing)
    elif isinstance(thing, Runnable):
        parts += [getattr(thing, name, None) for name in ("func", "afunc", "runnable", "bound")]
    return parts


def _items(tools: object) -> list[object]:
    return list(tools) if isinstance(tools, list | tuple) else []


def _bounded(values: Iterable[object]) -> list[object]:
    # A dict that a node refers to may be anything, a cache as well: only what can hold tools counts.
    return [value for value in values if isinstance(value, BaseTool | Runnable)]


def _of_tool(tool: BaseTool) -> list[object]:
    """What a tool's function refers to: agents that are started inside it."""
    if isinstance(tool, StructuredTool | Tool):
        return [tool.func, tool.coroutine]
    return []


def _nodes(thing: object) -> list[object]:
    """Nodes of a graph: of a compiled one, or of one that is not compiled yet."""
    nodes = getattr(thing, "nodes", None)
    if not isinstance(nodes, Mapping):
        return []
    # A StateGraph's node holds its runnable, a compiled graph's node is bound to it.
    return [
        part
        for node in nodes.values()
        for part in (getattr(node, "runnable", None), getattr(node, "bound", None))
    ]


def _held(thing: object) -> list[object]:
    """Tools of a ToolNode, which says them in public."""
    named = getattr(thing, "tools_by_name", None)
    return list(named.values()) if isinstance(named, Mapping) else []


def _referred(function: Any) -> list[object]:  # noqa: ANN401
    """What a function uses from outside: variables around it, globals it names, its own object."""
    plain = inspect.unwrap(getattr(function, "__func__", function))
    own = getattr(function, "__self__", None)
    found: list[object] = [
        value
        for name in ("model", "llm", "tools", "agent", "graph", "app")
        if (value := getattr(own, name, None)) is not None
    ]
    try:
        used = inspect.getclosurevars(plain)
    except (TypeError, ValueError):
        return found
    for value in (*used.nonlocals.values(), *used.globals.values()):
        if inspect.ismodule(value):
            continue
        routine = inspect.isfunction(value) and value.__module__ == getattr(plain, "__module__", "")
        if (
            routine
            or isinstance(value, BaseTool | Runnable | list | tuple | dict)
            or hasattr(value, "tools_by_name")
        ):
            found.append(value)
    return found


def _foreign(tool: object) -> ForeignTool | None:
    shown: Any = tool
    try:
        # The form that a model is shown: arguments that LangGraph injects are not in it.
        shown = convert_to_openai_tool(tool) if isinstance(tool, BaseTool) else tool
        function = shown["function"]
        return ForeignTool(
            name=tool_name(str(function["name"])),
            description=str(function.get("description") or ""),
            parameters=resolve_references(function.get("parameters") or {"type": "object"}),
        )
    except Exception:  # noqa: BLE001 - a schema that no model can be shown is no tool of a model
        return None
