"""LangChain tools out of a module: a tool, a list of them, or a function that gives one."""

import asyncio
import importlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

from langchain_core.tools import BaseTool, StructuredTool, Tool
from langchain_core.tools import tool as make_tool
from pydantic import BaseModel, PydanticSchemaGenerationError, TypeAdapter

from agentalign_lc.environment.imports.foreign import ForeignTool, tool_name
from agentalign_lc.environment.imports.schema import resolve_references
from agentalign_lc.errors import ConfigError

__all__ = ["langchain_tools", "load_attribute"]


def langchain_tools(source: str) -> list[ForeignTool]:
    """Read tools from ``module:attribute`` or ``path/to/file.py:attribute``.

    The attribute is a LangChain tool, a list or tuple of tools (or of plain
    functions with docstrings), a toolkit, or a function, sync or async, that
    returns one of these. The module is imported, so its code runs; its tools
    do not.

    Raises:
        ConfigError: the module or the attribute is not there, or is no tool.
    """
    found = load_attribute(source)
    try:
        found = found.get_tools() if hasattr(found, "get_tools") else found
        items = list(found) if isinstance(found, list | tuple) else [found]
        return [_foreign(_as_tool(item, source)) for item in items]
    except ConfigError:
        raise
    except Exception as error:
        raise _unusable(source, error) from error


def load_attribute(source: str, *, call: bool = True) -> Any:  # noqa: ANN401
    """Import what ``module:attribute`` or ``path/to/file.py:attribute`` names.

    A function that needs no arguments is called, and what it gives is taken; unless it is wanted as
    it is (``call=False``).

    Raises:
        ConfigError: the module cannot be imported, or has no such attribute.
    """
    where, _, attribute = source.rpartition(":")
    try:
        found = _attribute(_module(where), attribute)
        if call and not isinstance(found, BaseTool) and inspect.isroutine(found):
            found = _called(found)
    except ConfigError:
        raise
    except Exception as error:
        raise _unusable(source, error) from error
    return found


def _unusable(source: str, error: Exception) -> ConfigError:
    line = " ".join(str(error).split())
    return ConfigError(
        f"{source}: {type(error).__name__}: {line}; mend the module so that it can be imported"
    )


def _module(where: str) -> ModuleType:
    if where.endswith(".py"):
        path = Path(where)
        if not path.is_file():
            raise ConfigError(f"{where}: no such file; write path/to/file.py:attribute")
        spec = importlib.util.spec_from_file_location(f"imported_{path.stem}", path)
        if spec is None or spec.loader is None:
            raise ConfigError(f"{where}: is no Python file")
        module = importlib.util.module_from_spec(spec)
        sys.path.insert(0, str(path.resolve().parent))
        try:
            spec.loader.exec_module(module)
        finally:
            sys.path.remove(str(path.resolve().parent))
        return module
    sys.path.insert(0, os.getcwd())  # noqa: PTH109 - the entry that `python -m` would add
    try:
        return importlib.import_module(where)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"no module {error.name!r}; write module:attribute or path/to/file.py:attribute"
        ) from error
    finally:
        sys.path.pop(0)


def _attribute(module: ModuleType, name: str) -> Any:  # noqa: ANN401
    if not hasattr(module, name):
        tools = [key for key, value in vars(module).items() if isinstance(value, BaseTool)]
        hint = f"; its tools are {', '.join(tools)}" if tools else ""
        raise ConfigError(f"{module.__name__} has no attribute {name!r}{hint}")
    return getattr(module, name)


def _called(function: Callable[..., Any]) -> Any:  # noqa: ANN401
    needed = [
        p.name
        for p in inspect.signature(function).parameters.values()
        if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    if needed and inspect.getdoc(function):
        return (
            function  # a function with arguments and a docstring is a tool that is not marked yet
        )
    if needed:
        raise ConfigError(
            f"{function.__name__} needs {', '.join(needed)}; give a function without arguments, or a tool"
        )
    made = function()
    return asyncio.run(_awaited(made)) if inspect.isawaitable(made) else made


async def _awaited(value: Any) -> Any:  # noqa: ANN401
    return await value


def _as_tool(item: Any, source: str) -> BaseTool:  # noqa: ANN401
    if isinstance(item, BaseTool):
        return item
    if inspect.isroutine(item) and inspect.getdoc(item):
        return make_tool(item)
    raise ConfigError(
        f"{source}: {type(item).__name__} is no LangChain tool; mark functions with @tool"
    )


def _foreign(tool: BaseTool) -> ForeignTool:
    # What the model is shown: arguments that LangGraph injects are not in it.
    shown = tool.tool_call_schema
    if isinstance(shown, dict):
        schema = shown
    else:
        schema = shown.model_json_schema() if issubclass(shown, BaseModel) else shown.schema()
    return ForeignTool(
        name=tool_name(tool.name),
        description=tool.description,
        parameters=resolve_references(schema),
        output=_output(tool),
    )


def _output(tool: BaseTool) -> dict[str, Any] | None:
    function: Any = None
    if isinstance(tool, StructuredTool | Tool):
        function = tool.func or tool.coroutine
    try:
        hint = get_type_hints(function).get("return") if function is not None else None
        if not (inspect.isclass(hint) and (issubclass(hint, BaseModel) or hint.__annotations__)):
            return None
        found: dict[str, Any] = resolve_references(TypeAdapter(hint).json_schema())
    except (AttributeError, NameError, TypeError, PydanticSchemaGenerationError):
        return None
    return found
