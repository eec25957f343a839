"""The table with which a run ends."""

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from agentalign_lc.cli.money import dollars
from agentalign_lc.endpoints.spending import Spending
from agentalign_lc.records import Intent, Status
from agentalign_lc.synthesis.runner import Summary

__all__ = ["print_summary"]


def print_summary(summary: Summary, out: Path, console: Console | None = None) -> None:
    """Print what was planned, kept, rejected and failed, the reasons, and what to do next."""
    # Names of models have colons, between which rich would find emoji.
    console = console or Console(emoji=False)
    table = Table(title=f"Run in {out}", title_justify="left")
    for heading in ("intent", "planned", "kept", "rejected", "failed"):
        table.add_column(heading, justify="left" if heading == "intent" else "right")
    for intent in Intent:
        counts = [summary.count(intent, status) for status in Status]
        table.add_row(intent.value, *map(str, (sum(counts), *counts)))
    table.add_section()
    table.add_row(
        "all", *map(str, (summary.planned, summary.kept, summary.rejected, summary.failed))
    )
    console.print(table)
    for intent, status, gate, count in summary.rows:
        if status is not Status.KEPT:
            console.print(f"  {count} {intent.value} {status.value} at {gate}", highlight=False)
    console.print(
        f"planned {summary.planned} = kept {summary.kept} + rejected {summary.rejected} + failed {summary.failed}",
        highlight=False,
    )
    if summary.spending:
        _print_spending(summary.spending, console)
    found = summary.statistics
    console.print(
        f"distinct-2 {found.distinct[1]:.2f}, self-BLEU-4 {found.self_bleu:.2f}, "
        f"{found.subcategories[0]} of {found.subcategories[1]} subcategories, "
        f"{found.capabilities[0]} of {found.capabilities[1]} capabilities, {found.unfilled} open slots, "
        f"chain adherence {found.adherence:.1%}, grounding {found.grounding:.1%}",
        highlight=False,
        soft_wrap=True,
    )
    program = _program()
    for line in (
        f"Read it: {program} show {out} --intent benign",
        f"Measure it: {program} stats {out}",
        f"Look at it: {program} report {out}",
        f"Export it: {program} export {out} --format trl --out {out / 'train.jsonl'}",
    ):
        console.print(line, soft_wrap=True, highlight=False)


def _print_spending(spending: Sequence[Spending], console: Console) -> None:
    """Print what each endpoint was asked, resumed runs included."""
    table = Table(title="Asked of models", title_justify="left")
    for heading in (
        "endpoint",
        "calls",
        "failed",
        "tried again",
        "tokens in",
        "tokens out",
        "cost",
    ):
        left = heading in {"endpoint", "tried again"}
        table.add_column(heading, justify="left" if left else "right")
    for one in spending:
        again = ", ".join(f"{count} x {reason}" for reason, count in one.retries.items())
        numbers = (one.calls, one.failed, one.input_tokens, one.output_tokens)
        calls, failed, read, written = (f"{number:,}" for number in numbers)
        paid = dollars(one.cost) if one.cost else ""
        table.add_row(one.endpoint, calls, failed, again, read, written, paid)
    console.print(table)
    cost = sum(one.cost for one in spending)
    if cost and len(spending) > 1:
        console.print(f"all models: {dollars(cost)}", highlight=False)
    estimated = sum(one.estimated for one in spending)
    if estimated:
        console.print(
            f"{estimated:,} answers did not say their tokens, which were estimated", highlight=False
        )


def _program() -> str:
    """How the command was called, so that the next one can be pasted."""
    called = Path(sys.argv[0])
    return str(called) if called.name == "agentalign" and not called.is_absolute() else "agentalign"
