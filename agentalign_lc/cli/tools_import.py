"""``agentalign tools import``: write a suite out of your own tools."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from agentalign_lc.environment.catalog import load_catalog
from agentalign_lc.environment.imports import (
    ImportedTool,
    plain_name,
    read_tools,
    suite_text,
    weigh_tools,
)
from agentalign_lc.errors import ConfigError

__all__ = ["import_tools"]


def import_tools(
    out: Annotated[Path, typer.Option(help="Suite to write (.yaml).")],
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="SOURCE",
            help="module:attribute or file.py:attribute with LangChain tools, an OpenAPI 3 file, or the URL of an MCP server.",
        ),
    ] = None,
    mcp_command: Annotated[
        str | None, typer.Option(help="Command of an MCP server that speaks over stdio.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the suite. (default: the file's)")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file if it is there.")
    ] = False,
) -> None:
    """Write a suite out of LangChain tools, an MCP server or an OpenAPI file; none of them is called."""
    if out.exists() and not force:
        raise ConfigError(f"{out} exists already; choose another --out, or replace it with --force")
    catalog = load_catalog()
    suite = plain_name(name or out.stem)
    if suite in catalog.suites:
        raise ConfigError(f"there is a shipped suite {suite!r}; choose another --name")
    weighed = weigh_tools(read_tools(source, mcp_command), catalog)
    text = suite_text(suite, source or mcp_command or "", weighed, catalog)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"{out} cannot be written ({error.strerror}): choose another --out"
        ) from error
    load_catalog(own=[out])
    _print(suite, weighed)
    typer.echo(f"{len(weighed)} tools in {out}")
    typer.echo(f"Check it after editing: agentalign tools check {out}")
    typer.echo(f"Synthesise with it:     agentalign synth --tools {out} --out runs/{suite}")


def _print(suite: str, weighed: list[ImportedTool]) -> None:
    table = Table(title=f"Suite {suite}", title_justify="left")
    for heading in ("tool", "capability:action", "fields", "confidence"):
        table.add_column(
            heading, overflow="fold", justify="right" if heading == "confidence" else "left"
        )
    for one in weighed:
        if one.taken is None:
            step, fields, sure = f"{suite}.{one.own_capability}:call", "its own", "-"
        else:
            step = f"{one.taken.capability}:{'|'.join(one.taken.actions)}"
            fields = ", ".join(
                field if field == name else f"{field} ← {name}"
                for name, field in one.taken.fields.items()
            )
            sure = f"{one.taken.confidence:.2f}"
        table.add_row(*map(escape, (one.tool.name, step, fields, sure)))
    Console().print(table)
