"""The built wheel, installed into an empty environment, runs the command."""

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        str(ROOT),
        "--no-deps",
        "--no-build-isolation",
        "--quiet",
        "-w",
        str(out),
    ]
    subprocess.run(command, check=True)
    return next(out.glob("*.whl"))


def test_suites_are_inside_and_nothing_is_at_the_top(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()

    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"agentalign_lc"}
    for suite in (ROOT / "tools").glob("*.yaml"):
        assert f"agentalign_lc/tools/{suite.name}" in names
    assert "agentalign_lc/py.typed" in names
    assert "agentalign_lc/roles/prompted/prompts/author.yaml" in names
    for template in ("card.md.j2", "report.html.j2", "report.js", "page.css", "page.js"):
        assert f"agentalign_lc/dataset/reporting/templates/{template}" in names
    for kind in ("css", "html.j2", "js"):
        assert f"agentalign_lc/evaluation/reporting/templates/evaluation.{kind}" in names
    assert "agentalign_lc/evaluation/prompts/cot.yaml" in names
    for file in (
        "policy/default_policy.yaml",
        "judges/prompts/judge.yaml",
        "learning/weights/encoder.safetensors",
        "learning/weights/ngrams.safetensors",
    ):
        assert f"agentalign_lc/guard/{file}" in names
    assert len(names) == len(set(names)), "no file is packed twice"


def test_it_installs_and_synthesises(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    binaries = tmp_path / "venv" / "bin"
    # Away from the repository and its settings: the packed suites must serve.
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))
    }
    install = [
        binaries / "python",
        "-m",
        "pip",
        "install",
        "--quiet",
        "-c",
        ROOT / "constraints.txt",
        wheel,
    ]
    subprocess.run(install, check=True, cwd=tmp_path, env=environment)

    command = [binaries / "agentalign", "synth", "--out", "run", "--scenarios", "3"]
    ended = subprocess.run(
        command, check=True, cwd=tmp_path, env=environment, capture_output=True, text=True
    )

    assert "planned 9 = kept 9" in ended.stdout
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["kept"] == 9
    where = "from agentalign_lc.environment.catalog import tools_folder as f; print(f())"
    found = subprocess.run(
        [binaries / "python", "-c", where],
        check=True,
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert found.stdout.strip().endswith("site-packages/agentalign_lc/tools")
