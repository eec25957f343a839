"""How fast the embedded writers are, and whether a big run stays as fast and as small as it begins.

    python benchmarks/offline.py [--examples 10000] [--workers 1] [--plot FILE.png] [--json FILE.json]

One run over so many examples (kept instructions, each with its response and its
rejected response) in a folder that is deleted afterwards. At every hundredth of
it the clock, the processor time and the resident memory of the run and its
worker processes are noted, so that the time per example and the memory can be
drawn over the size of the run. The figures per thousand examples are printed;
``--json`` keeps all of them, ``--plot`` draws them (needs matplotlib).
Processes are looked up in /proc: on other systems the memory is the peak of
this process, and the processor time is its own.
"""

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from agentalign_lc.records import Status
from agentalign_lc.synthesis.resources import Resources
from agentalign_lc.synthesis.runner import Summary, Tally, synthesize

PROC = Path("/proc")


def processes() -> Iterator[Path]:
    """The folders in /proc of this process and of all that it has started."""
    parents: dict[int, list[int]] = {}
    for folder in PROC.glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended since
        parents.setdefault(int(fields[1]), []).append(int(folder.name))
    waiting = [os.getpid()]
    while waiting:
        number = waiting.pop()
        waiting += parents.get(number, [])
        yield PROC / str(number)


def usage() -> tuple[float, float]:
    """Processor time in seconds, and resident memory in MiB, of all processes of the run."""
    if not PROC.is_dir():
        used = resource.getrusage(resource.RUSAGE_SELF)
        return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
    ticks, pages = 0, 0
    for folder in processes():
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            pages += int((folder / "statm").read_text().split()[1])
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    page = os.sysconf("SC_PAGE_SIZE")
    return ticks / os.sysconf("SC_CLK_TCK"), pages * page / 2**20


class Course:
    """Notes how a run goes: examples, seconds, processor seconds and MiB, a hundred times."""

    def __init__(self, examples: int) -> None:
        self.points: list[dict[str, float]] = []
        self._step = max(examples // 100, 1)
        self._began = time.perf_counter()

    def note(self, examples: int) -> None:
        """Note a point."""
        cpu, memory = usage()
        seconds = time.perf_counter() - self._began
        self.points.append({"examples": examples, "seconds": seconds, "cpu": cpu, "mib": memory})

    def report(self, tally: Tally) -> None:
        """Note a point, if it is time for one."""
        kept = sum(counts[Status.KEPT] for counts in tally.counts.values())
        due = not self.points or kept >= self.points[-1]["examples"] + self._step
        if due or tally.done == tally.scenarios:
            self.note(kept)


def measured(examples: int, workers: int, seed: int) -> dict[str, Any]:
    """Carry out the run."""
    with TemporaryDirectory() as folder:
        course = Course(examples)
        out = Path(folder, "run")
        summary: Summary = synthesize(
            out,
            {"scenarios": -(-examples // 3), "seed": seed},
            resources=Resources(workers=workers),
            report=course.report,
        )
        course.note(summary.kept)
        size = (out / "run.sqlite").stat().st_size
    first, *_, last, closed = course.points
    return {
        "examples": summary.kept,
        "rejected": summary.rejected,
        "failed": summary.failed,
        "workers": workers,
        "loading_seconds": first["seconds"],
        "writing_seconds": last["seconds"] - first["seconds"],
        "closing_seconds": closed["seconds"] - last["seconds"],
        "examples_per_second": last["examples"] / (last["seconds"] - first["seconds"]),
        "examples_per_cpu_second": last["examples"] / (last["cpu"] - first["cpu"]),
        "peak_mib": max(point["mib"] for point in course.points),
        "bytes_per_example": size / max(summary.kept, 1),
        "points": course.points,
    }


def rates(points: list[dict[str, float]], size: int) -> Iterator[dict[str, float]]:
    """Wall and processor time per example in each stretch of at least so many examples."""
    before = points[0]
    for point in points[1:]:
        made = point["examples"] - before["examples"]
        if made < size:
            continue
        yield {
            "examples": point["examples"],
            "wall_ms": 1000 * (point["seconds"] - before["seconds"]) / made,
            "cpu_ms": 1000 * (point["cpu"] - before["cpu"]) / made,
            "mib": point["mib"],
        }
        before = point


def plot(found: dict[str, Any], file: Path) -> None:
    """Draw time per example and memory over the size of the run."""
    import matplotlib  # noqa: ICN001, PLC0415 - an extra, and its backend is chosen first

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    rows = list(rates(found["points"], max(found["examples"] // 50, 1)))
    made = [row["examples"] for row in rows]
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
    left.plot(made, [row["wall_ms"] for row in rows], label="wall")
    left.plot(made, [row["cpu_ms"] for row in rows], label="processor, all processes")
    left.set(xlabel="examples", ylabel="ms per example", ylim=(0, None), title="Time per example")
    left.legend()
    right.plot(
        [point["examples"] for point in found["points"]],
        [point["mib"] for point in found["points"]],
    )
    right.set(xlabel="examples", ylabel="MiB", ylim=(0, None), title="Resident memory")
    workers = found["workers"]
    figure.suptitle(
        f"{found['examples_per_second']:.0f} examples/s, {workers} worker{'s' * (workers > 1)}"
    )
    figure.savefig(file, dpi=120)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--examples", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    asked = parser.parse_args()
    found = measured(asked.examples, asked.workers, asked.seed)
    print(f"{'examples':>9} {'wall ms':>8} {'cpu ms':>7} {'MiB':>6}")
    for row in rates(found["points"], max(asked.examples // 20, 1)):
        print(
            f"{row['examples']:9.0f} {row['wall_ms']:8.1f} {row['cpu_ms']:7.1f} {row['mib']:6.0f}"
        )
    for name, value in found.items():
        if name != "points":
            print(f"{name} {value:.1f}" if isinstance(value, float) else f"{name} {value}")
    if asked.json is not None:
        asked.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    if asked.plot is not None:
        plot(found, asked.plot)


if __name__ == "__main__":
    main()
