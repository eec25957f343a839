"""A run that was killed goes on, and asks nothing again that it had the answer to."""

import os
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from threading import Event

import pytest
from inspect_ai.log import read_eval_log

from agentalign_lc.evaluation.store import EvalStore
from tests.evaluation.inspect import office as offices

NAMES = ("full", "half", "refused", "judged")
COMMAND = """
from tests.evaluation.inspect.office import register
register()
from agentalign_lc.cli.main import main
main()
"""


def finished(out: Path) -> set[str]:
    """Requests of the cases that are in the logs."""
    logs = []
    for file in out.glob("inspect/*/*/*.eval"):
        with suppress(ValueError):  # it is being written
            logs.append(read_eval_log(str(file)))
    return {sample.metadata["prompt"] for log in logs for sample in log.samples or ()}


@pytest.mark.slow
def test_after_kill_9_what_was_finished_is_not_asked_again(harm, office, tmp_path):
    stuck, killed = Event(), Event()

    def gate() -> None:
        if len(office.asked) > 14:
            stuck.set()
            killed.wait(60)

    office.gate = gate
    out = tmp_path / "out"
    offices.write(tmp_path / "behaviors", *NAMES)
    judges = ("--refusal-judge", "openai:judge", "--semantic-judge", "openai:judge")
    process = subprocess.Popen(
        (
            *(sys.executable, "-c", COMMAND, "eval", "agentharm", "openai:actor"),
            *("--out", str(out), "--data", str(tmp_path / "behaviors"), "--app-model"),
            *("openai:actor", "--base-url", office.url, *judges, "--connections", "1"),
        ),
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
        cwd=tmp_path,
    )
    try:
        assert stuck.wait(90)
        until = time.monotonic() + 30
        while not finished(out) and time.monotonic() < until:
            time.sleep(0.1)
    finally:
        process.kill()
        process.wait()
        killed.set()
    before = finished(out)
    assert 0 < len(before) < 8

    code, _, err = harm(["openai:actor"], "--resume", "--connections", 1, names=NAMES)
    assert code == 0, err
    begun = Counter(
        body["messages"][-1]["content"].strip()
        for body in office.of("actor")
        if body["messages"][-1]["role"] == "user"
    )
    assert {prompt: begun[prompt] for prompt in before} == dict.fromkeys(before, 1)
    assert len(begun) == 8
    with EvalStore.read(out) as store:
        assert len(store.cases("openai:actor", "agentharm")) == 8
        assert store.table().unknown == 0
