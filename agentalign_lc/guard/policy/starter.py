"""A policy to start with: an app's tools, what they seem to do, and what could be set."""

from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from agentalign_lc.environment.catalog import Catalog
from agentalign_lc.environment.imports.foreign import ForeignTool
from agentalign_lc.environment.imports.suggest import guess_effect
from agentalign_lc.environment.imports.write import ImportedTool, weigh_tools
from agentalign_lc.records import Effect, Record

__all__ = ["FoundTool", "policy_text", "weigh"]

_HINTS = {
    Effect.READ: "",
    Effect.WRITE: "",
    Effect.TRANSMIT: 'recipients: ["*@example.com"]   # or destinations: [example.com]',
    Effect.TRANSFER: "amount: 500",
    Effect.EXECUTE: "action: ask",
}
"""What is most often set for a tool with such an effect."""


_SURE = 0.6
"""From here on a suggestion is written down as what holds; below, as a comment."""


class FoundTool(Record):
    """A tool of an app, and what it seems to do."""

    name: str
    said: str
    """The first line of its description."""
    capability: str
    """``suite.capability`` that it comes nearest to; empty if none fits."""
    confidence: float
    effect: Effect
    others: tuple[str, ...] = ()
    """Capabilities that it may have instead."""


def weigh(tools: Sequence[ForeignTool], catalog: Catalog) -> list[FoundTool]:
    """Say for each tool which capability and effect it seems to have.

    Example:
        >>> from agentalign_lc.environment.catalog import load_catalog
        >>> mail = ForeignTool(
        ...     name="sendMail",
        ...     description="Send an e-mail to somebody.",
        ...     parameters={"properties": {key: {"type": "string"} for key in ("to", "title", "html")}},
        ... )
        >>> found = weigh([mail], load_catalog())[0]
        >>> found.capability, found.effect.value
        ('communication.send_email', 'transmit')
    """
    return [_found(one, catalog) for one in weigh_tools(tools, catalog)]


def _found(one: ImportedTool, catalog: Catalog) -> FoundTool:
    guessed = guess_effect(one.tool)
    taken = one.taken
    effect = catalog.capabilities[taken.capability].effect if taken else guessed
    return FoundTool(
        name=one.tool.name,
        said=" ".join(one.tool.description.split("\n")[0].split())[:100],
        capability=taken.capability if taken else "",
        confidence=taken.confidence if taken else 0.0,
        effect=one.tool.effect or effect,
        others=tuple(f"{other.capability} ({other.confidence:.2f})" for other in one.others),
    )


def policy_text(source: str, tools: Sequence[FoundTool]) -> str:
    """Write a commented policy that names every tool, and else says nothing new.

    Args:
        source: Where the tools come from, for a reader.
        tools: The tools, weighed.
    """
    lines = [
        f"# Policy of the guard for {_line(source)}. Edit freely; a mistake is said with file and line.",
        "# What is left out is as in the shipped policy, whose comments explain every field.",
        "version: 1",
        "",
        "defaults:",
        "  action: refuse_call   # or refuse_run, ask (a person decides), end, allow",
        "  result: redact        # what a tool gives back that must not be read: redact, refuse_run, ask, end, allow",
        "  when_unsure: allow    # when no judge can tell: allow, ask, refuse",
        "  # allowed: false      # with `allowed: true` at some tools: only those may be called",
        "",
        "on_error: closed   # a judge that fails or is too slow: closed (refuse), open (allow), escalate (ask)",
        "timeout: 10.0      # seconds that a judge may take",
        "refusals: 3        # refused calls in one run; one more ends it",
        "",
        "# capabilities:",
        "#   payments.*: {action: ask, amount: 500}",
        "",
    ]
    lines += ["tools:" if tools else "tools: {}"]
    for tool in tools:
        lines += _tool(tool)
    lines += [
        "",
        "# The shipped rules hold as well. Change a field of one by its name, or add your own:",
        "# rules:",
        "#   remote-script-runs: {action: refuse_run}",
        "#   too-many-messages: {enabled: false}",
        "#   mail-stays-inside:",
        "#     why: mail goes to people of the company only",
        "#     capabilities: [communication.send_email]",
        '#     outside: [example.com, "*.example.com"]',
    ]
    return "\n".join(lines) + "\n"


def _tool(tool: FoundTool) -> Iterator[str]:
    if tool.said:
        yield f"  # {_line(tool.said)}"
    also = f"; also {', '.join(tool.others)}" if tool.others else ""
    sure = tool.confidence >= _SURE
    if sure:
        yield f"  # It seems to be {tool.capability} ({tool.confidence:.2f}){also}."
    elif tool.capability:
        yield f"  # It may be {tool.capability} ({tool.confidence:.2f}){also}. Say what it is:"
    else:
        near = f" (nearest {', '.join(tool.others)})" if tool.others else ""
        yield f"  # No capability fits well enough{near}. Say what it does:"
    name = _scalar(tool.name)
    fields = [f"capability: {tool.capability}"] if tool.capability else []
    fields.append(f"effect: {tool.effect.value}")
    if sure:
        yield f"  {name}:"
        yield from (f"    {field}" for field in fields)
    else:
        # Until a person says so its effect stays unknown, which the rules take for the worst.
        yield f"  # {name}: {{{', '.join(fields)}}}"
        yield f"  {name}: {{}}"
    if hint := _HINTS[tool.effect]:
        yield f"    # {hint}"


def _line(text: str) -> str:
    # A comment ends at any character that YAML or a reader takes for a new line.
    return "".join(char if char.isprintable() else " " for char in text)


def _scalar(value: Any) -> str:  # noqa: ANN401
    text: str = yaml.safe_dump(value, default_flow_style=True, width=float("inf"))
    return text.removesuffix("...\n").strip()
