"""Every mistake in a suite: a tool against its capability, collections, devices and other tools."""

import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from pydantic import JsonValue

from agentalign_lc.documents import mistake
from agentalign_lc.environment.devices import DEVICES
from agentalign_lc.environment.spec import CollectionSpec, Operation, ToolSpec
from agentalign_lc.records import Capability

__all__ = ["Stock", "check_tool"]

_Problem = tuple[tuple[str | int, ...], str]


class Stock(Protocol):
    """What there is besides a tool; a ``Catalog`` has it."""

    capabilities: dict[str, Capability]
    collections: dict[str, CollectionSpec]

    @property
    def usable(self) -> Mapping[str, ToolSpec]:
        """The tools that another may use."""
        ...

    def actions(self, tool: ToolSpec) -> Mapping[str, Mapping[str, JsonValue]]:
        """The actions that a tool supports, with their fixed arguments."""
        ...


def check_tool(path: Path, suite: str, tool: ToolSpec, stock: Stock) -> list[str]:
    """Say every mistake of a tool, one line each.

    Args:
        path: The suite's file.
        suite: The suite's name.
        tool: The tool, with its full name of the capability.
        stock: What else there is: capabilities, collections, tools to use.
    """
    place = ("tools", tool.name)
    capability = stock.capabilities.get(tool.capability)
    found: list[_Problem] = []
    if capability is None:
        near = [
            n
            for n in stock.capabilities
            if n.rpartition(".")[2] == tool.capability.rpartition(".")[2]
        ]
        hint = (
            f"; did you mean {near[0]}?"
            if near
            else f" (declare it under `capabilities` of {suite}, or name another)"
        )
        found.append(
            (("capability",), f"capability {tool.capability!r} is not declared in any suite{hint}")
        )
    else:
        for action, fixed in stock.actions(tool).items():
            found += _action(tool, capability, action, fixed)
    for number, operation in enumerate(tool.does):
        found += (
            (("does", number, *where), message) for where, message in _operation(operation, stock)
        )
    return [mistake(path, (*place, *where), message) for where, message in dict.fromkeys(found)]


def _action(
    tool: ToolSpec, capability: Capability, action: str, fixed: Mapping[str, JsonValue]
) -> Iterator[_Problem]:
    if action not in capability.actions:
        having = ", ".join(capability.actions)
        yield ("actions", action), f"{tool.capability} has no action {action!r}; it has {having}"
        return
    for name in fixed:
        if name not in tool.parameters:
            yield ("actions", action, name), f"{tool.name} has no parameter {name!r}"
    needed = capability.needed(action)
    for field in sorted(needed - set(tool.fields())):
        yield (
            ("parameters",),
            f"no parameter takes {field!r}, which {tool.capability}:{action} needs (name one so, or give one `field: {field}`)",
        )
    for name, spec in tool.parameters.items():
        given = name in fixed or (spec.field or name) in needed or spec.fill is not None
        if spec.required and not given:
            yield (
                ("parameters", name),
                f"{tool.capability}:{action} gives no {name!r}; make it optional, give a default or a `fill`, or add the field to the action",
            )


def _operation(operation: Operation, stock: Stock) -> Iterator[_Problem]:
    if operation.collection is not None and operation.collection not in stock.collections:
        yield (operation.verb,), f"collection {operation.collection!r} is not declared"
    if operation.call is not None:
        device, _, method = operation.call.partition(".")
        if device not in DEVICES or method not in DEVICES[device].operations:
            known = ", ".join(sorted(f"{d}.{m}" for d, c in DEVICES.items() for m in c.operations))
            yield ("call",), f"no device operation {operation.call!r}; there are {known}"
            return
        accepted = set(inspect.signature(getattr(DEVICES[device], method)).parameters) - {"self"}
        yield from _unknown(operation.call, operation.arguments, accepted)
    if operation.use is not None:
        used = stock.usable.get(operation.use)
        if used is None:
            yield (
                ("use",),
                f"there is no tool {operation.use!r}; `agentalign tools list` shows them",
            )
        elif any(inner.use for inner in used.does):
            yield ("use",), f"{operation.use!r} uses another tool itself; name that one"
        else:
            yield from _unknown(operation.use, operation.arguments, set(used.parameters))


def _unknown(what: str, given: Mapping[str, Any], accepted: set[str]) -> Iterator[_Problem]:
    for name in sorted(set(given) - accepted):
        yield ("with", name), f"{what} takes no {name!r}; it takes {', '.join(sorted(accepted))}"
