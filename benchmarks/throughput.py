"""Structured calls of a loopback endpoint: our batch asking beside what others use, in one table.

Each client runs in a process of its own and asks the same rows of the same
server with the same schema, so many at once. The clients take turns, in an
order drawn anew each round, so that what the machine does meanwhile falls on all alike.

- efficiency: whole waves of calls times the latency, divided by the time from
  the first request that came in to the last answer that went out, both seen by the
  server. 1 is what the endpoint allows.
- start: seconds from the start of the process to its first request.
- CPU a call: of the client's processes after their first request, user and system.
- with faults: 20 % of the requests fail once (429 with Retry-After, 500, a reset,
  half a response, none at all); the time beside the client's own without faults.

distilabel and curator run in environments of their own, which ``--cache`` names
and ``--install`` fills; one that is not there is left out with the reason.

Run: python benchmarks/throughput.py --cache DIR [--install] [--rounds 3] [--json OUT] [--plot OUT]
"""

import argparse
import json
import math
import os
import random
import subprocess
import sys
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from loopback import HERE, Server, measured, serving

SCRIPT = HERE / "throughput_clients.py"
MARK = "[row "
OWN = {
    "bare AsyncOpenAI": ("bare", 1),
    "langchain abatch": ("abatch", 1),
    "three-node graph": ("graph", 1),
    "ours, 1 worker": ("ours", 1),
    "ours, 2 workers": ("ours", 2),
}
OTHERS = {
    "distilabel 1.5.3": ("distilabel", "distilabel[openai,instructor]==1.5.3"),
    "curator 0.1.31": ("curator", "bespokelabs-curator==0.1.31"),
}


@dataclass(frozen=True)
class Client:
    """Who asks."""

    label: str
    name: str
    python: Path
    workers: int = 1


@dataclass(frozen=True)
class Run:
    """How one run of a client went."""

    client: str
    faulty: bool
    efficiency: float
    wall: float
    start: float
    cpu: float
    """Milliseconds a call."""
    peak: float
    """MiB."""
    lost: int
    requests: int
    faults: dict[str, int]
    retries: int | None
    in_flight: int
    problem: str = ""


def clients(options: Namespace) -> tuple[list[Client], dict[str, str]]:
    """Those who can run, and why the others cannot."""
    found = [
        Client(label, name, Path(sys.executable), workers)
        for label, (name, workers) in OWN.items()
        if not options.only or name in options.only
    ]
    missing = {}
    for label, (name, spec) in OTHERS.items():
        if options.only and name not in options.only:
            continue
        python, problem = _environment(name, spec, options)
        if problem:
            missing[label] = problem
        else:
            found.append(Client(label, name, python))
    return found, missing


