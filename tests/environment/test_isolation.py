"""No tool touches anything outside: watched by an audit hook over a random walk."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent

# In a process of its own: an audit hook cannot be taken off again.
WALK = """
import sys
sys.path.insert(0, {root!r})
from agentalign_lc.environment.catalog import load_catalog
from agentalign_lc.environment.faults import ToolFault
from agentalign_lc.environment.simulate import run_tool
from agentalign_lc.synthesis import stage_scenario
from agentalign_lc.taxonomy import load_library
from tests.environment.walk import Walk, plain

catalog = load_catalog()
library = load_library(catalog)
worlds = [catalog.world(stage_scenario(i, 1, tuple(library), library, catalog)) for i in range(10)]
walk = Walk(catalog, 1)
calls = [walk.step() for _ in range({calls})]
seen = []
watching = True
PACKAGE = {package!r}

def hook(event, arguments):
    if not watching:
        return
    if event.startswith(("socket.", "subprocess.", "os.system", "os.exec", "os.spawn", "os.posix_spawn", "os.fork", "shutil.", "os.remove", "os.rename", "os.mkdir", "ctypes.dlopen")):
        seen.append((event, str(arguments)[:200]))
    if event in ("open", "os.listdir", "os.scandir"):
        path = str(arguments[0])
        if not path.startswith((PACKAGE, sys.prefix, sys.base_prefix)):
            seen.append((event, path))
    if event == "sqlite3.connect" and str(arguments[0]) != ":memory:":
        seen.append((event, str(arguments[0])))

sys.addaudithook(hook)
answered = 0
for number, (name, arguments) in enumerate(calls):
    try:
        walk.saw(plain(run_tool(catalog.tools[name], worlds[number % len(worlds)], arguments)))
        answered += 1
    except ToolFault:
        pass
watching = False
print(len(calls), answered, sorted(set(seen)))
"""


def walked(calls: int, hash_seed: str = "0") -> str:
    code = WALK.format(root=str(ROOT), package=str(ROOT), calls=calls)
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


@pytest.mark.slow
def test_five_thousand_calls_touch_nothing_outside() -> None:
    calls, answered, seen = walked(5_000).split(" ", 2)

    assert int(calls) == 5_000
    assert int(answered) > 1_000, "the walk did things"
    assert seen == "[]"


SAME = """
import hashlib, json, sys
sys.path.insert(0, {root!r})
from agentalign_lc.environment.catalog import load_catalog
from agentalign_lc.environment.faults import ToolFault
from agentalign_lc.environment.simulate import run_tool
from agentalign_lc.synthesis import stage_scenario
from agentalign_lc.taxonomy import load_library
from tests.environment.walk import Walk, plain

catalog = load_catalog()
library = load_library(catalog)
world = catalog.world(stage_scenario(1, 1, tuple(library), library, catalog))
walk = Walk(catalog, 2)
said = []
for _ in range(1000):
    name, arguments = walk.step()
    try:
        said.append(plain(run_tool(catalog.tools[name], world, arguments)))
    except ToolFault as fault:
        said.append([fault.code, fault.message])
    walk.saw(said[-1])
print(hashlib.sha256(json.dumps([said, world.snapshot()], sort_keys=True, default=str).encode()).hexdigest())
"""


@pytest.mark.slow
def test_the_same_seed_is_the_same_world_in_another_process_on_another_day() -> None:
    code = SAME.format(root=str(ROOT))
    worlds = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": hash_seed, "TZ": zone},
        ).stdout
        for hash_seed, zone in (("1", "UTC"), ("2", "Pacific/Auckland"))
    }  # fmt: skip

    assert len(worlds) == 1
