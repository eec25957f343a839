"""``agentalign tools``: look at tools, try them, check suites, import your own."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from agentalign_lc.cli.tools_import import import_tools
from agentalign_lc.environment.catalog import Catalog, load_catalog
from agentalign_lc.environment.mistakes import find_mistakes
from agentalign_lc.environment.simulate import compile_tool
from agentalign_lc.errors import ConfigError

__all__ = ["check", "list_tools", "tools", "try_tool"]

tools = typer.Typer(name="tools", help="List, try, check and import tools.", no_args_is_help=True)
_Own = Annotated[
    list[Path] | None,
    typer.Option(
        "--tools", help="Suite of your own tools, a file or a folder; repeat for several."
    ),
]


@tools.command("list")
def list_tools(
    capability: Annotated[
        str | None, typer.Option(help="Only this capability, or this suite.")
    ] = None,
    own: _Own = None,
) -> None:
    """List the tools by suite: capability, actions, parameters."""
    catalog = load_catalog(own=own or ())
    console = Console()
    shown = 0
    for suite in catalog.suites.values():
        table = Table(title=suite.suite, title_justify="left", title_style="bold")
        for heading in ("tool", "capability:action", "parameters"):
            table.add_column(heading, overflow="fold")
        for name in suite.tools:
            tool = catalog.tools[name]
            full = tool.capability
            if capability not in (None, full, full.partition(".")[0], full.partition(".")[2]):
                continue
            words = (key if spec.required else f"{key}?" for key, spec in tool.parameters.items())
            mark = "*" if name in catalog.own else ""
            table.add_row(
                f"{name}{mark}", f"{full}:{'|'.join(catalog.actions(tool))}", ", ".join(words)
            )
            shown += 1
        if table.row_count:
            console.print(table)
    if not shown:
        known = ", ".join(sorted(catalog.capabilities))
        raise ConfigError(f"no tool serves {capability!r}; the capabilities are {known}")


@tools.command("try")
def try_tool(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the tool.")],
    arguments: Annotated[str, typer.Option("--args", help="Arguments, a JSON object.")] = "{}",
    seed: Annotated[int, typer.Option(help="Seed of the world; same seed, same world.")] = 7,
    own: _Own = None,
) -> None:
    """Run one call in a fresh world: print what an agent would read, and what changed."""
    catalog = load_catalog(own=own or ())
    given = _object(arguments)
    world = catalog.fresh_world(seed)
    bound = compile_tool(_named(catalog, name), world)
    reply = bound.invoke({"name": name, "args": given, "id": "call_1", "type": "tool_call"})
    typer.echo(_pretty(json.loads(str(reply.content))))
    for change in world.changes:
        row = f" {json.dumps(change['row'], ensure_ascii=False)}" if "row" in change else ""
        typer.echo(f"{change['operation']} {change['collection']} {change['key']}{row}")
    if not world.changes:
        typer.echo("nothing changed")


@tools.command("check")
def check(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Suites or folders.")],
) -> None:
    """Name every mistake in suites by file and line, with its mend; exit code 1 if there are some."""
    count, problems = find_mistakes(paths)
    for problem in problems:
        typer.echo(problem)
    if problems:
        raise typer.Exit(1)
    typer.echo(f"ok: {count} tools")


tools.command("import")(import_tools)


def _named(catalog: Catalog, name: str) -> Any:  # noqa: ANN401 - a ToolSpec
    if name in catalog.tools:
        return catalog.tools[name]
    near = [tool for tool in sorted(catalog.tools) if name.lower() in tool.lower()]
    hint = (
        f"; did you mean {', '.join(near[:5])}?" if near else "; `agentalign tools list` shows them"
    )
    raise ConfigError(f"there is no tool {name!r}{hint}")


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ConfigError(
            f'--args is no JSON ({error}); write --args \'{{"name": "value"}}\''
        ) from error
    if not isinstance(value, dict):
        raise ConfigError('--args is no JSON object; write --args \'{"name": "value"}\'')
    return value


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
