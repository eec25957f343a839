"""Every way in behaves as one: see ``matrix.py``."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentalign_lc.guard.engine.history import is_valid, problems
from tests.guard.ways.four_ways import (
    BAD,
    WAYS,
    NameJudge,
    StrictModel,
    calling,
    guard_of,
    paying,
    run,
)
from tests.guard.ways.matrix import Cell, arun_cell, cells, run_cell


@pytest.mark.parametrize("cell", cells("sync"), ids=str)
def test_sync_cell(cell: Cell, figures: Counter[str]) -> None:
    seen = run_cell(cell)
    assert seen.asked == 1, "a verdict is paid for once"
    figures["guard: cells of the matrix that passed"] += 1


@pytest.mark.parametrize("cell", cells("async"), ids=str)
async def test_async_cell(cell: Cell, figures: Counter[str]) -> None:
    seen = await arun_cell(cell)
    assert seen.asked == 1, "a verdict is paid for once"
    figures["guard: cells of the matrix that passed"] += 1


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(["ana", "ben", BAD]), min_size=1, max_size=5))
def test_exactly_the_refused_calls_do_not_run(batch: list[str]) -> None:
    for way in WAYS.values():
        ran: list[str] = []
        model = StrictModel(script=[calling(*batch), "Done."])
        app = way(guard_of(NameJudge("calls"), refusals=9), model, [paying(ran)])
        messages = run(app, "Pay them.", how="invoke")["messages"]
        assert sorted(ran) == sorted(name for name in batch if name != BAD)
        assert is_valid(messages), problems(messages)
