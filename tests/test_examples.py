"""Every example runs offline and says something; those that train have tests of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "examples"
TRAINING = {"finetune_trl", "miniature"}
EXAMPLES = sorted(file for file in FOLDER.glob("*.py") if file.stem not in TRAINING)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example(example: Path, tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}

    ended = subprocess.run(  # noqa: PLW1510 - the assertion below shows what it said
        [sys.executable, "-W", "error", example],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip()
    assert not list(tmp_path.iterdir()), "an example leaves nothing behind"
