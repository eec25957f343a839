"""What an export costs: rows a second and peak memory of every format, beside ``json.dumps``.

    python benchmarks/exports.py [--examples 100000] [--format trl ...]

A small run is synthesised, and its rows are copied under new scenario numbers
until the store has as many as asked for. Each format then exports it in a fresh
process. Beside it stands the floor under any export of this store: the same
process reads the same rows and passes them through plain ``json.dumps``.
"""

import argparse
import json
import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parent.parent))

from agentalign_lc.dataset import FORMATS, RunStore, export_run

COPY = """
WITH RECURSIVE copies(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copies WHERE n < ?1)
INSERT INTO results SELECT scenario + n * ?2, intent, status, gate, reason, id, example
FROM results, copies WHERE status = 'kept' LIMIT ?3
"""


def enlarge(folder: Path, examples: int, scenarios: int) -> int:
    """Copy the rows of a run until it has so many kept examples; return how many it has."""
    with closing(sqlite3.connect(folder / "run.sqlite")) as connection, connection:
        (kept,) = connection.execute(
            "SELECT count(*) FROM results WHERE status = 'kept'"
        ).fetchone()
        missing = max(0, examples - kept)
        connection.execute(COPY, (missing // kept + 1, scenarios, missing))
        return int(kept + missing)


def plain(folder: Path, out: Path) -> int:
    """Read every row and write it with ``json.dumps``."""
    count = 0
    with RunStore.read(folder) as store, out.open("w", encoding="utf-8") as file:
        for row in store.kept():
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    return count


def exported(name: str) -> Callable[[Path, Path], int]:
    """Export in a format."""

    def export(folder: Path, out: Path) -> int:
        with RunStore.read(folder) as store:
            return export_run(store, name, out).rows

    return export


def measure(name: str, folder: Path) -> None:
    """Do one thing in this process, and print rows, seconds and peak memory in MiB."""
    work = plain if name == "json.dumps" else exported(name)
    with TemporaryDirectory(dir=folder.parent) as made:
        started = time.perf_counter()
        rows = work(folder, Path(made, "out" if name == "hf" else "out.jsonl"))
        seconds = time.perf_counter() - started
    print(rows, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def pairs(folder: Path) -> None:
    """Give every example without one a rejected response: its own, ended otherwise."""
    with closing(sqlite3.connect(folder / "run.sqlite")) as connection, connection:
        connection.execute(
            "UPDATE results SET example = json_set(example, '$.rejected', json_set("
            "json_remove(json_extract(example, '$.response'), '$.tools'), '$.tools', json('[]'), "
            "'$.messages[#-1].data.content', 'No.')) WHERE json_extract(example, '$.rejected') IS NULL"
        )


def main() -> None:
    """Measure and print."""
    # The processes that are measured do without it.
    from agentalign_lc.synthesis import synthesize  # noqa: PLC0415

    parser = argparse.ArgumentParser()
    parser.add_argument("--examples", type=int, default=100_000)
    parser.add_argument("--scenarios", type=int, default=60)
    parser.add_argument("--format", action="append", choices=sorted(FORMATS))
    asked = parser.parse_args()
    with TemporaryDirectory() as place:
        folder = Path(place, "run")
        synthesize(folder, {"held_out": 0, "scenarios": asked.scenarios})
        pairs(folder)
        examples = enlarge(folder, asked.examples, asked.scenarios)
        size = (folder / "run.sqlite").stat().st_size / 2**20
        print(f"{examples} examples, {size:.0f} MiB")
        print("| format | rows | examples/s | rows/s | time beside json.dumps | peak MiB |")
        print("| --- | ---: | ---: | ---: | ---: | ---: |")
        floor = 0.0
        for name in ("json.dumps", *(asked.format or sorted(FORMATS))):
            command = [sys.executable, __file__, "--one", name, str(folder)]
            ended = subprocess.run(command, check=True, capture_output=True, text=True)
            rows, seconds, peak = map(float, ended.stdout.split())
            floor = floor or seconds
            print(
                f"| {name} | {rows:.0f} | {examples / seconds:.0f} | {rows / seconds:.0f} "
                f"| {seconds / floor:.2f} | {peak:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        measure(sys.argv[2], Path(sys.argv[3]))
    else:
        main()
