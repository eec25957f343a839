"""The evaluation: known agents give their known table, again and after any stop."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest
from langchain_core.messages import AIMessage

from agentalign_lc.errors import AccessError, StoreError
from agentalign_lc.evaluation.agents import ModelAgent
from agentalign_lc.evaluation.evaluate import Contender, contenders, evaluate
from agentalign_lc.evaluation.scripted import SCRIPTED, scripted_agent
from agentalign_lc.evaluation.store import EvalStore
from agentalign_lc.evaluation.variants import Variant, build_guard, parse_variants
from agentalign_lc.records import Intent, Outcome, Provenance, Verdict
from agentalign_lc.roles.embedded import EmbeddedJudge
from tests.scripted import ScriptedChatModel

RIGHT = {
    # score, full, refused, non-refusal score
    "executes": dict.fromkeys(Intent, (1.0, 1.0, 0.0, 1.0)),
    "refuses": dict.fromkeys(Intent, (0.0, 0.0, 1.0, None)),
    "refuses-harmful": {
        Intent.HARMFUL: (0.0, 0.0, 1.0, None),
        Intent.BORDERLINE: (1.0, 1.0, 0.0, 1.0),
        Intent.BENIGN: (1.0, 1.0, 0.0, 1.0),
    },
}
NAMES = ("score", "full", "refused", "non_refusal_score")


class BrokenJudge:
    """Breaks, until it is mended."""

    source = Provenance(role="judge", writer="test")
    questions = frozenset({"refusal"})

    def __init__(self):
        self.broken = True
        self.asked = 0

    async def judge(self, case):
        self.asked += 1
        if self.broken:
            raise ValueError("half an answer")
        return Verdict(gate="refusal", outcome=Outcome.PASS)


@pytest.fixture
def scripted(cases):
    def make(name="refuses-harmful"):
        return Contender(scripted_agent(name, cases.library, cases.catalog), Variant())

    return make


@pytest.fixture(scope="module")
def three(cases, tmp_path_factory):
    """The three scripted agents, in one folder."""
    out = tmp_path_factory.mktemp("three") / "eval"
    agents = [scripted_agent(name, cases.library, cases.catalog) for name in SCRIPTED]
    entries = contenders(agents, [Variant()], lambda: pytest.fail("no guard is needed"))
    return out, evaluate(out, entries, cases, EmbeddedJudge())


@pytest.mark.parametrize("name", SCRIPTED)
@pytest.mark.parametrize("intent", Intent)
def test_scripted_agents_have_their_known_table(three, cases, name, intent):
    _, table = three
    row = table.row(f"scripted:{name}", intent)
    found = {measure: (kept.value, kept.low, kept.high) for measure, kept in row.measures.items()}
    for measure, value in zip(NAMES, RIGHT[name][intent], strict=True):
        # All cases are alike, so that whichever are drawn give the same.
        assert found.get(measure) == (None if value is None else (value, value, value))
    assert (row.cases, row.unknown) == (5, 0)
    assert found["followed_injection"] == (0.0, None, None)  # one case has an injection
    assert found["cost"] == found["tokens"] == (0.0, 0.0, 0.0)
    carried_out = RIGHT[name][intent][0] == 1.0
    ours = [c for c in cases.cases if c.instruction.intent is intent] if carried_out else []
    assert found["steps"][0] == sum(map(_calls, ours)) / 5


def _calls(case):
    """The calls of a request, and one for each time that a tool fails."""
    twist = case.scenario.twist
    failures = twist.times if twist is not None and twist.kind == "fault" else 0
    return len(case.instruction.calls) + failures


def test_a_trajectory_is_kept_whole(three, cases):
    out, _ = three
    with EvalStore.read(out) as store:
        done = {o.case: o for o in store.outcomes(agent="scripted:executes")}
    for case in cases.cases:
        outcome = done[case.id]
        assert outcome.trajectory is not None
        assert outcome.steps == len(outcome.trajectory.calls)
        said = [m.text for m in outcome.trajectory.messages if m.type == "human"]
        assert said == list(case.instruction.said)


def test_the_same_seed_gives_the_same_table(three, cases, scripted, tmp_path):
    out, _ = three
    entries = [scripted(name) for name in SCRIPTED]
    evaluate(tmp_path / "again", entries, cases, EmbeddedJudge(), concurrency=1)
    again = (tmp_path / "again" / "table.json").read_bytes()
    assert again == (out / "table.json").read_bytes()


def test_a_guard_lowers_the_harm_and_leaves_the_rest(cases, tmp_path):
    agent = scripted_agent("executes", cases.library, cases.catalog)
    entries = contenders([agent], parse_variants(["bare", "+guard"]), lambda: build_guard(cases))
    table = evaluate(tmp_path / "e", entries, cases, EmbeddedJudge())
    harmful, benign = (
        table.row("scripted:executes +guard", intent).measures
        for intent in (Intent.HARMFUL, Intent.BENIGN)
    )
    assert harmful["score"].value < 1.0
    assert harmful["refused"].value > 0.0
    assert benign["score"].value > harmful["score"].value
    change = {d.intent: d.difference for d in table.differences if d.measure == "score"}
    assert change[Intent.HARMFUL] == pytest.approx(harmful["score"].value - 1.0)


def test_calls_that_a_guard_refuses_do_not_happen(cases, tmp_path):
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\ndefaults: {allowed: false}\n")
    agent = scripted_agent("executes", cases.library, cases.catalog)
    entries = contenders([agent], parse_variants(["+guard"]), lambda: build_guard(cases, policy))
    table = evaluate(tmp_path / "e", entries, cases, EmbeddedJudge())
    assert table.unknown == 0
    for intent in Intent:
        assert table.row("scripted:executes +guard", intent).measures["score"].value == 0.0
    with EvalStore.read(tmp_path / "e") as store:
        asked = [outcome for outcome in store.outcomes() if outcome.steps]
    assert asked  # it got beyond the request, and was told no there
    for outcome in asked:
        assert all(answer.status == "error" for _, answer in outcome.trajectory.calls)
        assert not outcome.trajectory.changes


def test_an_agent_that_fails_is_unknown(cases, tmp_path):
    model = ScriptedChatModel(script=[ValueError("out of order")] * 99)
    entries = [Contender(ModelAgent("broken", model), Variant())]
    table = evaluate(tmp_path / "e", entries, cases, EmbeddedJudge())
    assert table.unknown == table.cases == len(cases.cases)
    assert table.problems[0][0].startswith("the agent failed: RoleError: ValueError: out of order")


def test_a_broken_judge_is_asked_again_and_the_agent_is_not(cases, scripted, tmp_path):
    judge, entries = BrokenJudge(), [scripted()]
    first = evaluate(tmp_path / "e", entries, cases, judge)
    assert (first.unknown, first.row("scripted:refuses-harmful", Intent.HARMFUL).unknown) == (5, 5)
    assert "refused" not in first.row("scripted:refuses-harmful", Intent.HARMFUL).measures

    judge.broken, judge.asked = False, 0
    forbidden = Contender(
        ModelAgent("scripted:refuses-harmful", lambda _: pytest.fail("ran")), Variant()
    )
    mended = evaluate(tmp_path / "e", [forbidden], cases, judge, resume=True)
    assert (mended.unknown, judge.asked) == (0, 5)
    assert mended.row("scripted:refuses-harmful", Intent.HARMFUL).measures["refused"].value == 1.0


def test_a_refused_key_stops_the_evaluation_and_it_goes_on(cases, scripted, tmp_path):
    class NoKey(BrokenJudge):
        async def judge(self, case):
            raise AccessError("the provider refused the key (401)")

    with pytest.raises(AccessError, match="refused the key"):
        evaluate(tmp_path / "e", [scripted("refuses")], cases, NoKey())
    table = evaluate(tmp_path / "e", [scripted("refuses")], cases, NoKeyMended(), resume=True)
    assert table.unknown == 0


class NoKeyMended(BrokenJudge):
    def __init__(self):
        super().__init__()
        self.broken = False


def test_a_folder_is_not_mixed_up(three, cases, scripted, tmp_path):
    out, _ = three
    with pytest.raises(
        StoreError, match="outcomes of 'scripted:refuses' already: continue with --resume"
    ):
        evaluate(out, [scripted("refuses")], cases, EmbeddedJudge())
    with pytest.raises(StoreError, match="other cases of test_chains"):
        evaluate(out, [scripted("refuses")], cases, BrokenJudge(), resume=True)
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(StoreError, match="is not empty"):
        evaluate(tmp_path, [scripted()], cases, EmbeddedJudge())


def test_usage_is_counted_and_prompts_are_told(cases, tmp_path):
    used = {"input_tokens": 100, "output_tokens": 10, "total_tokens": 110}
    answers = [AIMessage("I can't do that.", usage_metadata=used) for _ in range(999)]
    model = ScriptedChatModel(script=answers)
    variants = parse_variants(["+cot+refusal-prompt"])
    entries = contenders([ModelAgent("m", model)], variants, lambda: pytest.fail("no guard"))
    table = evaluate(tmp_path / "e", entries, cases, EmbeddedJudge(), concurrency=1)

    turns = Counter(c.instruction.intent for c in cases.cases for _ in c.instruction.said)
    for intent in Intent:
        tokens = table.row("m +cot +refusal-prompt", intent).measures["tokens"].value
        assert tokens == 110 * turns[intent] / 5
    system = model.asked[0][0].text
    assert "step by step" in system
    assert "Refuse" in system
    assert model.tools  # the scenario's are bound
    with EvalStore.read(tmp_path / "e") as store:
        assert store.agents == {
            "m +cot +refusal-prompt": {"prompts": ["cot@1", "refusal-prompt@1"]}
        }


@pytest.mark.slow
def test_a_killed_evaluation_goes_on(tmp_path, agentalign):
    out = tmp_path / "e"
    command = ["eval", "agent", "scripted:executes", "--scenarios", "6", "--out", str(out)]
    process = subprocess.Popen(
        [sys.executable, "-m", "agentalign_lc.cli", *command, "--concurrency", "1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while _count(out) < 3 and time.monotonic() < deadline:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
            break
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = _seconds(out)
    assert 3 <= len(before) < 18

    code, _, _ = agentalign(*command)
    assert code == 2  # nothing is overwritten unasked
    code, _, err = agentalign(*command, "--resume")
    assert code == 0
    assert f"{len(before)}/18 cases" in err  # what was done was not done again
    after = _seconds(out)
    assert len(after) == 18
    assert before.items() <= after.items()
    agentalign(*command[:-1], tmp_path / "whole")
    assert (out / "table.json").read_bytes() == (tmp_path / "whole" / "table.json").read_bytes()


def _seconds(out):
    with EvalStore.read(out) as store:
        return {o.case: o.seconds for o in store.outcomes(trajectories=False)}


def _count(out):
    try:
        return len(_seconds(out))
    except StoreError:
        return 0
