"""The catalogue: every suite, its capabilities, and the tools that serve them."""

from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from pathlib import Path

from pydantic import JsonValue

from agentalign_lc.documents import load_document, mistake
from agentalign_lc.environment.check import check_tool
from agentalign_lc.environment.devices import COLLECTIONS, attach
from agentalign_lc.environment.people import draw_person
from agentalign_lc.environment.slots import fill_text
from agentalign_lc.environment.spec import CollectionSpec, SuiteSpec, ToolSpec
from agentalign_lc.environment.twists import Twister
from agentalign_lc.environment.world import World
from agentalign_lc.errors import ConfigError, DocumentError
from agentalign_lc.garbage import uncollected
from agentalign_lc.records import Capability, ExpectedCall, Note, Scenario, Step
from agentalign_lc.seeds import canonical_json, derive_seed, stream

__all__ = ["Catalog", "load_catalog", "suite_files", "tools_folder"]


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

    def __init__(
        self,
        suites: Iterable[tuple[Path, SuiteSpec]],
        own: Iterable[tuple[Path, SuiteSpec]] = (),
    ) -> None:
        self.capabilities: dict[str, Capability] = {}
        self.collections: dict[str, CollectionSpec] = dict(COLLECTIONS)
        self.tools: dict[str, ToolSpec] = {}
        self.suites: dict[str, SuiteSpec] = {}
        shipped, brought = list(suites), list(own)
        problems: list[str] = []
        for path, suite in shipped:
            problems += self._add(path, suite)
        # A tool of the user's may have a shipped tool's name: it takes its place for the agent,
        # and the shipped one stays there for others to use.
        self._used = dict(self.tools)
        taken = {name for _, suite in brought for name in suite.tools} & set(self.tools)
        self.tools = {name: tool for name, tool in self.tools.items() if name not in taken}
        for path, suite in brought:
            problems += self._add(path, suite)
        self._used = {**self.tools, **self._used}
        self.own = frozenset(name for _, suite in brought for name in suite.tools)
        """The tools that the user brought along."""
        for path, suite in (*shipped, *brought):
            for name in suite.tools:
                if name in self.tools and (name not in taken or (path, suite) in brought):
                    problems += check_tool(path, suite.suite, self.tools[name], self)
        if problems:
            raise DocumentError(*problems)

    def _add(self, path: Path, suite: SuiteSpec) -> list[str]:
        problems = []
        if suite.suite in self.suites:
            message = f"suite {suite.suite!r} exists already; choose another name"
            problems.append(mistake(path, ("suite",), message))
        self.suites[suite.suite] = suite
        self.capabilities.update(suite.capability_records())
        for name, collection in suite.collections.items():
            if name in self.collections:
                message = f"collection {name!r} exists already"
                problems.append(mistake(path, ("collections", name), message))
            self.collections[name] = collection
        for name, tool in suite.tool_specs().items():
            if name in self.tools:
                problems.append(mistake(path, ("tools", name), f"tool {name!r} exists already"))
            self.tools[name] = tool
        return problems

    def world(self, scenario: Scenario, note: Note | None = None) -> World:
        """Build the world in which a scenario starts, with the note that a request points to."""
        world = World(scenario.seed, scenario.user, self.collections)
        world.tools = self._used
        for person in scenario.contacts:
            if "contacts" in self.collections:
                world.place("contacts", {**person.model_dump(), "name": person.name})
        for collection, rows in scenario.fixtures.items():
            for row in rows:
                world.place(collection, row)
        if note is not None:
            if "://" in note.place:
                page = {"url": note.place, "title": "Notes", "text": note.text}
                world.place("pages", page)
            else:
                world.place("files", {"path": note.place, "content": note.text})
        if scenario.twist is not None:
            world.twist = Twister(scenario.twist)
        return attach(world)

    def fresh_world(self, seed: int | str) -> World:
        """Build a world without a scenario, to try tools in."""
        random = stream(seed, "fresh world")
        world = World(derive_seed(seed, "fresh world"), draw_person(random), self.collections)
        world.tools = self._used
        return attach(world)

    @property
    def usable(self) -> Mapping[str, ToolSpec]:
        """The tools that another tool may ``use``, shipped ones first."""
        return self._used

    def serving(
        self, step: Step, fields: Iterable[str] = (), answers: Iterable[str] = ()
    ) -> tuple[str, ...]:
        """Names of the tools that can take a step, sorted.

        Args:
            step: The step.
            fields: Fields that they must have a parameter for.
            answers: Places that their answers must have, as ``results.0.url``.
        """
        needed, places = set(fields), list(answers)
        able = self._able.get((step.capability, step.action), ())
        if not needed and not places:
            return able
        tools = ((name, self.tools[name]) for name in able)
        return tuple(
            name
            for name, tool in tools
            if needed <= set(tool.fields()) and all(tool.answers(place) for place in places)
        )

    @cached_property
    def _able(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """Names of tools, sorted, by capability and action."""
        able: dict[tuple[str, str], list[str]] = {}
        for name, tool in sorted(self.tools.items()):
            known = tool.actions is not None or tool.capability in self.capabilities
            for action in self.actions(tool) if known else ():
                able.setdefault((tool.capability, action), []).append(name)
        return {step: tuple(names) for step, names in able.items()}

    def actions(self, tool: ToolSpec) -> Mapping[str, Mapping[str, JsonValue]]:
        """The actions of its capability that a tool supports, with their fixed arguments."""
        if tool.actions is not None:
            return tool.actions
        return {action: {} for action in self.capabilities[tool.capability].actions}

    def call(
        self,
        tool_name: str,
        step: Step,
        fields: Mapping[str, JsonValue],
        slots: Mapping[str, Mapping[str, str]] | None = None,
    ) -> ExpectedCall:
        """Say a step's fields in the parameters of a tool that serves it.

        Args:
            tool_name: The tool.
            step: The step that it takes.
            fields: What the chain gives.
            slots: The scenario's, for parameters that fill themselves from the user's profile.
        """
        tool = self.tools[tool_name]
        arguments: dict[str, JsonValue] = dict(self.actions(tool)[step.action])
        reached = tool.fields()
        for field, value in fields.items():
            if field in reached:
                arguments[reached[field]] = _shaped(value, tool, reached[field])
        random = stream(tool_name, str(step), canonical_json(dict(fields)))
        for name, spec in tool.parameters.items():
            if spec.fill is None or not spec.required or name in arguments:
                continue
            chosen = random.choice(spec.fill) if isinstance(spec.fill, list) else spec.fill
            arguments[name] = fill_text(chosen, slots or {}) if isinstance(chosen, str) else chosen
        return ExpectedCall(tool=tool_name, arguments=arguments)


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


def load_catalog(folder: Path | None = None, own: Iterable[Path] = ()) -> Catalog:
    """Read every suite of a folder (by default the shipped ones), and the user's own.

    Args:
        folder: Where the suites are.
        own: Files, or folders of files, with the user's own tools.

    Raises:
        ConfigError: a folder has no suite.
        DocumentError: a suite has a mistake; the message names file and line.
    """
    base = (folder or tools_folder()).resolve()
    paths = tuple(own)
    if not paths:
        return _load(base)
    return Catalog(_suites(base), [(f, load_document(f, SuiteSpec)) for f in suite_files(paths)])


def suite_files(paths: Iterable[Path]) -> list[Path]:
    """The suites at some paths: a file itself, of a folder its ``*.yaml``; each once.

    Raises:
        ConfigError: a path is not there, or is a folder without a suite.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        if not path.exists():
            raise ConfigError(f"{path}: no such file or folder; `--tools` takes suites (*.yaml)")
        files = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
        if not files:
            raise ConfigError(f"{path}: no suite (*.yaml) in this folder")
        for file in files:
            found.setdefault(file.resolve(), file)
    return list(found.values())


@lru_cache(maxsize=8)
def _load(folder: Path) -> Catalog:
    return Catalog(_suites(folder))


@lru_cache(maxsize=8)
@uncollected()
def _suites(folder: Path) -> tuple[tuple[Path, SuiteSpec], ...]:
    shipped = folder == tools_folder().resolve()
    return tuple(
        (file, load_document(file, SuiteSpec, trusted=shipped)) for file in suite_files([folder])
    )
