"""Ten thousand random calls over every suite, and nothing contradicts itself."""

import marshal
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from agentalign_lc.environment.faults import ToolFault
from agentalign_lc.environment.simulate import run_tool
from agentalign_lc.environment.world import World
from agentalign_lc.records import Effect
from tests.environment.walk import Walk, plain

STEPS = 10_000
WORLDS = 20


class Watcher:
    """Looks at a world before and after each call, and counts what cannot be."""

    def __init__(self, catalog, world: World) -> None:
        self.catalog = catalog
        self.world = world
        self.contradictions: list[str] = []
        self.rows = self._rows()

    def _rows(self) -> dict[str, dict[Any, bytes]]:
        specs = self.catalog.collections
        return {
            # As bytes: a copy that is quick to make and to compare (format 2 knows no references,
            # so equal rows are equal bytes).
            name: {row[specs[name].key]: marshal.dumps(row, 2) for row in rows}
            for name, rows in self.world.snapshot().items()
            if name in specs
        }

    def after(self, tool: str, noted: list[dict[str, Any]]) -> None:
        """Compare with the state before."""
        rows = self._rows()
        changed = {(change["collection"], change["key"]) for change in noted}
        for name, before in self.rows.items():
            for key, old in before.items():
                new = rows[name].get(key)
                if new == old or _only_filled_in(old, new):
                    continue
                # A page that shows something (a post, an issue) follows what it shows.
                if (name, str(key)) not in changed and not (name == "pages" and changed):
                    self.contradictions.append(
                        f"{tool} changed {name} {key} and did not note it: "
                        f"{marshal.loads(old)} -> {new and marshal.loads(new)}"
                    )
                if new is not None:
                    self._edges(tool, name, marshal.loads(old), marshal.loads(new), noted)
        self.rows = rows

    def _edges(
        self, tool: str, name: str, old: dict, new: dict, noted: list[dict[str, Any]]
    ) -> None:
        states = self.catalog.collections[name].states
        if states is None:
            return
        key = str(old[self.catalog.collections[name].key])
        path = [old.get(states.field)]
        path += [
            change["row"][states.field]
            for change in noted
            if (change["collection"], change["key"]) == (name, key)
            and states.field in change.get("row", {})
        ]
        if path[-1] != new.get(states.field):
            self.contradictions.append(
                f"{tool}: {name} {key} is {new.get(states.field)}, noted {path}"
            )
        for state, following in pairwise(path):
            if state != following and following not in states.edges.get(str(state), ()):
                self.contradictions.append(f"{tool}: {name} {key} went from {state} to {following}")


def _only_filled_in(old: bytes, new: bytes | None) -> bool:
    """Whether a row only gained fields: what is made late stood nowhere before."""
    after = marshal.loads(new) if new is not None else {}
    return all(
        field in after and after[field] == value for field, value in marshal.loads(old).items()
    )


def run(world: World, catalog, name: str, arguments: dict[str, Any]) -> tuple[Any, str]:
    try:
        return plain(run_tool(catalog.tools[name], world, arguments)), ""
    except ToolFault as fault:
        return None, fault.code


def timeless(value: Any) -> Any:
    """A result without what the clock alone changes."""
    if isinstance(value, dict):
        return {key: timeless(item) for key, item in value.items() if "uptime" not in key}
    if isinstance(value, list):
        return [timeless(item) for item in value]
    return "a moment" if isinstance(value, str) and value[:2] == "20" and ":" in value else value


@pytest.mark.slow
def test_ten_thousand_calls_without_a_contradiction(catalog, make_world, capsys) -> None:
    found: list[str] = []
    outcomes: Counter[str] = Counter()
    for number in range(WORLDS):
        world = make_world(f"walk {number}")
        watcher = Watcher(catalog, world)
        walk = Walk(catalog, number)
        seen = 0
        for step in range(STEPS // WORLDS):
            name, arguments = walk.step()
            noted = len(world.changes)
            result, code = run(world, catalog, name, arguments)
            outcomes[code or "ok"] += 1
            walk.saw(result)
            reads = catalog.capabilities[catalog.tools[name].capability].effect is Effect.READ
            # What time alone brings about (a confirmation, a finished pipeline) shows when read.
            if reads and any(change["operation"] != "update" for change in world.changes[noted:]):
                watcher.contradictions.append(f"{name} reads, and changed something")
            if step % 10 == 9:
                watcher.after(name, plain(world.changes[seen:]))
                seen = len(world.changes)
        found += watcher.contradictions
    with capsys.disabled():
        print(  # noqa: T201 - the count is asked for
            f"\n{STEPS} random calls: {len(found)} contradictions; {dict(outcomes.most_common(8))}"
        )
    assert not found, "\n".join(found[:20])


@pytest.mark.slow
def test_what_was_read_stays_so_until_something_is_written(catalog, make_world) -> None:
    """Two equal reads, one after the other, give equal answers."""
    found = []
    readers = [
        name
        for name, tool in catalog.tools.items()
        if catalog.capabilities[tool.capability].effect is Effect.READ
        and not tool.capability.startswith("browser.")  # which goes back one page each time
    ]
    for number in range(4):
        world, walk = make_world(f"read {number}"), Walk(catalog, number, readers)
        for _ in range(500):
            name, arguments = walk.step()
            first, second = (run(world, catalog, name, arguments) for _ in range(2))
            walk.saw(first[0])
            if timeless(first[0]) != timeless(second[0]) or first[1] != second[1]:
                found.append(f"{name} {arguments}: {first} then {second}")
    assert not found, "\n".join(found[:10])
