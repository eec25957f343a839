"""AgentHarm by its own implementation, on behaviours of ours: the whole way, offline."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentalign_lc.evaluation.inspect.log import read_log
from agentalign_lc.evaluation.outcome import Outcome
from agentalign_lc.evaluation.store import EvalStore
from agentalign_lc.records import Intent
from tests.evaluation.inspect import office as offices

NAMES = ("full", "half", "refused", "judged", "endless")

APP = """
from langchain.agents import create_agent
from langchain_openai import ChatOpenAI

def make(tools):
    return create_agent(ChatOpenAI(model="inspect", api_key="none"), tools)
"""

# What `inspect eval` is given in its own process, so that it knows the office's tools too.
DIRECT = """
import runpy
from tests.evaluation.inspect.office import register
register()
runpy.run_module("inspect_ai", run_name="__main__")
"""


def of(out: Path, agent: str) -> dict[str, Outcome]:
    with EvalStore.read(out) as store:
        return {outcome.case: outcome for outcome in store.outcomes(agent=agent)}


def worth(outcomes: dict[str, Outcome]) -> dict[str, object]:
    return {c: (o.score, o.refused, o.steps, o.category) for c, o in outcomes.items()}


@pytest.fixture
def direct(office, tmp_path):
    """`inspect eval inspect_evals/agentharm` on the same behaviours, in a process of its own."""

    def run() -> dict[str, Outcome]:
        place = tmp_path / "cache" / "agentharm_dataset" / "AgentHarm"
        place.mkdir(parents=True)
        offices.write(place / "benchmark", *NAMES)
        tasks = ("inspect_evals/agentharm", "inspect_evals/agentharm_benign")
        judge = "openai-api/openai/judge"
        judges = ("-T", f"refusal_judge={judge}", "-T", f"semantic_judge={judge}")
        logs = ("--display", "none", "--log-dir", str(tmp_path / "direct"))
        subprocess.run(
            (
                *(sys.executable, "-c", DIRECT, "eval", *tasks),
                *("--model", "openai-api/openai/actor", *judges, *logs),
            ),
            check=True,
            cwd=tmp_path,
            env=os.environ
            | {
                "INSPECT_EVALS_CACHE_DIR": str(tmp_path / "cache"),
                "OPENAI_BASE_URL": office.url,
                "PYTHONPATH": str(Path(__file__).parents[3]),
            },
            timeout=120,
        )
        logs = (tmp_path / "direct").glob("*.eval")
        return {outcome.case: outcome for log in logs for outcome in read_log(log)}

    return run


@pytest.mark.slow
def test_scores_are_those_of_inspect_eval_itself(harm, direct, office, tmp_path):
    app = tmp_path / "app.py"
    app.write_text(APP)
    code, out, err = harm(["openai:actor", f"{app}:make"], names=NAMES)
    assert code == 0, err
    assert "could not be judged" not in out

    bare, bridged = of(tmp_path / "out", "openai:actor"), of(tmp_path / "out", f"{app}:make")
    assert {outcome.problem for outcome in (*bare.values(), *bridged.values())} == {""}
    paid = len(office.of("actor"))
    assert worth(bare) == worth(bridged) == worth(direct())
    # Two agents were run before, on the same cases.
    assert 2 * (len(office.of("actor")) - paid) == paid
    assert worth(bare)["harmful/1-1"] == (1.0, False, 2, "Fraud")
    assert worth(bare)["harmful/2-1"] == (0.5, False, 1, "Harassment")
    assert worth(bare)["benign/3-1"] == (0.0, True, 0, "Fraud")
    assert worth(bare)["benign/4-1"] == (1.0, False, 2, "Harassment")
    for case in bare:
        ours, theirs = bridged[case].trajectory, bare[case].trajectory
        assert [(m.type, m.text) for m in ours.messages] == [
            (m.type, m.text) for m in theirs.messages
        ]
        assert bridged[case].spend == bare[case].spend
    assert bare["harmful/5-1"].trajectory.stopped == "turns"
    assert [tool["function"]["name"] for tool in bare["harmful/1-1"].trajectory.tools]


def test_a_guard_stops_the_harmful_half_and_leaves_the_other(harm, office, tmp_path):
    variants = ("--variant", "bare", "--variant", "+guard")
    code, out, err = harm(["openai:actor"], *variants, names=("full", "half"))
    assert code == 0, err

    with EvalStore.read(tmp_path / "out") as store:
        table = store.table()
    for intent, kept in ((Intent.HARMFUL, 0.0), (Intent.BENIGN, 0.75)):
        assert table.row("openai:actor", intent).measures["score"].value == 0.75
        guarded = table.row("openai:actor +guard", intent).measures
        assert guarded["score"].value == kept
        assert guarded["refused"].value == (kept == 0.0)
    assert "openai:actor +guard" in out


def test_a_prompt_is_agentharms_own_for_a_model_and_for_an_app(harm, office, tmp_path):
    app = tmp_path / "app.py"
    app.write_text(APP)
    harm(["openai:actor", f"{app}:make"], "--variant", "+cot", "--limit", 1, names=("refused",))

    opened = [body["messages"] for body in office.of("actor")]
    systems = {messages[0]["content"] for messages in opened}
    assert [[m["role"] for m in messages] for messages in opened] == [["system", "user"]] * 4
    assert len(systems) == 1


@pytest.mark.parametrize("judge", ["vague", "locked"])
def test_what_a_broken_judge_should_have_judged_is_unknown(harm, tmp_path, judge):
    code, out, err = harm(["openai:actor"], names=("full", "refused", "judged"), judge=judge)
    assert code == 0, err
    assert out.startswith("6 of 6 could not be judged: ")

    found = of(tmp_path / "out", "openai:actor")
    assert [outcome.refused for outcome in found.values()] == [None] * 6
    # What needs no judge stays known; the grader of the third case has to ask one.
    assert [found[f"harmful/{n}-1"].score for n in (1, 2, 3)] == [1.0, 0.0, None]
    assert "judge" in found["harmful/1-1"].problem
    assert "judge" in found["harmful/3-1"].problem


def test_an_app_that_fails_is_unknown_and_the_others_go_on(harm, tmp_path):
    app = tmp_path / "app.py"
    app.write_text("def make(tools):\n    raise ValueError('no such database')\n")
    code, out, err = harm([f"{app}:make", "openai:actor"], names=("full",))
    assert code == 0, err
    why = "the agent failed: ValueError('no such database')"
    assert out.startswith(f"2 of 4 could not be judged: 2 because {why}")
    assert worth(of(tmp_path / "out", "openai:actor"))["benign/1-1"][0] == 1.0


def test_a_compiled_app_is_turned_down_before_anything_is_asked(harm, office, tmp_path):
    app = tmp_path / "app.py"
    app.write_text(APP + "\ngraph = make([])\n")
    code, _, err = harm([f"{app}:graph"], names=("full",))
    assert code == 2
    assert "a suite brings its own tools" in err
    assert office.asked == []


def test_another_run_needs_resume_and_asks_nothing_again(harm, office, tmp_path):
    harm(["openai:actor"], names=("full",))
    before, table = len(office.asked), (tmp_path / "out" / "table.json").read_bytes()
    code, _, err = harm(["openai:actor"], names=("full",))
    assert code == 2
    assert "--resume" in err

    assert harm(["openai:actor"], "--resume", names=("full",))[0] == 0
    assert len(office.asked) == before
    assert (tmp_path / "out" / "table.json").read_bytes() == table
    code, _, err = harm(["openai:actor"], "--resume", names=("half",))
    assert code == 2
    assert "other cases of agentharm" in err
