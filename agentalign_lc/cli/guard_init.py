"""``agentalign guard init``: write a policy for an app that is there already."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from agentalign_lc.errors import ConfigError

__all__ = ["init"]


def init(
    app: Annotated[
        str,
        typer.Argument(
            metavar="APP",
            help="module:attribute or file.py:attribute with a compiled graph, an agent, or a list of tools.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="Policy to write (.yaml).")] = Path("policy.yaml"),
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file if it is there.")
    ] = False,
) -> None:
    """List an app's tools with what they seem to do, and write a commented policy; nothing is run."""
    # The guard's help must not wait for LangChain.
    from agentalign_lc.environment.catalog import load_catalog  # noqa: PLC0415
    from agentalign_lc.environment.imports.langchain import load_attribute  # noqa: PLC0415
    from agentalign_lc.guard.policy.apps import find_tools  # noqa: PLC0415
    from agentalign_lc.guard.policy.policy import Policy  # noqa: PLC0415
    from agentalign_lc.guard.policy.starter import policy_text, weigh  # noqa: PLC0415

    if out.exists() and not force:
        raise ConfigError(f"{out} exists already; choose another --out, or replace it with --force")
    if ":" not in app:
        raise ConfigError(f"{app}: write module:attribute or path/to/file.py:attribute")
    tools = find_tools(load_attribute(app))
    if not tools:
        raise ConfigError(
            f"{app} has no tools that can be found; give the list of its tools, module:TOOLS"
        )
    found = weigh(tools, load_catalog())
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(policy_text(app, found), encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"{out} cannot be written ({error.strerror}): choose another --out"
        ) from error
    Policy.load(out)
    table = Table(title=f"Tools of {escape(app)}", title_justify="left")
    for heading in ("tool", "capability", "effect", "confidence"):
        table.add_column(
            heading, overflow="fold", justify="right" if heading == "confidence" else "left"
        )
    for tool in found:
        sure = f"{tool.confidence:.2f}" if tool.capability else "-"
        table.add_row(
            *map(escape, (tool.name, tool.capability or "none fits", tool.effect.value, sure))
        )
    Console().print(table)
    typer.echo(f"{len(found)} tool{'' if len(found) == 1 else 's'} in {out}")
    typer.echo(f'Use it: Guard(..., policy=Policy.load("{out}"))')
