"""``agentalign``: the command, its groups, and how errors are said."""

import os
import sys

import typer

from agentalign_lc.cli.card import card
from agentalign_lc.cli.chains import chains
from agentalign_lc.cli.collect import collect
from agentalign_lc.cli.eval import evaluation
from agentalign_lc.cli.export import export
from agentalign_lc.cli.guard import guard
from agentalign_lc.cli.mix import mix
from agentalign_lc.cli.plan import plan
from agentalign_lc.cli.report import report
from agentalign_lc.cli.show import show
from agentalign_lc.cli.stats import stats
from agentalign_lc.cli.synth import synth
from agentalign_lc.cli.tools import tools
from agentalign_lc.cli.traces import traces
from agentalign_lc.errors import AgentAlignError

__all__ = ["app", "main"]

app = typer.Typer(
    name="agentalign",
    help="Synthesise agent-safety training data from behavior chains (after AgentAlign, arXiv 2505.23020).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(synth)
app.command()(mix)
app.command()(export)
app.command()(show)
app.command()(stats)
app.command()(card)
app.command()(report)
app.command()(plan)
app.add_typer(chains)
app.add_typer(tools)
app.add_typer(guard)
app.add_typer(evaluation)
app.add_typer(collect)
app.add_typer(traces)


@app.callback()
def _common() -> None:
    # Typer needs a callback to treat the functions above as subcommands.
    pass


def main() -> None:
    """Run the command; an error is one line on stderr and exit code 2."""
    try:
        app()
    except AgentAlignError as error:
        print(f"agentalign: {error}", file=sys.stderr)  # noqa: T201 - this is where errors are said
        sys.exit(2)
    except KeyboardInterrupt:
        print("agentalign: stopped; what was done is kept, continue with --resume", file=sys.stderr)  # noqa: T201
        sys.exit(130)
    except BrokenPipeError:
        # The reader went away (`agentalign show DIR | head`); Python would complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
