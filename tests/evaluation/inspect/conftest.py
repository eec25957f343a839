"""An office of ours in AgentHarm's shape, and a scripted model that works there."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from tests.evaluation.inspect import office as offices


@pytest.fixture(autouse=True)
def tidy() -> Iterator[None]:
    """What Inspect leaves open is let go of here, and not in a test of somebody else's."""
    yield
    gc.collect()


@pytest.fixture
def office(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> offices.Office:
    offices.register()
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    return offices.Office(httpserver)


@pytest.fixture
def harm(agentalign, office, tmp_path):
    """Run `agentalign eval agentharm` on the office's model; the case names come first."""

    def run(agents: list[str], *options: object, names: tuple[str, ...], judge: str = "judge"):
        return agentalign(
            *("eval", "agentharm", *agents, "--out", tmp_path / "out"),
            *("--data", offices.write(tmp_path / "behaviors", *names)),
            *("--base-url", office.url, "--app-model", "openai:actor"),
            *("--refusal-judge", f"openai:{judge}", "--semantic-judge", f"openai:{judge}"),
            *options,
        )

    return run


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Inspect leaves streams and sockets open, and says so; that is not for these tests to judge."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.filterwarnings("ignore"))
            # Inspect is slow to import, so one process does it.
            item.add_marker(pytest.mark.xdist_group("inspect"))
