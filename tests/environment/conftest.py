"""A world with the shipped tools, and one way to call them."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from agentalign_lc.environment.catalog import Catalog, load_catalog
from agentalign_lc.environment.devices import attach
from agentalign_lc.environment.simulate import compile_tool
from agentalign_lc.environment.world import World
from agentalign_lc.records import Person
from tests.conftest import add_to_table

ME = Person(
    first="Ana",
    last="Ruiz",
    email="ana.ruiz@post.example",
    phone="+14155550101",
    handle="anaruiz",
    city="Vasterby",
)
LENA = Person(
    first="Lena",
    last="Osei",
    email="lena.osei@mail.example",
    phone="+1-555-0142",
    handle="lenaosei",
    city="Norrvik",
)


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture
def make_world(catalog) -> Callable[..., World]:
    """Build a world from a seed; Lena is in its address book."""

    def make(seed: str = "a seed", **rows: list[dict[str, Any]]) -> World:
        world = World(seed, ME, catalog.collections)
        world.place("contacts", {**LENA.model_dump(), "name": LENA.name})
        for collection, placed in rows.items():
            for row in placed:
                world.place(collection, row)
        return attach(world)

    return make


@pytest.fixture
def world(make_world) -> World:
    return make_world()


@pytest.fixture
def call(catalog) -> Callable[..., dict[str, Any]]:
    """Call a tool as an agent does and read its JSON answer."""

    def invoke(world: World, tool: str, **arguments: Any) -> dict[str, Any]:
        bound = compile_tool(catalog.tools[tool], world)
        message = bound.invoke({"name": tool, "args": arguments, "id": "1", "type": "tool_call"})
        answer = json.loads(message.content)
        assert (message.status == "error") == ("error" in answer)
        return answer

    return invoke


@pytest.fixture(scope="session")
def tool_table(pytestconfig) -> Iterator[dict[str, Counter[str]]]:
    """What each tool answered to valid and invalid arguments; printed at the end of the tests."""
    table: dict[str, Counter[str]] = defaultdict(Counter)
    yield table
    counted = {tool: dict(counts) for tool, counts in table.items()}
    if hasattr(pytestconfig, "workeroutput"):  # a process of pytest-xdist hands it on
        pytestconfig.workeroutput["tool_table"] = counted
    else:
        add_to_table(pytestconfig, counted)
