"""The table of what a run will ask of models, printed by ``--dry-run``."""

from rich.console import Console
from rich.table import Table

from agentalign_lc.cli.money import dollars
from agentalign_lc.synthesis.scaling import Estimate, Total

__all__ = ["print_estimate"]

_NOT_IN_IT = (
    "Not in it: calls that fail and are tried again, answers asked for again because they do not fit, "
    "what models think before they answer, and cheaper cached input. A token is taken for 3.5 characters."
)


def print_estimate(found: Estimate, max_cost: float | None, console: Console | None = None) -> None:
    """Print calls, tokens and cost by role and model, how sure that is, and what is not in it.

    Args:
        found: The estimate.
        max_cost: The run's budget in US dollars, if it has one.
        console: Where to print.
    """
    # Names of models have colons, between which rich would find emoji.
    console = console or Console(emoji=False)
    if not found.asked:
        _say(console, "The embedded writers ask no model: nothing to pay. Nothing was written.")
        return
    table = Table(title="What the run will ask of models", title_justify="left")
    for heading in ("role", "model", "calls", "tokens in", "tokens out", "cost"):
        table.add_column(heading, justify="left" if heading in {"role", "model"} else "right")
    for part in found.asked:
        numbers = (part.calls, part.input_tokens, part.output_tokens)
        cost = "no price" if part.cost is None else dollars(part.cost)
        table.add_row(part.role, part.endpoint, *map(_whole, numbers), cost)
    table.add_section()
    numbers = (found.total.calls, found.total.input_tokens, found.total.output_tokens)
    cost = "no price" if found.unpaid else dollars(found.total.cost)
    table.add_row("all", "", *map(_whole, numbers), cost)
    console.print(table)
    for line in _lines(found, max_cost):
        _say(console, line)


def _lines(found: Estimate, max_cost: float | None) -> list[str]:
    counted = f"Counted: {found.sampled} of {found.scenarios:,} scenarios."
    if found.sampled < found.scenarios:
        counted += (
            f" The whole run: {_whole(found.low.calls)} to {_whole(found.high.calls)} calls, "
            f"{_tokens(found.low)} to {_tokens(found.high)} tokens"
        )
        priced = f", {dollars(found.low.cost)} to {dollars(found.high.cost)}"
        counted += "." if found.unpaid else f"{priced}."
    most = (
        "If every request had to be written as often as it may be: "
        f"{_whole(found.most.calls)} calls, {_tokens(found.most)} tokens"
    )
    most += "." if found.unpaid else f", {dollars(found.most.cost)}."
    lines = [counted, most, _NOT_IN_IT]
    if found.unsaid:
        lines.append(
            f"Chains without phrasings cannot be counted ({found.unsaid}); "
            f"{'shipped chains' if found.shipped else 'the others'} stand for them."
        )
    if found.unpriced:
        lines.append(
            f"No price of {', '.join(found.unpriced)}: give --prices FILE to see the cost, "
            f'such as "{found.unpriced[0]}": {{input: 0.4, output: 1.6}}'
        )
    if found.spent:
        lines.append(f"Spent so far: {dollars(found.spent)}.")
    if max_cost is not None and found.spent + found.total.cost > max_cost:
        lines.append(f"--max-cost {dollars(max_cost)} will stop the run before its end.")
    return [*lines, "Nothing was asked, and nothing was written."]


def _tokens(total: Total) -> str:
    return _whole(total.input_tokens + total.output_tokens)


def _whole(number: float) -> str:
    return f"{round(number):,}"


def _say(console: Console, line: str) -> None:
    console.print(line, highlight=False, markup=False, soft_wrap=True, emoji=False)