def _environment(name: str, spec: str, options: Namespace) -> tuple[Path, str]:
    if options.cache is None:
        return Path(), "not installed: name a folder with --cache, and --install"
    home = options.cache.resolve() / name
    python = home / "bin" / "python"
    if not (home / "installed").exists():
        if not options.install:
            return python, "not installed: give --install"
        print(f"Installing {spec} into {home} ...", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", spec]
        done = subprocess.run(pip, capture_output=True, text=True, check=False)
        if done.returncode:
            errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
            return python, f"does not install: {(errors or ['pip failed'])[-1][:200]}"
        (home / "installed").write_text(spec)
    return python, ""


def run(client: Client, server: Server, options: Namespace, cwd: Path, *, faulty: bool) -> Run:
    """Let a client ask all rows once."""
    server.reset(latency=options.latency, share=options.share if faulty else 0.0, mark=MARK)
    timeout = options.timeout if faulty else 60.0
    command = [
        client.python, SCRIPT, client.name, "--base-url", server.url, "--calls", options.calls,
        "--concurrency", options.concurrency, "--timeout", timeout, "--workers", client.workers,
    ]  # fmt: skip
    root = str(HERE.parent)
    env = {"PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}
    usage = measured(command, server, cwd, env if client.name == "ours" else None)
    seen = server.stats()
    last = (usage.said.strip().splitlines() or ["{}"])[-1]
    told: dict[str, Any] = json.loads(last) if usage.code == 0 and last.startswith("{") else {}
    wall = max(1e-9, seen["last"] - seen["first"])
    problem = "" if told else (usage.complained.strip().splitlines() or ["no answer"])[-1][:200]
    return Run(
        client=client.label,
        faulty=faulty,
        efficiency=math.ceil(options.calls / options.concurrency) * options.latency / wall,
        wall=wall,
        start=seen["first"] - usage.began,
        cpu=1000 * (usage.cpu - usage.cpu_before) / options.calls,
        peak=usage.peak / 2**20,
        lost=told.get("lost", options.calls),
        requests=seen["marked"],
        faults=seen["faults"],
        retries=told.get("retries"),
        in_flight=seen["peak"],
        problem=problem,
    )


def table(runs: Sequence[Run], missing: dict[str, str], calls: int) -> list[str]:
    """The runs as Markdown, one line a client, medians over the rounds."""
    lines = [
        (
            "| client | efficiency | seconds | start, s | CPU a call, ms | peak, MiB | rows lost"
            " | with faults: seconds | times its own | rows lost | retries counted / faults |"
        ),
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for label in dict.fromkeys(one.client for one in runs):
        plain = [one for one in runs if one.client == label and not one.faulty]
        faulty = [one for one in runs if one.client == label and one.faulty]
        problem = next((one.problem for one in (*plain, *faulty) if one.problem), "")
        cells = [label, *_plain(plain), *_faulty(plain, faulty)]
        lines.append("| " + " | ".join(cells) + (f" | {problem} |" if problem else " |"))
    lines += [f"| {label} | {reason} |" for label, reason in missing.items()]
    return [f"{calls:,} structured calls:", "", *lines]


def _plain(runs: Sequence[Run]) -> list[str]:
    def middle(name: str) -> float:
        return median(getattr(one, name) for one in runs)

    return [
        f"{middle('efficiency'):.2f}",
        f"{middle('wall'):.1f}",
        f"{middle('start'):.1f}",
        f"{middle('cpu'):.1f}",
        f"{middle('peak'):.0f}",
        str(max(one.lost for one in runs)),
    ]


def _faulty(plain: Sequence[Run], runs: Sequence[Run]) -> list[str]:
    if not runs:
        return [""] * 4
    wall = median(one.wall for one in runs)
    counted = [
        f"{'not told' if one.retries is None else one.retries} / {sum(one.faults.values())}"
        for one in runs
    ]
    ratio = wall / median(one.wall for one in plain)
    return [f"{wall:.1f}", f"{ratio:.2f}", str(max(one.lost for one in runs)), counted[-1]]


def draw(runs: Sequence[Run], path: Path) -> None:
    """Bars: efficiency, CPU a call, and the time with faults beside that without."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - an extra

    labels = list(dict.fromkeys(one.client for one in runs))
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    axes = figure.subplots(1, 3, sharey=True)

    def middles(name: str, *, faulty: bool) -> list[float]:
        return [
            median(
                [getattr(one, name) for one in runs if one.client == label and one.faulty is faulty]
                or [0.0]
            )
            for label in labels
        ]

    for axis, title, values in (
        (axes[0], "efficiency", middles("efficiency", faulty=False)),
        (axes[1], "CPU a call, ms", middles("cpu", faulty=False)),
        (axes[2], "seconds, and with faults", middles("wall", faulty=False)),
    ):
        colours = ["#d1495b" if label.startswith("ours") else "#8d99ae" for label in labels]
        axis.barh(labels, values, color=colours)
        axis.set_title(title)
        axis.invert_yaxis()
    axes[2].scatter(middles("wall", faulty=True), labels, color="black", marker="|", s=120)
    figure.savefig(path, dpi=130)


def arguments() -> Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=1800)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--latency", type=float, default=0.2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--faulty-rounds", type=int, default=1)
    parser.add_argument("--share", type=float, default=0.2, help="of the requests that fail once")
    parser.add_argument("--timeout", type=float, default=1.0, help="of a call, where some hang")
    parser.add_argument("--only", nargs="*", help="of bare abatch graph ours distilabel curator")
    parser.add_argument("--cache", type=Path, help="folder of the others' environments")
    parser.add_argument("--install", action="store_true", help="make them")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    return parser.parse_args()


def main() -> None:
    """Run all, print the table."""
    options = arguments()
    asking, missing = clients(options)
    runs: list[Run] = []
    with serving() as server, TemporaryDirectory() as folder:
        rounds = [False] * options.rounds + [True] * options.faulty_rounds
        for number, faulty in enumerate(rounds):
            for client in random.Random(number).sample(asking, len(asking)):
                cwd = Path(folder, f"{number}-{client.label.replace(' ', '-')}")
                runs.append(run(client, server, options, cwd, faulty=faulty))
                print(json.dumps(asdict(runs[-1])), file=sys.stderr)
    order = [client.label for client in asking]
    runs.sort(key=lambda one: order.index(one.client))
    print("\n".join(table(runs, missing, options.calls)))
    if options.json:
        found = {"runs": [asdict(one) for one in runs], "missing": missing}
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    if options.plot:
        draw(runs, options.plot)


if __name__ == "__main__":
    main()
