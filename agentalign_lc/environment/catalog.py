"""The catalogue: every suite, its capabilities, and the tools that serve them."""

import inspect
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from pydantic import JsonValue

from agentalign_lc.documents import find_line, load_document
from agentalign_lc.environment.devices import COLLECTIONS, DEVICES, attach
from agentalign_lc.environment.spec import CollectionSpec, SuiteSpec, ToolSpec
from agentalign_lc.environment.twists import Twister
from agentalign_lc.environment.world import World
from agentalign_lc.errors import ConfigError, DocumentError
from agentalign_lc.records import Capability, ExpectedCall, Scenario, Step

__all__ = ["Catalog", "load_catalog", "tools_folder"]


def tools_folder() -> Path:
    """Where the shipped suites are: packed into the wheel, or beside the package.

    An editable install has no packed files, so the folder at the top of the
    repository serves there.
    """
    package = Path(__file__).resolve().parent.parent
    packed = package / "tools"
    return packed if packed.is_dir() else package.parent / "tools"


class Catalog:
    """Capabilities, tools and collections of a set of suites.

    Example:
        >>> catalog = load_catalog()
        >>> catalog.tools["send_gmail"].capability
        'communication.send_email'
    """

    def __init__(self, suites: Iterable[tuple[Path, SuiteSpec]]) -> None:
        self.capabilities: dict[str, Capability] = {}
        self.collections: dict[str, CollectionSpec] = dict(COLLECTIONS)
        self.tools: dict[str, ToolSpec] = {}
        self.suites: dict[str, SuiteSpec] = {}
        pairs = list(suites)
        for path, suite in pairs:
            self.suites[suite.suite] = suite
            self.capabilities.update(suite.capability_records())
            for name, collection in suite.collections.items():
                if name in self.collections:
                    raise _mistake(
                        path, ("collections", name), f"collection {name!r} exists already"
                    )
                self.collections[name] = collection
            for name, tool in suite.tool_specs().items():
                if name in self.tools:
                    raise _mistake(path, ("tools", name), f"tool {name!r} exists already")
                self.tools[name] = tool
        for path, suite in pairs:
            for name in suite.tools:
                self._check(path, self.tools[name])

    def world(self, scenario: Scenario) -> World:
        """Build the world in which a scenario starts."""
        world = World(scenario.seed, scenario.user, self.collections)
        for person in scenario.contacts:
            if "contacts" in self.collections:
                world.place("contacts", {**person.model_dump(), "name": person.name})
        for collection, rows in scenario.fixtures.items():
            for row in rows:
                world.place(collection, row)
        if scenario.twist is not None:
            world.twist = Twister(scenario.twist)
        return attach(world)

    def serving(self, step: Step) -> tuple[str, ...]:
        """Names of the tools that can take a step, sorted."""
        return tuple(
            name
            for name, tool in sorted(self.tools.items())
            if tool.capability == step.capability and step.action in self.actions(tool)
        )

    def actions(self, tool: ToolSpec) -> Mapping[str, Mapping[str, JsonValue]]:
        """The actions of its capability that a tool supports, with their fixed arguments."""
        if tool.actions is not None:
            return tool.actions
        return {action: {} for action in self.capabilities[tool.capability].actions}

    def call(self, tool_name: str, step: Step, fields: Mapping[str, JsonValue]) -> ExpectedCall:
        """Say a step's fields in the parameters of a tool that serves it."""
        tool = self.tools[tool_name]
        arguments: dict[str, JsonValue] = dict(self.actions(tool)[step.action])
        reached = tool.fields()
        for field, value in fields.items():
            if field in reached:
                arguments[reached[field]] = _shaped(value, tool, reached[field])
        return ExpectedCall(tool=tool_name, arguments=arguments)

    def _check(self, path: Path, tool: ToolSpec) -> None:
        place = ("tools", tool.name)
        capability = self.capabilities.get(tool.capability)
        if capability is None:
            raise _mistake(
                path,
                (*place, "capability"),
                f"capability {tool.capability!r} is not declared in any suite",
            )
        reached = tool.fields()
        for action, fixed in self.actions(tool).items():
            if action not in capability.actions:
                raise _mistake(
                    path,
                    (*place, "actions", action),
                    f"{tool.capability} has no action {action!r}; it has {', '.join(capability.actions)}",
                )
            for name in fixed:
                if name not in tool.parameters:
                    raise _mistake(
                        path,
                        (*place, "actions", action, name),
                        f"{tool.name} has no parameter {name!r}",
                    )
            for field in sorted(capability.accepted(action)):
                if field not in reached:
                    raise _mistake(
                        path,
                        (*place, "parameters"),
                        f"no parameter takes {field!r}, which {tool.capability}:{action} needs (name one so, or give one `field: {field}`)",
                    )
            missing = [
                n
                for n, p in tool.parameters.items()
                if p.required and n not in fixed and (p.field or n) not in capability.needed(action)
            ]
            if missing:
                raise _mistake(
                    path,
                    (*place, "parameters", missing[0]),
                    f"{tool.capability}:{action} gives no {missing[0]!r}; make it optional, give a default, or add the field to the action",
                )
        self._check_operations(path, tool)

    def _check_operations(self, path: Path, tool: ToolSpec) -> None:
        for number, operation in enumerate(tool.does):
            place = ("tools", tool.name, "does", number)
            if operation.collection is not None and operation.collection not in self.collections:
                raise _mistake(
                    path,
                    (*place, operation.verb),
                    f"collection {operation.collection!r} is not declared",
                )
            if operation.call is not None:
                device, _, method = operation.call.partition(".")
                if device not in DEVICES or method not in DEVICES[device].operations:
                    known = ", ".join(
                        sorted(f"{d}.{m}" for d, c in DEVICES.items() for m in c.operations)
                    )
                    raise _mistake(
                        path,
                        (*place, "call"),
                        f"no device operation {operation.call!r}; there are {known}",
                    )
                accepted = set(inspect.signature(getattr(DEVICES[device], method)).parameters) - {
                    "self"
                }
                unknown = sorted(set(operation.arguments) - accepted)
                if unknown:
                    raise _mistake(
                        path,
                        (*place, "with", unknown[0]),
                        f"{operation.call} takes no {unknown[0]!r}; it takes {', '.join(sorted(accepted))}",
                    )


def _mistake(path: Path, place: tuple[str | int, ...], message: str) -> DocumentError:
    return DocumentError(f"{path}:{find_line(path, place)}: {'.'.join(map(str, place))}: {message}")


def _shaped(value: JsonValue, tool: ToolSpec, parameter: str) -> JsonValue:
    """Give a field's text the type of the parameter that takes it."""
    spec = tool.parameters[parameter]
    if spec.type == "array" and not isinstance(value, list):
        return [value]
    if isinstance(value, list) and spec.type != "array":
        return ", ".join(str(item) for item in value)
    if spec.type == "integer" and isinstance(value, str) and value.strip().lstrip("-").isdigit():
        return int(value)
    if spec.type == "number" and isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def load_catalog(folder: Path | None = None) -> Catalog:
    """Read every suite of a folder (by default the shipped ones).

    Raises:
        ConfigError: the folder has no suite.
        DocumentError: a suite has a mistake; the message names file and line.
    """
    return _load((folder or tools_folder()).resolve())


@lru_cache(maxsize=8)
def _load(folder: Path) -> Catalog:
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise ConfigError(f"{folder}: no suite (*.yaml) in this folder")
    return Catalog([(file, load_document(file, SuiteSpec)) for file in files])
