"""The public face: sorted, complete, light; and nothing in the tree that must not be there."""

import ast
import importlib
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import agentalign_lc

ROOT = Path(__file__).parent.parent
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(agentalign_lc.__path__, "agentalign_lc.")
    if not module.name.endswith("__main__")
)


@pytest.mark.parametrize("name", ["agentalign_lc", *MODULES])
def test_all_is_sorted_and_there(name: str) -> None:
    module = importlib.import_module(name)
    names = list(getattr(module, "__all__", []))

    # As ruff sorts them: constants, then classes, then functions.
    assert names == sorted(names, key=_kind)
    assert all(hasattr(module, exported) for exported in names)


def _kind(name: str) -> tuple[int, str]:
    if name.isupper():
        return 0, name
    return (1 if name[0].isupper() else 2), name


@pytest.mark.parametrize("name", MODULES)
def test_public_definitions_stand_in_all(name: str) -> None:
    module = importlib.import_module(name)
    if name.rsplit(".", maxsplit=1)[-1] in {"main", "cli"} or not hasattr(module, "__all__"):
        return
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    public = {
        node.name
        for node in tree.body
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and not node.name.startswith("_")
    }
    assert public <= set(module.__all__), (
        f"private by name, or in __all__: {public - set(module.__all__)}"
    )


def test_the_import_is_light() -> None:
    heavy = ("langchain", "langgraph", "pydantic", "faker", "jinja2", "rich", "typer", "openai")
    code = f"import sys, agentalign_lc; print([m for m in {heavy} if m in sys.modules])"

    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ended.stdout.strip() == "[]"


def test_no_file_is_too_long() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in (ROOT / "agentalign_lc").rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert not long


def test_no_lock_file_and_no_index_in_the_constraints() -> None:
    assert not (ROOT / "uv.lock").exists()
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[^\s/]+", line), line
