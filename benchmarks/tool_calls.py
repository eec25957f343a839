"""What a call of a simulated tool costs, beside a StructuredTool of the same schema with an empty body.

    python benchmarks/tool_calls.py [--calls 200]

For every tool the same valid arguments go in turn through the tool and through
its empty twin, in one process; the world's share is the difference of the
medians. A compiled tool parses its input in one step of its own where LangChain
takes several, so the time inside the world alone (``run_tool``) is printed too.
Also printed: how long the catalogue takes to load, in a process of its own.
"""

import argparse
import gc
import json
import statistics
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from langchain_core.tools import StructuredTool

sys.path.insert(0, str(Path(__file__).parent.parent))

from agentalign_lc.environment.arguments import arguments_model
from agentalign_lc.environment.catalog import load_catalog
from agentalign_lc.environment.faults import ToolFault
from agentalign_lc.environment.simulate import compile_tool, run_tool
from agentalign_lc.environment.spec import ToolSpec
from agentalign_lc.environment.world import World
from agentalign_lc.synthesis import stage_scenario
from agentalign_lc.taxonomy import load_library
from tests.environment.walk import Walk, pool

LOAD = (
    "import time; from agentalign_lc.environment import catalog; t = time.perf_counter(); "
    "catalog.load_catalog(); print(time.perf_counter() - t)"
)


def timed(tool: StructuredTool, call: dict[str, Any]) -> float:
    """Microseconds of one call."""
    started = time.perf_counter_ns()
    tool.invoke(call)
    return (time.perf_counter_ns() - started) / 1000


def timed_inside(spec: ToolSpec, world: World, arguments: dict[str, Any]) -> float:
    """Microseconds of one call inside the world."""
    started = time.perf_counter_ns()
    with suppress(ToolFault):
        run_tool(spec, world, arguments)
    return (time.perf_counter_ns() - started) / 1000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=200)
    calls = parser.parse_args().calls
    catalog = load_catalog()
    library = load_library(catalog)
    scenario = stage_scenario(0, 7, tuple(library), library, catalog)
    scenario = scenario.model_copy(update={"twist": None})
    walk = Walk(catalog, 1, tools=["search_brave", "list_directory"])
    shares: dict[str, float] = {}
    inside: dict[str, float] = {}
    empties: list[float] = []
    gc.disable()
    for name, spec in sorted(catalog.tools.items()):
        world, other = catalog.world(scenario), catalog.world(scenario)
        tool = compile_tool(spec, world)
        empty = StructuredTool(
            name=name,
            description=spec.description,
            args_schema=arguments_model(spec),
            func=lambda **_: {},
        )
        sets = [walk.familiar(name, arguments) for arguments in pool(catalog, name, 20)]
        bare, full, alone = [], [], []
        for number in range(calls):
            call = {"name": name, "args": sets[number % len(sets)], "id": "1", "type": "tool_call"}
            bare.append(timed(empty, call))
            full.append(timed(tool, call))
            alone.append(timed_inside(spec, other, sets[number % len(sets)]))
        empties.append(statistics.median(bare))
        shares[name] = statistics.median(full) - statistics.median(bare)
        inside[name] = statistics.median(alone)
        gc.collect()
    print(f"{len(shares)} tools, {calls} calls each")
    print(f"empty StructuredTool: {statistics.mean(empties):.0f} us a call on average")
    print(f"world's share: {statistics.mean(shares.values()):.0f} us on average")
    worst = max(inside, key=lambda name: inside[name])
    print(
        f"inside the world alone: {statistics.mean(inside.values()):.0f} us on average, "
        f"worst {inside[worst]:.0f} us ({worst})"
    )
    for name, share in sorted(shares.items(), key=lambda pair: -pair[1])[:12]:
        print(f"  {share:5.0f} us  {name}")
    loads = [
        float(
            subprocess.run(
                [sys.executable, "-c", LOAD], capture_output=True, text=True, check=True
            ).stdout
        )
        for _ in range(5)
    ]
    print(f"catalogue loads in {statistics.median(loads) * 1000:.0f} ms (median of 5 processes)")
    print(
        json.dumps({"mean_us": statistics.mean(shares.values()), "worst_us": max(shares.values())})
    )


if __name__ == "__main__":
    main()
