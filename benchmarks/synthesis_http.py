"""A whole agent synthesis over HTTP: author, actor, refuser and judge asked at a fixed latency.

The server plays all roles as the embedded writers would, so the run keeps its
examples and asks each role as often as it would ask a good model. Efficiency is
whole waves of calls times the latency, divided by the time from the first
request to the last answer; 1 is what the endpoint allows. In flight is how many
calls the server had at a time, over that time. At the end of a run the last
scenarios take their turns one after the other, so a short run is less efficient
than a long one.

Run: python benchmarks/synthesis_http.py [--scenarios 220] [--latency 2] [--json OUT]
"""

import argparse
import json
import math
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from loopback import Server, Usage, measured, serving

SEED = 7
MODEL = "openai:loopback"


def synth(
    server: Server,
    out: Path,
    options: Namespace,
    *extra: object,
    resume: bool = False,
    also: Callable[[], None] = lambda: None,
) -> Usage:
    """Run ``agentalign synth`` against the server."""
    command = [
        sys.executable, "-m", "agentalign_lc.cli", "synth", "--out", out, "--base-url", server.url,
        "--calls", options.calls, "--workers", options.workers, "--timeout", options.timeout, *extra,
    ]  # fmt: skip
    if resume:
        command.append("--resume")
    else:
        command += ["--model", MODEL, "--scenarios", options.scenarios, "--seed", SEED]
        command += ["--pressure", options.pressure]
    if options.concurrency:
        command += ["--concurrency", options.concurrency]
    return measured(command, server, out.parent / f"{out.name}-log", also=also)


def figures(usage: Usage, seen: dict[str, Any], out: Path, options: Namespace) -> dict[str, Any]:
    """What a run came to."""
    summary = out / "summary.json"
    made = json.loads(summary.read_text()) if usage.code == 0 and summary.exists() else {}
    wall = max(1e-9, seen["last"] - seen["first"])
    calls = seen["answered"]
    spent = made.get("spending") or []
    return {
        "calls": calls,
        "wall": wall,
        "efficiency": math.ceil(calls / options.calls) * options.latency / wall,
        "in_flight": seen["waves"] / wall,
        "peak_in_flight": seen["peak"],
        "start": seen["first"] - usage.began,
        "end": usage.ended - seen["last"],
        "cpu": 1000 * (usage.cpu - usage.cpu_before) / max(1, calls),
        "server_cpu": 1000 * seen["cpu"] / max(1, seen["requests"]),
        "peak": usage.peak / 2**20,
        "planned": made.get("planned"),
        "kept": made.get("kept"),
        "failed": made.get("failed"),
        "faults": seen["faults"],
        "retries": sum(sum(one["retries"].values()) for one in spent),
        "problem": "" if made else usage.complained[-300:],
    }


def run(server: Server, folder: Path, options: Namespace, share: float) -> dict[str, Any]:
    """One synthesis from its start to its end."""
    server.reset(latency=options.latency, share=share)
    out = folder / f"run-{share}"
    usage = synth(server, out, options)
    return figures(usage, server.stats(), out, options)


def table(rows: dict[str, dict[str, Any]]) -> list[str]:
    """The runs as Markdown."""
    lines = [
        (
            "| run | calls | efficiency | seconds | in flight | CPU a call, ms | peak, MiB"
            " | kept / planned | failed | retries counted / faults |"
        ),
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        cells = (
            name, row["calls"], f"{row['efficiency']:.3f}", f"{row['wall']:.1f}",
            f"{row['in_flight']:.1f}", f"{row['cpu']:.1f}", f"{row['peak']:.0f}",
            f"{row['kept']} / {row['planned']}", row["failed"],
            f"{row['retries']} / {sum(row['faults'].values())}", *filter(None, [row["problem"]]),
        )  # fmt: skip
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return lines


def arguments() -> Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenarios", type=int, default=220, help="28 calls each, or so")
    parser.add_argument("--calls", type=int, default=64, help="in flight at a time")
    parser.add_argument("--concurrency", type=int, default=0, help="scenarios; 0 for the command's")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--latency", type=float, default=2.0)
    parser.add_argument("--timeout", type=float, default=20.0)
    parser.add_argument("--pressure", type=float, default=0.25)
    parser.add_argument("--share", type=float, default=0.0, help="a second run, where so many fail")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def main() -> None:
    """Run it, print the table."""
    options = arguments()
    plan = {"scenarios": options.scenarios, "seed": SEED, "pressure": options.pressure}
    rows = {}
    with serving("--synthesis", json.dumps(plan)) as server, TemporaryDirectory() as folder:
        rows["without faults"] = run(server, Path(folder), options, 0.0)
        if options.share:
            share = f"{100 * options.share:.0f} % fail once"
            rows[share] = run(server, Path(folder), options, options.share)
    print("\n".join(table(rows)))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
