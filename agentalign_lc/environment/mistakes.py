"""Every mistake in a set of suites at once, so that they can be mended in one go."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from agentalign_lc.documents import compose_document, read_document, said_by
from agentalign_lc.environment.catalog import Catalog, suite_files, tools_folder
from agentalign_lc.environment.spec import SuiteSpec
from agentalign_lc.errors import DocumentError

__all__ = ["find_mistakes"]

_OPEN = {"type": "any", "optional": True}
"""Stands in for a parameter that has a mistake, so that the rest can be looked at."""


def find_mistakes(paths: Iterable[Path]) -> tuple[int, list[str]]:
    """Count the tools in some suites and say every mistake, one line each with file and line.

    A part with a mistake of form is set aside, so that mistakes of sense
    elsewhere (an unknown capability, a field that nothing takes) show too.

    Args:
        paths: Suites, as files or folders. They are checked together with the
            shipped ones.

    Raises:
        ConfigError: a path is not there, or has no suite.
    """
    files = suite_files(paths)
    shipped = {file.resolve() for file in tools_folder().glob("*.yaml")}
    base = [
        (file, SuiteSpec.model_validate(read_document(file)))
        for file in sorted(shipped - {file.resolve() for file in files})
    ]
    problems: list[str] = []
    suites: list[tuple[Path, SuiteSpec]] = []
    count = 0
    for file in files:
        try:
            data = read_document(file)
            problems += _repeated(file)
        except DocumentError as error:
            problems += error.problems
            continue
        suite, found = _salvaged(data, file)
        problems += found
        if suite is not None:
            suites.append((file, suite))
            count += len(suite.tools)
    try:
        Catalog(base, suites)
    except DocumentError as error:
        problems += error.problems
    return count, sorted(dict.fromkeys(problems), key=_line)


def _line(problem: str) -> tuple[str, int]:
    place = re.match(r"(.*?):(\d+): ", problem)
    return (place[1], int(place[2])) if place else (problem, 0)


def _salvaged(data: Any, file: Path) -> tuple[SuiteSpec | None, list[str]]:  # noqa: ANN401
    """What can be read of a suite, and the mistakes of the rest."""
    try:
        return SuiteSpec.model_validate(data), []
    except ValidationError as error:
        found = said_by(error, file)
        for detail in error.errors(include_url=False):
            _set_aside(data, detail["loc"])
    try:
        return SuiteSpec.model_validate(data), found
    except ValidationError:
        return None, found


def _set_aside(data: Any, place: tuple[int | str, ...]) -> None:  # noqa: ANN401
    if not isinstance(data, dict) or len(place) < 2:
        if isinstance(data, dict) and place and place[0] not in ("suite", "description", "tools"):
            data.pop(place[0], None)
        return
    section, name, *inner = place
    tools = data.get("tools")
    tool: Any = tools.get(name) if section == "tools" and isinstance(tools, dict) else None
    if isinstance(tool, dict) and len(inner) > 1 and inner[0] == "parameters":
        spec = tool["parameters"].get(inner[1]) if isinstance(tool["parameters"], dict) else None
        kept = {k: v for k, v in spec.items() if k == "field"} if isinstance(spec, dict) else {}
        tool["parameters"][inner[1]] = _OPEN | kept
    elif isinstance(tool, dict) and inner and inner[0] not in ("capability", "parameters"):
        if inner[0] == "description":
            tool["description"] = "To be written."
        else:
            tool.pop(inner[0], None)
    elif isinstance(data.get(section), dict):
        # What names it would only seem wrong now, so that goes too.
        data[section].pop(name, None)
        users = tools if section == "capabilities" and isinstance(tools, dict) else {}
        for other, using in list(users.items()):
            if isinstance(using, dict) and using.get("capability") == name:
                users.pop(other)


def _repeated(file: Path) -> list[str]:
    """Keys that stand twice in one mapping: YAML would silently take the last."""
    found: list[str] = []

    def visit(node: yaml.Node | None, place: str) -> None:
        if isinstance(node, yaml.SequenceNode):
            for number, item in enumerate(node.value):
                visit(item, f"{place}.{number}")
        if not isinstance(node, yaml.MappingNode):
            return
        seen: set[str] = set()
        for key, value in node.value:
            where = f"{place}.{key.value}".strip(".")
            if key.value in seen and key.value != "<<":
                line = key.start_mark.line + 1
                found.append(f"{file}:{line}: {where}: stands here twice; rename or remove one")
            seen.add(key.value)
            visit(value, where)

    visit(compose_document(file), "")
    return found
