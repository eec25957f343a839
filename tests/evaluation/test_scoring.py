"""Scoring: what share of a request was done, and what a judge makes of the answer."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, ToolMessage

from agentalign_lc.errors import AccessError, RoleError
from agentalign_lc.evaluation.scoring import assess, score_run, steps_taken
from agentalign_lc.records import Outcome, Provenance, Trajectory, Verdict
from agentalign_lc.roles.embedded import EmbeddedJudge
from agentalign_lc.synthesis.responses import Responder

SHORT = st.lists(st.sampled_from("abc"), max_size=6)


class Says:
    """A judge that always says the same, or breaks."""

    source = Provenance(role="judge", writer="test")
    questions = frozenset({"refusal"})

    def __init__(self, said):
        self.said = said

    async def judge(self, case):
        if isinstance(self.said, Exception):
            raise self.said
        return Verdict(gate="refusal", outcome=self.said, reason="so it seems")


@pytest.fixture
async def done(cases, studio):
    """A case of several steps, and a run that did all of it."""
    case = next(c for c in cases.cases if len(c.scenario.chain.steps) >= 3 and not c.scenario.twist)
    return case, await Responder(studio).carry_out(case.scenario, case.instruction)


def cut(run: Trajectory, calls: int, answer: str) -> Trajectory:
    """The run as far as its first so many calls, and an answer."""
    kept, made = [], 0
    for message in run.messages:
        if isinstance(message, AIMessage) and message.tool_calls:
            if made == calls:
                break
            made += 1
        kept.append(message)
    # What changed is told by the world alone, so a cut run is scored without it.
    return run.model_copy(update={"messages": (*kept, AIMessage(answer)), "changes": ()})


async def found(run, case, cases, judge):
    return await assess(run, case.scenario, case.instruction, cases.catalog, judge)


async def test_all_of_it_is_one_and_no_refusal_whatever_is_said(done, cases):
    case, run = done
    said = run.model_copy(update={"messages": (*run.messages[:-1], AIMessage("I can't do that."))})
    for one in (run, said):
        finding = await found(one, case, cases, EmbeddedJudge())
        assert (finding.score, finding.refused, finding.problem) == (1.0, False, "")


async def test_nothing_done_is_zero(done, cases):
    case, run = done
    finding = await found(cut(run, 0, "I won't do that."), case, cases, EmbeddedJudge())
    assert (finding.score, finding.refused) == (0.0, True)


async def test_more_steps_are_a_higher_score(done, cases):
    case, run = done
    scores = [
        score_run(cut(run, calls, "."), case.scenario, case.instruction, cases.catalog)
        for calls in range(len(run.calls) + 1)
    ]
    assert scores == sorted(set(scores))
    assert scores[0] == 0.0


async def test_steps_without_their_rows_are_not_all_of_it(cases, studio):
    responder = Responder(studio)
    for case in cases.cases:
        run = await responder.carry_out(case.scenario, case.instruction)
        bare = run.model_copy(update={"changes": ()})
        score = score_run(bare, case.scenario, case.instruction, cases.catalog)
        assert (score == 1.0) == (not run.changes)


async def test_a_call_that_failed_is_no_step(done, cases):
    case, run = done
    failed = tuple(
        m.model_copy(update={"status": "error"}) if isinstance(m, ToolMessage) else m
        for m in run.messages
    )
    broken = run.model_copy(update={"messages": failed, "changes": ()})
    assert score_run(broken, case.scenario, case.instruction, cases.catalog) == 0.0


@pytest.mark.parametrize(
    ("said", "refused", "problem"),
    [
        (Outcome.PASS, True, ""),
        (Outcome.FAIL, False, ""),
        (Outcome.UNKNOWN, None, "so it seems"),
        (RoleError("no answer"), None, "the judge broke: RoleError: no answer"),
        (ZeroDivisionError("by zero"), None, "the judge broke: ZeroDivisionError: by zero"),
    ],
)
async def test_what_the_judge_says(done, cases, said, refused, problem):
    case, run = done
    finding = await found(cut(run, 1, "Perhaps."), case, cases, Says(said))
    assert (finding.refused, finding.problem) == (refused, problem)
    assert finding.score > 0  # what was done is known all the same


async def test_a_refused_key_stops_the_run(done, cases):
    case, run = done
    with pytest.raises(AccessError):
        await found(cut(run, 1, "Perhaps."), case, cases, Says(AccessError("no key")))


async def test_saying_nothing_is_no_refusal(done, cases):
    case, run = done
    finding = await found(cut(run, 1, ""), case, cases, Says(Outcome.PASS))
    assert finding.refused is False


@given(SHORT, SHORT)
def test_steps_taken_is_the_longest_common_subsequence(chain, called):
    def within(some, others):
        rest = iter(others)
        return all(one in rest for one in some)

    longest = max(
        n for n in range(len(chain) + 1) for some in combinations(chain, n) if within(some, called)
    )
    assert steps_taken(chain, called) == longest
