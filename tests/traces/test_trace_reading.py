"""The benchmark of what importers read counts matched and expected messages."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_trace_reading_prints_matched_and_expected_for_every_file(tmp_path: Path) -> None:
    data = ROOT / "tests" / "traces" / "importers" / "data"
    (tmp_path / "desk.trace.json").write_bytes((data / "langfuse.json").read_bytes())
    (tmp_path / "letter.txt").write_text("Dear Ada")
    asked = {"role": "user", "content": "Is Ada free on Tuesday?"}
    call = {"id": "c1", "name": "find_slot", "arguments": '{"day": "Tuesday", "person": "Ada"}'}
    expected = {
        "g1": {
            "input": {"success": True, "data": [asked, {**asked, "content": "And Bob?"}]},
            "output": {"success": True, "data": [{"role": "assistant", "tool_calls": [call]}]},
        },
        "t": {"output": {"success": False}},
    }
    (tmp_path / "desk.chatml.json").write_text(json.dumps(expected))

    said = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "trace_reading.py", tmp_path, "--missed"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout

    assert "| desk.trace.json | langfuse | 1 | 4 | 1 | 5 | 1 | 2 / 3 |" in said
    assert "And Bob?" in said
    assert "letter.txt has no known format" in said
    assert said.endswith("Matched 2 of 3 expected messages.\n")
