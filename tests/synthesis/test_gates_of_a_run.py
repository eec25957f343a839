"""What a run's configuration says about gates: which ask, in which order, against which benchmarks."""

import json
import sqlite3
from pathlib import Path

import pytest

from agentalign_lc.dataset.store import RunStore
from agentalign_lc.errors import ConfigError, StoreError
from agentalign_lc.quality import Gate
from agentalign_lc.records import Outcome, Status, Verdict
from agentalign_lc.synthesis import synthesize

SMALL = {"scenarios": 4, "pressure": 0.0, "rejected": False}


def verdicts(folder: Path) -> list[list[str]]:
    with RunStore.read(folder) as store:
        return [[v["gate"] for v in row["verdicts"]] for row in store.kept()]


def texts(folder: Path) -> list[str]:
    with RunStore.read(folder) as store:
        return [row["instruction"]["text"] for row in store.kept()]


def test_gates_ask_in_the_order_of_the_configuration(tmp_path: Path) -> None:
    synthesize(tmp_path / "run", {**SMALL, "gates": ("grounding", "schema", "goal")})

    harmful, borderline, _ = verdicts(tmp_path / "run")[:3]
    assert harmful == ["request.grounding", "request.schema", "response.schema"]
    assert borderline == [
        "request.grounding", "request.schema", "response.grounding", "response.schema", "response.goal"
    ]  # fmt: skip


def test_a_gate_of_ones_own_rejects_with_its_reason(tmp_path: Path) -> None:
    def never(_: object) -> Verdict:
        return Verdict(gate="never", outcome=Outcome.FAIL, reason="I said no")

    summary = synthesize(
        tmp_path / "run", {**SMALL, "scenarios": 1}, gates=[Gate(name="never", request=never)]
    )

    assert summary.rejected == 3
    with RunStore.read(tmp_path / "run") as store:
        ended = {(r.gate, r.reason) for r in store.results(status=Status.REJECTED)}
    assert ended == {("request.never", "I said no")}


def test_an_unknown_gate_stops_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="unknown gate 'vibes'"):
        synthesize(tmp_path / "run", {**SMALL, "gates": ("vibes",)})
    assert not (tmp_path / "run").exists()


class TestContamination:
    """A request that stands in a benchmark is said in other words, or not at all."""

    @pytest.fixture
    def benchmark(self, tmp_path: Path) -> Path:
        synthesize(tmp_path / "before", SMALL)
        file = tmp_path / "bench.jsonl"
        rows = [{"id": n, "prompt": text} for n, text in enumerate(texts(tmp_path / "before"))]
        file.write_text("\n".join(map(json.dumps, rows)) + "\nno json\n")
        return file

    def test_nothing_of_it_is_kept(self, tmp_path: Path, benchmark: Path) -> None:
        said: list[str] = []

        synthesize(tmp_path / "run", {**SMALL, "contamination": (benchmark,)}, warn=said.append)

        before, after = texts(tmp_path / "before"), texts(tmp_path / "run")
        assert len(after) >= 9, "the author has other phrasings"
        assert not set(before) & set(after)
        assert len(said) == 1
        assert "bench.jsonl:13" in said[0]

    def test_a_resumed_run_needs_the_same_benchmarks(self, tmp_path: Path, benchmark: Path) -> None:
        options = {**SMALL, "contamination": (benchmark,)}
        synthesize(tmp_path / "run", options)
        benchmark.write_text(
            json.dumps({"prompt": "something else altogether, as long as it is long"})
        )

        with pytest.raises(StoreError, match="other contamination"):
            synthesize(tmp_path / "run", options, resume=True)

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="takes benchmark files"):
            synthesize(tmp_path / "run", {**SMALL, "contamination": (tmp_path / "no.jsonl",)})


def test_near_duplicates_go_when_the_run_is_closed(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    synthesize(folder, {**SMALL, "scenarios": 6})
    first = texts(folder)[0]
    with sqlite3.connect(folder / "run.sqlite") as store:
        store.execute(
            "UPDATE results SET example = json_set(example, '$.instruction.text', ?) "
            "WHERE scenario = 5 AND intent = 'harmful'",
            (f"{first} please",),
        )

    with RunStore.resume(folder) as store:
        store.close_run()
        ended = list(store.results(status=Status.REJECTED))

    assert [(r.index, r.gate) for r in ended] == [(5, "near_duplicates")]
    assert ended[0].reason.startswith("nearly the same as example-")


def test_the_command_leaves_gates_out(agentalign, tmp_path: Path) -> None:
    out = tmp_path / "run"

    code, _, _ = agentalign(
        "synth", "--out", out, "--scenarios", 1, "--without", "goal", "--no-rejected"
    )
    assert code == 0
    assert not any("goal" in gate for gates in verdicts(out) for gate in gates)

    code, _, err = agentalign("synth", "--out", tmp_path / "b", "--without", "gaol")
    assert code == 2
    assert "unknown gate 'gaol'" in err
