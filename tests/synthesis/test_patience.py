"""What hangs is given up; what waits for an endpoint that gets on is not."""

import asyncio

import pytest

from agentalign_lc.endpoints.work import Work, current_work, working
from agentalign_lc.errors import AccessError
from agentalign_lc.synthesis import crew as crews
from agentalign_lc.synthesis.config import RunConfig
from agentalign_lc.synthesis.crew import Patience, SynthesisCrew
from agentalign_lc.synthesis.studio import Studio

SECONDS = 0.05


async def hang() -> str:
    await asyncio.Event().wait()
    return "never"


async def test_what_hangs_is_given_up() -> None:
    with pytest.raises(TimeoutError):
        await Patience(SECONDS).wait(hang())


async def test_as_long_as_calls_of_others_get_on_nothing_hangs() -> None:
    patience = Patience(SECONDS)
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(8):
        loop.call_later(number * SECONDS / 2, patience.renew)

    with pytest.raises(TimeoutError):
        await patience.wait(hang())

    assert loop.time() - began >= 4 * SECONDS, "half of the signs came at the last moment"


async def test_what_is_raised_and_what_is_cancelled_pass_through() -> None:
    async def refuse() -> None:
        raise AccessError("no key")

    with pytest.raises(AccessError):
        await Patience(SECONDS).wait(refuse())

    inner = asyncio.create_task(hang())
    outer = asyncio.create_task(Patience(60).wait(asyncio.wait_for(inner, 60)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    outer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await outer
    assert inner.cancelled(), "nothing goes on behind one's back"


async def test_a_scenario_that_hangs_is_a_failed_result(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hanging:
        async def ainvoke(self, _: object) -> str:
            work = current_work()
            assert work is not None
            work.progress()
            return await hang()

    monkeypatch.setattr(crews, "build_graph", lambda _: Hanging())
    monkeypatch.setattr(crews, "_SCENARIO_TIMEOUT", SECONDS)
    crew = SynthesisCrew(RunConfig(scenarios=1, everyday=1), studio)

    with working(Work(0)):
        rows = await crew.do(0)
    with working(Work(1)):
        everyday = await crew.do(1)

    assert [(row[1], row[2], row[3]) for row in rows] == [
        (intent, "failed", "scenario") for intent in ("harmful", "borderline", "benign")
    ]
    assert [row[1] for row in everyday] == ["benign"]
