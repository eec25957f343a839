"""The graph for ``langgraph dev``, without a server; ``test_studio.py`` has it behind one."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from tests.guard.ways.four_ways import CONFIG

FILE = Path(__file__).parents[3] / "graphs" / "guarded_agent.py"


@pytest.fixture
def graph() -> Any:
    spec = importlib.util.spec_from_file_location("guarded_agent", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.graph.copy({"checkpointer": InMemorySaver()})


def test_it_needs_a_person_to_pay(graph: Any) -> None:
    paused = graph.invoke({"messages": ["Please pay Ana 20."]}, CONFIG)
    assert paused["__interrupt__"]

    out = graph.invoke(Command(resume={"decisions": [{"type": "approve"}]}), CONFIG)

    assert out["messages"][-1].text == "The answer was: 20 paid to Ana"


def test_a_person_pays_less(graph: Any) -> None:
    graph.invoke({"messages": ["Please pay Ana 20."]}, CONFIG)
    action = {"name": "pay", "args": {"to": "Ana", "amount": 5}}
    answer = {"type": "edit", "edited_action": action}

    out = graph.invoke(Command(resume={"decisions": [answer]}), CONFIG)

    assert out["messages"][-1].text == "The answer was: 5 paid to Ana"


def test_it_answers_the_rest(graph: Any) -> None:
    out = graph.invoke({"messages": ["Hello."]}, CONFIG)

    assert out["messages"][-1].text.startswith("Say whom to pay")
