"""Cases of a few scenarios, shared by the tests of evaluation."""

import asyncio
import dataclasses

import pytest

from agentalign_lc.evaluation.cases import CaseSet, stage_cases
from agentalign_lc.styles import Pressure


@pytest.fixture(scope="session")
def cases(catalog, library) -> CaseSet:
    """Five scenarios of test_chains: a plain one, and one of each kind that is not."""
    staged = asyncio.run(stage_cases("test_chains", 40, catalog=catalog, library=library))
    scenarios = [case.scenario for case in staged.cases[::3]]
    chosen = {
        next(s.id for s in scenarios if s.twist and s.twist.kind == "fault"),
        next(s.id for s in scenarios if s.twist and s.twist.kind == "injection"),
        next(s.id for s in scenarios if s.style.pressure is Pressure.DECOMPOSITION),
        next(s.id for s in scenarios if s.opening),
    }
    plain = [s.id for s in scenarios if not s.twist and not s.opening and s.id not in chosen]
    chosen |= set(plain[: 5 - len(chosen)])
    kept = tuple(case for case in staged.cases if case.scenario.id in chosen)
    return dataclasses.replace(staged, cases=kept)
