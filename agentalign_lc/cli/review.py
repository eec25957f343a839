"""Review in the terminal: proposed chains, one after the other, with a decision for each."""

from collections.abc import Sequence
from typing import Any

import click
import typer
import yaml
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from agentalign_lc.records import Intent

__all__ = ["decide"]

_KEYS = "[a]pprove  [e]dit  [r]eject  [A]pprove this and the rest  [R]eject this and the rest"
_COLOURS = {Intent.HARMFUL: "red", Intent.BORDERLINE: "yellow", Intent.BENIGN: "green"}


def decide(
    proposals: Sequence[dict[str, Any]], console: Console | None = None
) -> list[dict[str, Any]]:
    """Ask a person about each proposal.

    Args:
        proposals: What the planner graph's interrupt holds as ``action_requests``.
        console: Where to show them.

    Returns:
        One decision for each, as the graph takes them.

    Raises:
        typer.Abort: the input ended.
    """
    console = console or Console()
    decisions: list[dict[str, Any]] = []
    for number, proposal in enumerate(proposals, 1):
        console.print(_card(proposal, f"{number} of {len(proposals)}"))
        answer = _asked()
        if answer in ("A", "R"):
            kind = {"type": "approve" if answer == "A" else "reject"}
            return [*decisions, *([kind] * (len(proposals) - len(decisions)))]
        if answer == "e":
            decisions.append(_edited(proposal, console))
        else:
            decisions.append({"type": "approve" if answer == "a" else "reject"})
    return decisions


def _asked() -> str:
    while True:
        answer = str(typer.prompt(_KEYS, prompt_suffix=" > ")).strip()[:1]
        if answer in ("a", "e", "r", "A", "R"):
            return answer


def _edited(proposal: dict[str, Any], console: Console) -> dict[str, Any]:
    text = yaml.safe_dump(proposal["args"], sort_keys=False, allow_unicode=True, width=100)
    while True:
        changed = click.edit(text, extension=".yaml")
        if changed is None:
            console.print("Nothing was changed; it is approved as it was.")
            return {"type": "approve"}
        try:
            arguments = yaml.safe_load(changed)
        except yaml.YAMLError as error:
            console.print(f"That is no YAML ({' '.join(str(error).split())}); edit it again.")
            text = changed
            continue
        return {"type": "edit", "edited_action": {"name": proposal["name"], "args": arguments}}


def _card(proposal: dict[str, Any], title: str) -> Panel:
    chain = proposal["args"]
    lines = Text(" > ".join(chain["harmful"]["steps"]), style="bold")
    for intent in Intent:
        lines.append(f"\n{intent.value:<11}", style=_COLOURS[intent])
        lines.append(chain[intent.value]["line"], style="not bold")
    return Panel(lines, title=f"{chain['name']} ({title})", title_align="left")
