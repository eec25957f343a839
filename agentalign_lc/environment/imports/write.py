"""A suite out of foreign tools: YAML that a person can read and edit."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml
from pydantic import JsonValue

from agentalign_lc.environment.catalog import Catalog
from agentalign_lc.environment.imports.foreign import ForeignTool, plain_name
from agentalign_lc.environment.imports.schema import to_parameters
from agentalign_lc.environment.imports.suggest import (
    CONFIDENT,
    Suggester,
    Suggestion,
    guess_effect,
)
from agentalign_lc.environment.imports.words import is_prose
from agentalign_lc.environment.spec import ParameterSpec, ToolSpec
from agentalign_lc.records import Record, Step

__all__ = ["ImportedTool", "suite_text", "weigh_tools"]


class ImportedTool(Record):
    """A foreign tool, its parameters, and what was made of it."""

    tool: ForeignTool
    parameters: dict[str, ParameterSpec]
    taken: Suggestion | None
    """The suggestion that was confident enough; None: it serves a capability of its own."""
    others: tuple[Suggestion, ...]
    """The runners-up."""

    @property
    def own_capability(self) -> str:
        """Name of the capability that only this tool serves."""
        return plain_name(self.tool.name)


def weigh_tools(tools: Sequence[ForeignTool], catalog: Catalog) -> list[ImportedTool]:
    """Suggest a capability of the catalogue for every tool."""
    suggester = Suggester(catalog)
    weighed = []
    for tool in tools:
        parameters = to_parameters(tool.parameters)
        found = suggester.suggest(tool, parameters)
        sure = bool(found) and found[0].confidence >= CONFIDENT
        weighed.append(
            ImportedTool(
                tool=tool,
                parameters=parameters,
                taken=found[0] if sure else None,
                others=tuple(one for one in found[1 if sure else 0 :] if one.confidence >= 0.2),
            )
        )
    return weighed


def suite_text(suite: str, source: str, tools: Sequence[ImportedTool], catalog: Catalog) -> str:
    """Write the suite.

    Args:
        suite: Its name.
        source: Where the tools come from, for a reader.
        tools: The tools, weighed.
        catalog: The shipped tools, whose effects the new ones borrow.
    """
    own = [tool for tool in tools if tool.taken is None]
    lines = [
        f"# Imported from {' '.join(source.split())}. Edit freely: `agentalign tools check` names every mistake.",
        "# A tool takes part in a chain when its `capability` is one of the shipped ones",
        "# (`agentalign tools list`) and its parameters take the fields: `field: ...`.",
        f"suite: {_flow(suite)}",
        f"description: {_flow(f'Tools imported from {source}.')}",
    ]
    if own:
        lines += ["", "capabilities:", *(line for tool in own for line in _capability(tool))]
    lines += ["", "tools:"]
    for tool in tools:
        lines += [*_tool(tool, catalog), ""]
    return "\n".join(lines)


def _capability(imported: ImportedTool) -> Iterator[str]:
    said = _sentence(imported.tool).split("\n")[0]
    fields = [
        f"{plain_name(name)}{'' if spec.required else '?'}"
        for name, spec in imported.parameters.items()
    ]
    yield f"  {imported.own_capability}:"
    yield f"    effect: {guess_effect(imported.tool).value}"
    yield f"    description: {_flow(said)}"
    yield "    actions:"
    yield f"      call: {_flow(list(dict.fromkeys(fields)))}"


def _tool(imported: ImportedTool, catalog: Catalog) -> Iterator[str]:
    tool, taken = imported.tool, imported.taken
    rest = ", ".join(
        f"{one}{': ' + ', '.join(one.open) if one.open else ''}" for one in imported.others
    )
    if taken is not None:
        yield f"  # suggested {taken}{'; also ' + rest if rest else ''}"
    else:
        yield f"  # no capability fits well enough{'; nearest ' + rest if rest else ''}"
    yield f"  {_flow(tool.name)}:"
    yield f"    capability: {taken.capability if taken else imported.own_capability}"
    yield f"    description: {_flow(_sentence(tool))}"
    used = _uses(imported, catalog)
    prose = {name for _, _, shipped, reached in used for name in reached if reached[name][1].text}
    if imported.parameters:
        yield "    parameters:"
        for name, spec in imported.parameters.items():
            yield f"      {_flow(name)}: {_flow(_parameter(imported, name, spec, text=name in prose))}"
    else:
        yield "    parameters: {}"
    if taken is not None and used:
        yield "    actions:"
        for action, fixed in taken.actions.items():
            yield f"      {action}: {_flow(fixed)}"
        yield "    # It acts on the simulated world as a shipped tool does."
        yield "    does:"
        for action, fixed, shipped, reached in used:
            yield f"      - {_flow(_operation(catalog, taken, imported.parameters, action, fixed, shipped, reached))}"
    if tool.output:
        yield f"    output: {_flow(tool.output)}"
    elif used:
        yield '    returns: "{{ done }}"'


_Use = tuple[str, dict[str, JsonValue], ToolSpec, dict[str, tuple[str, ParameterSpec]]]


def _uses(imported: ImportedTool, catalog: Catalog) -> list[_Use]:
    """For each action: the shipped tool whose effect is borrowed, and what reaches it."""
    taken = imported.taken
    uses: list[_Use] = []
    for action, fixed in taken.actions.items() if taken else ():
        step = Step(capability=taken.capability if taken else "", action=action)
        serving = [catalog.tools[name] for name in catalog.serving(step)]
        shipped = min(
            (tool for tool in serving if tool.returns),
            key=lambda tool: (_unlike(imported, tool), len(tool.parameters), tool.name),
            default=None,
        )
        if taken is None or shipped is None:
            continue
        reached = {
            name: (shipped.fields()[field], shipped.parameters[shipped.fields()[field]])
            for name, field in taken.fields.items()
            if field in shipped.fields()
        }
        uses.append((action, fixed, shipped, reached))
    return uses


def _unlike(imported: ImportedTool, shipped: ToolSpec) -> int:
    """How many fields two tools take in different shapes."""
    reached = shipped.fields()
    return sum(
        field not in reached
        or (imported.parameters[name].type == "array")
        != (shipped.parameters[reached[field]].type == "array")
        for name, field in (imported.taken.fields if imported.taken else {}).items()
    )


def _operation(
    catalog: Catalog,
    taken: Suggestion,
    parameters: Mapping[str, ParameterSpec],
    action: str,
    fixed: Mapping[str, JsonValue],
    shipped: ToolSpec,
    reached: Mapping[str, tuple[str, ParameterSpec]],
) -> dict[str, Any]:
    given: dict[str, JsonValue] = dict(catalog.actions(shipped)[action])
    for name, (target, spec) in reached.items():
        given[target] = _passed(name, parameters[name], spec)
    operation: dict[str, Any] = {}
    if len(taken.actions) > 1:
        tests = [f"{_argument(name)} == {value!r}" for name, value in fixed.items()]
        operation["when"] = f"{{{{ {' and '.join(tests)} }}}}"
    return {**operation, "use": shipped.name, "with": given, "as": "done"}


def _argument(name: str) -> str:
    # A dict's own methods win over its keys after a dot.
    return f"args.{name}" if name.isidentifier() and not hasattr({}, name) else f"args[{name!r}]"


def _passed(name: str, own: ParameterSpec, target: ParameterSpec) -> str:
    """An argument in the shape that another tool's parameter has."""
    argument = _argument(name)
    if target.type == "array" and own.type != "array":
        return f"{{{{ [{argument}] if {argument} else none }}}}"
    if target.type != "array" and own.type == "array":
        return f"{{{{ {argument} | join(', ') if {argument} else none }}}}"
    return f"{{{{ {argument} }}}}"


def _parameter(
    imported: ImportedTool, name: str, spec: ParameterSpec, *, text: bool
) -> dict[str, Any]:
    plain = spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    taken = imported.taken
    field = taken.fields.get(name, plain_name(name)) if taken else plain_name(name)
    if field != name:
        plain["field"] = field
    if taken and name in taken.fills:
        plain["fill"] = taken.fills[name]
    if text or (is_prose(name) and spec.type in ("string", "any", "array") and not spec.enum):
        plain["text"] = True
    said = plain.pop("description", None)
    return {**plain, "description": said} if said else plain


def _sentence(tool: ForeignTool) -> str:
    said = tool.description.strip()
    return said if len(said) >= 10 else f"Calls {tool.name}. {said}".strip()


def _flow(value: Any) -> str:  # noqa: ANN401
    """A value on one line of YAML."""
    text: str = yaml.safe_dump(
        value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=float("inf")
    )
    return text.removesuffix("...\n").strip()
