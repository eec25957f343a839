"""What a guard costs an agent's run of three tool calls, beside the bare agent and what others cost.

A scripted model makes three tool calls in three turns and answers. Every round
runs each variant once, in an order that is shuffled by the seed, so that all
of them see the same machine; every run has a request, arguments and results of
its own, so that nothing is found in a cache that a live app would not have.
Figures are medians over rounds of the difference to the bare app, or to a
variant that does nothing at the same hooks, in the same round.

CPU time (all threads) is printed beside wall-clock time: it is what to go by on a machine that
is busy with other things.

NeMo Guardrails (regex rails) and Invariant (three rules) take part where they are
installed; neither is a dependency of ours. Nor is the encoder, which is used where the extra
``local`` is there: every text is then embedded anew, so it shows what a new request costs.

    python benchmarks/guard_overhead.py [--rounds 200] [--only PART ...] [--json FILE]
"""

import argparse
import asyncio
import gc
import json
import os
import platform
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from statistics import median, quantiles
from typing import Any, Literal, NamedTuple

from langchain_core.messages import AIMessage, HumanMessage
from overhead_apps import NAMES, THINGS, TOOLS, Script, Task, Variant, variants

Mode = Literal["sync", "async"]
MODES: tuple[Mode, ...] = ("async", "sync")
WARM_UP = 5


class Cost(NamedTuple):
    """What one run took, in milliseconds."""

    wall: float
    cpu: float
    """Of all threads."""


Costs = Mapping[tuple[str, Mode], Sequence[Cost]]
"""By variant and mode, round by round."""


class App:
    """A variant, built, with the model that plays its part."""

    def __init__(self, variant: Variant) -> None:
        self._model = Script()
        self._app = variant.build(self._model)

    def run(self, task: Task, runner: asyncio.Runner | None) -> Cost:
        """Carry a task out and see that all of it was done."""
        self._model.task = task
        given = {"messages": [HumanMessage(task.request)]}
        wall, cpu = time.perf_counter(), time.process_time()
        state = runner.run(self._app.ainvoke(given)) if runner else self._app.invoke(given)
        spent = Cost(1e3 * (time.perf_counter() - wall), 1e3 * (time.process_time() - cpu))
        *_, last = state["messages"]
        if len(state["messages"]) != 2 + 2 * len(TOOLS) or not isinstance(last, AIMessage):
            raise SystemExit(f"a run went wrong; its last message: {last.text!r}")
        return spent


def measure(chosen: Mapping[str, Variant], rounds: int, seed: int) -> Costs:
    """Run every variant once a round, in a new order each time."""
    costs: dict[tuple[str, Mode], list[Cost]] = defaultdict(list)
    random = Random(seed)
    apps = {name: App(variant) for name, variant in chosen.items()}
    turns = [(name, mode) for name in apps for mode in MODES]
    with asyncio.Runner() as runner:
        for number in range(-min(WARM_UP, rounds), rounds):
            if number == 0:
                gc.collect()
                gc.freeze()  # what was loaded is not looked through again in somebody's run
            random.shuffle(turns)
            for turn, (name, mode) in enumerate(turns):
                task = Task(random.choice(NAMES), random.choice(THINGS), 10_000 + 1000 * (number + WARM_UP) + turn)  # fmt: skip
                spent = apps[name].run(task, runner if mode == "async" else None)
                if number >= 0:
                    costs[name, mode].append(spent)
    return costs


def added(costs: Costs, mode: Mode, name: str, base: str) -> dict[str, float] | None:
    """Median and 95th percentile of what a variant takes longer than another, by round."""
    if name == base or (base, mode) not in costs:
        return None
    pairs = list(zip(costs[name, mode], costs[base, mode], strict=True))
    wall = [own.wall - other.wall for own, other in pairs]
    return {
        "median": median(wall),
        "p95": quantiles(wall, n=20)[-1],
        "cpu": median(own.cpu - other.cpu for own, other in pairs),
    }


def table(costs: Costs, found: Mapping[str, Variant | None], mode: Mode) -> list[dict[str, Any]]:
    """One line for each variant."""
    lines = []
    for name, variant in found.items():
        if variant is None:
            lines.append({"mode": mode, "variant": name, "installed": False})
            continue
        if (name, mode) not in costs:
            continue
        lines.append(
            {
                "mode": mode,
                "variant": name,
                "installed": True,
                "run": median(cost.wall for cost in costs[name, mode]),
                "cpu": median(cost.cpu for cost in costs[name, mode]),
                "to_bare": added(costs, mode, name, variant.bare),
                "to_idle": added(costs, mode, name, variant.idle),
            }
        )
    return lines


def shown(line: Mapping[str, Any]) -> str:
    """A line of the table."""
    if not line["installed"]:
        return f"| {line['variant']} | not installed | | | | | | |"
    parts = [f"{line['run']:.1f}", f"{line['cpu']:.1f}"]
    for base in (line["to_bare"], line["to_idle"]):
        parts += (
            [f"{base[what]:+.1f}" for what in ("median", "p95", "cpu")] if base else ["", "", ""]
        )
    return f"| {line['variant']} | {' | '.join(parts)} |"


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument(
        "--only", nargs="+", metavar="PART", help="variants whose name has this in it"
    )
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if arguments.rounds < 2:
        parser.error("--rounds must be 2 or more")
    os.environ["LANGSMITH_TRACING"] = "false"
    found = variants()
    wanted = {n for n in found if not arguments.only or any(part in n for part in arguments.only)}
    needed = wanted | {base for n in wanted if (v := found[n]) for base in (v.bare, v.idle)}
    found = {name: variant for name, variant in found.items() if name in needed}
    chosen = {name: variant for name, variant in found.items() if variant}
    costs = measure(chosen, arguments.rounds, arguments.seed)
    print(f"{arguments.rounds} rounds, Python {platform.python_version()}; milliseconds a run of three tool calls")  # fmt: skip
    lines = []
    for mode in MODES:
        lines += (made := table(costs, found, mode))
        print(f"\n{mode}\n")
        print("| variant | run, median | CPU | + bare, median | p95 | CPU | + no-op, median | p95 | CPU |")  # fmt: skip
        print("|---|--:|--:|--:|--:|--:|--:|--:|--:|")
        print("\n".join(map(shown, made)))
    if arguments.json:
        report = {"rounds": arguments.rounds, "seed": arguments.seed, "rows": lines}
        arguments.json.write_text(json.dumps(report, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
