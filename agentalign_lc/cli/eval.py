"""``agentalign eval``: what agents, models and guards are worth, in one folder and one table."""

import typer

from agentalign_lc.cli.eval_agent import agent
from agentalign_lc.cli.guard import evaluate

__all__ = ["evaluation"]

evaluation = typer.Typer(
    name="eval",
    help="Evaluate agents, models and guards: safety and usefulness in one table.",
    no_args_is_help=True,
)
evaluation.command("agent")(agent)
evaluation.command("guard")(evaluate)
