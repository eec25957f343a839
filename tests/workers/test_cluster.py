"""Ray: what is wrong with it is one clear line; runs over it are in ``test_workers_of_a_run``."""

import asyncio
import socket
import sys

import pytest

from agentalign_lc.errors import ConfigError, WorkerError
from agentalign_lc.workers.run import run_job
from agentalign_lc.workers.workforce import Workforce
from tests.workers.jobs import Doubling, Kept


def run(address: str | None = None) -> None:
    force = Workforce(workers=2, engine="ray", address=address)
    asyncio.run(run_job(Doubling(), range(3), Kept(), force))


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)

    with pytest.raises(ConfigError, match=r"pip install 'agentalign-lc\[ray\]'"):
        run()


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_an_address_where_nobody_is_is_named(
    closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = pytest.importorskip("ray")
    monkeypatch.setattr(ray, "is_initialized", lambda: False)

    with pytest.raises(WorkerError, match=f"no Ray cluster at 127.0.0.1:{closed_port} .*--address"):
        run(f"127.0.0.1:{closed_port}")
