"""A server with faults, and an endpoint whose clock is the test's."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from agentalign_lc.endpoints.endpoint import Endpoint
from agentalign_lc.endpoints.endpoints import Endpoints
from agentalign_lc.endpoints.journal import Call
from agentalign_lc.endpoints.limits import Limits
from agentalign_lc.endpoints.price import Price
from tests.fault_server import FaultServer, serving


@dataclass
class Time:
    """A clock that sleeping sets forward."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class MemoryJournal:
    """The journal of a run, without the disk."""

    calls: list[Call] = field(default_factory=list)

    def recall(self, unit: int, key: str, nth: int) -> str | None:
        asked = (unit, key, nth)
        return next((c.answer for c in self.calls if (c.unit, c.key, c.nth) == asked), None)

    async def keep(self, call: Call) -> None:
        self.calls.append(call)

    async def forget(self, unit: int, calls) -> None:
        gone = {(unit, key, nth) for key, nth in calls}
        self.calls = [c for c in self.calls if (c.unit, c.key, c.nth) not in gone]


@pytest.fixture
async def server() -> AsyncIterator[FaultServer]:
    async with serving() as fake:
        yield fake


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def journal() -> MemoryJournal:
    return MemoryJournal()


@pytest.fixture
def connect(time: Time, monkeypatch: pytest.MonkeyPatch):
    """Makes an endpoint of a URL, as a run would, but with the test's time."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    def make(url: str, price: Price | None = None, **limits: float) -> Endpoint:
        made = Endpoints(base_url=url).get("loopback")
        return Endpoint(
            made.model, "loopback", Limits(**limits), price, clock=time, sleep=time.sleep
        )

    return make
