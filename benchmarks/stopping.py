"""How a run stops when going on is of no use, and that it can be continued: dead endpoints and budgets.

Dead endpoints: in the middle of a synthesis the server begins to fail every
request in one way, or is gone. Told is how long the command then went on, and
its last line; the endpoint comes back, the run is continued, and what was
asked twice is counted by the server.

Budget: the price of the whole run is measured, then it is run with a maximum of
a third of that, and continued with more. Told is how far from the maximum it
stopped, beside the price of the largest call.

Run: python benchmarks/stopping.py [--scenarios 6] [--json OUT]
"""

import argparse
import json
import threading
import time
from argparse import Namespace
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from loopback import Usage, serving
from synthesis_http import MODEL, SEED, synth

WAYS = ("500", "reset", "hang", "gone", "401")
PRICES = {"input": 5.0, "output": 20.0}


def _plan(options: Namespace) -> str:
    plan = {"scenarios": options.scenarios, "seed": SEED, "pressure": options.pressure}
    return json.dumps(plan)


def _line(usage: Usage) -> str:
    """What a person reads last, without the frame and the bar."""
    said = (usage.complained or usage.said).split()
    return " ".join(said)[-400:]


def _kept(out: Path) -> str:
    summary = out / "summary.json"
    if not summary.exists():
        return "not finished"
    made = json.loads(summary.read_text())
    return f"{made['kept']} / {made['planned']}"


def dead(way: str, folder: Path, options: Namespace) -> dict[str, Any]:
    """One endpoint that dies in the middle of a run."""
    out, died = folder / way, []
    settings = ("--synthesis", _plan(options), "--latency", str(options.latency))
    with serving(*settings) as server:

        def die() -> None:
            died.append(time.monotonic())
            if way == "gone":
                server.process.kill()
            else:
                server.set(dead=way)

        timer = threading.Timer(options.after, die)
        server.reset()
        usage = synth(server, out, options, also=timer.start)
        timer.cancel()
        took = usage.ended - died[0] if died else None
        if way != "gone":
            server.set(dead="")
            resumed = synth(server, out, options, resume=True)
            repeats = server.stats()["repeats"]
    if way == "gone":
        with serving(*settings, "--port", str(server.port)) as server:
            resumed, repeats = synth(server, out, options, resume=True), None
    return {
        "way": way,
        "seconds": took,
        "code": usage.code,
        "said": _line(usage),
        "resumed": resumed.code,
        "kept": _kept(out),
        "repeats": repeats,
    }


def budget(folder: Path, options: Namespace) -> dict[str, Any]:
    """A run that may cost a third of what it takes, and is then continued."""
    prices = folder / "prices.yaml"
    prices.write_text(f"{MODEL}: {{input: {PRICES['input']}, output: {PRICES['output']}}}\n")
    with serving("--synthesis", _plan(options), "--latency", str(options.latency)) as server:
        server.reset()
        synth(server, folder / "whole", options, "--prices", prices)
        whole = _cost(server.stats())
        server.reset()
        most = round(whole / 3, 4)
        out = folder / "part"
        stopped = synth(server, out, options, "--prices", prices, "--max-cost", most)
        seen = server.stats()
        part = _cost(seen)
        one = _price(seen["largest_input"], seen["largest_output"])
        resumed = synth(
            server, out, options, "--prices", prices, "--max-cost", 2 * whole, resume=True
        )
        total = _cost(server.stats())
    return {
        "whole": whole,
        "most": most,
        "stopped_at": part,
        "largest_call": one,
        "code": stopped.code,
        "said": _line(stopped),
        "resumed": resumed.code,
        "kept": _kept(out),
        "total": total,
    }


def _cost(seen: dict[str, Any]) -> float:
    return _price(seen["input_tokens"], seen["output_tokens"])


def _price(read: int, written: int) -> float:
    return (read * PRICES["input"] + written * PRICES["output"]) / 1e6


def table(deaths: Sequence[dict[str, Any]], spent: dict[str, Any]) -> list[str]:
    """What happened, as Markdown."""
    lines = ["| the endpoint | stopped after, s | exit code | kept after --resume | it said |"]
    lines.append("|---|---|---|---|---|")
    for row in deaths:
        took = "did not stop" if row["seconds"] is None else f"{row['seconds']:.1f}"
        lines.append(
            f"| {row['way']} | {took} | {row['code']} | {row['kept']} | {row['said'][-200:]} |"
        )
    lines = [*lines, ""] if deaths else []
    lines += [
        (
            "| budget, $ | stopped at, $ | largest call, $ | exit code | kept after --resume | paid in all, $"
            " | whole run at once, $ |"
        ),
        "|---|---|---|---|---|---|---|",
        (
            f"| {spent['most']:.4f} | {spent['stopped_at']:.4f} | {spent['largest_call']:.4f} | {spent['code']}"
            f" | {spent['kept']} | {spent['total']:.4f} | {spent['whole']:.4f} |"
        ),
    ]
    return lines


def arguments() -> Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenarios", type=int, default=6)
    parser.add_argument("--way", nargs="*", choices=WAYS, default=WAYS, help="by default all")
    parser.add_argument("--calls", type=int, default=16)
    parser.add_argument("--concurrency", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--latency", type=float, default=0.3)
    parser.add_argument("--timeout", type=float, default=10.0)
    parser.add_argument("--pressure", type=float, default=0.25)
    parser.add_argument("--after", type=float, default=3.0, help="seconds before the end comes")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def main() -> None:
    """Let endpoints die side by side, then spend a budget."""
    options = arguments()
    with TemporaryDirectory() as folder, ThreadPoolExecutor(len(WAYS)) as pool:
        deaths = [*pool.map(lambda way: dead(way, Path(folder), options), options.way)]
        spent = budget(Path(folder), options)
    print("\n".join(table(deaths, spent)))
    if options.json:
        options.json.write_text(
            json.dumps({"dead": deaths, "budget": spent}, indent=2) + "\n", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
