"""All benchmarks of scale, one after the other, in one report: ``make bench``.

Each is a script of its own, with its options in its first lines. What it prints
goes into ``report.md``; its figures and its plot stand beside it. One that
fails is said in the report, and the next one runs.

Run: python benchmarks/run_all.py [--out runs/bench] [--examples 20000] [--only NAME ...]
"""

import argparse
import os
import platform
import subprocess
import sys
import time
from argparse import Namespace
from pathlib import Path

HERE = Path(__file__).parent

TITLES = {
    "throughput": "Structured calls beside others",
    "synthesis_http": "A whole synthesis over HTTP",
    "stopping": "Dead endpoints and budgets",
    "journal": "What keeping a call costs",
    "offline": "Offline, one process",
    "offline-2": "Offline, two workers",
}


def commands(options: Namespace) -> dict[str, list[str]]:
    """The command lines by name; a script that is not there is left out."""
    out: Path = options.out

    def script(name: str, file: str, *extra: object, plot: bool = True) -> list[str]:
        files = ["--json", out / f"{name}.json", *(["--plot", out / f"{name}.png"] if plot else [])]
        return [sys.executable, *map(str, (HERE / file, *files, *extra))]

    examples = ("--examples", options.examples)
    cache = ("--cache", options.cache or out / "environments", "--install")
    found = {
        "throughput": script("throughput", "throughput.py", *cache),
        "synthesis_http": script("synthesis_http", "synthesis_http.py", plot=False),
        "stopping": script("stopping", "stopping.py", plot=False),
        "journal": [sys.executable, str(HERE / "journal.py")],
        "offline": script("offline", "offline.py", *examples),
        "offline-2": script("offline-2", "offline.py", *examples, "--workers", 2),
    }
    wanted = options.only or found
    return {name: line for name, line in found.items() if name in wanted and Path(line[1]).exists()}


def section(name: str, command: list[str]) -> str:
    """Run one, and write its part of the report."""
    root = str(HERE.parent)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}
    began = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=env, check=False)
    took = time.monotonic() - began
    said = done.stdout.strip()
    if done.returncode:
        said += f"\n\nIt failed with exit code {done.returncode}."
    shown = " ".join(["python", *(os.path.relpath(part) for part in command[1:2]), *command[2:]])
    return f"## {TITLES[name]}\n\n{said}\n\n`{shown}`, {took:.0f} seconds\n"


def main() -> None:
    """Run all, write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/bench"))
    parser.add_argument("--cache", type=Path, help="folder of the other libraries' environments")
    parser.add_argument("--examples", type=int, default=20_000, help="of the offline runs")
    parser.add_argument("--only", nargs="*", choices=TITLES)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    head = (
        f"# Benchmarks\n\n{platform.system()} {platform.machine()}, {os.cpu_count()} processors,"
        f" Python {platform.python_version()}; load before: {load}\n"
    )
    parts = [head]
    for name, command in commands(options).items():
        print(f"{TITLES[name]} ...", file=sys.stderr)
        parts.append(section(name, command))
        (options.out / "report.md").write_text("\n".join(parts), encoding="utf-8")
    print(f"Wrote {options.out / 'report.md'}")


if __name__ == "__main__":
    main()
