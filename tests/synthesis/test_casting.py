"""Who fills which role: lists of models, or the embedded writers."""

from pathlib import Path

import pytest

from agentalign_lc.environment.catalog import Catalog
from agentalign_lc.errors import ConfigError, StoreError
from agentalign_lc.roles import Roles, needs_phrasings
from agentalign_lc.synthesis import RunConfig
from agentalign_lc.synthesis.casting import cast_roles
from agentalign_lc.synthesis.counting import Absent
from agentalign_lc.synthesis.resources import Resources
from agentalign_lc.taxonomy import Library


def writers(roles: Roles) -> dict[str, str]:
    return {source.role: source.writer for source in roles.sources}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({}, {}, id="nobody"),
        pytest.param(
            {"models": ("m",)},
            dict.fromkeys(("planner", "author", "actor", "refuser", "judge"), "m"),
            id="one model for all",
        ),
        pytest.param({"authors": ("a=2", "b")}, {"author": "a, b"}, id="authors alone"),
        pytest.param({"judges": ("j",)}, {"judge": "j"}, id="a judge alone"),
        pytest.param(
            {"models": ("m",), "actors": ("a",), "judges": ("j", "k=3")},
            {"planner": "m", "author": "m", "actor": "a", "refuser": "m", "judge": "j, k"},
            id="some of their own, the rest of all",
        ),
    ],
)
def test_roles_are_filled_as_configured(
    options, expected: dict[str, str], library: Library, catalog: Catalog
) -> None:
    config = RunConfig(**options)

    roles = cast_roles(config, library, catalog, Absent())

    embedded = dict.fromkeys(("planner", "author", "actor", "refuser", "judge"), "embedded")
    assert writers(roles) == embedded | expected
    assert config.prompted == bool(options)
    assert needs_phrasings(roles.author) == ("author" not in expected)


def test_a_run_of_an_earlier_layout_is_not_continued() -> None:
    stored = RunConfig(scenarios=1).model_dump() | {"model": None}

    with pytest.raises(StoreError, match="an earlier agentalign-lc"):
        RunConfig.resumed(stored, {})


def test_other_models_do_not_continue_a_run() -> None:
    stored = RunConfig(scenarios=1, judges=("a", "b=2")).model_dump(mode="json")

    assert RunConfig.resumed(stored, {"judges": ("a", "b=2")}).judges == ("a", "b=2")
    with pytest.raises(StoreError, match=r"started with judges \('a', 'b=2'\), not \('a',\)"):
        RunConfig.resumed(stored, {"judges": ("a",)})


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"timeout": -1}, "--timeout: must be above 0, not -1"),
        ({"requests_per_minute": 0}, "--requests-per-minute: must be above 0, not 0"),
        ({"tokens_per_minute": float("nan")}, "--tokens-per-minute: must be above 0, not nan"),
        ({"max_cost": float("inf")}, "--max-cost: must be above 0, not inf"),
        ({"calls": 0}, "--calls: must be above 0, not 0"),
        ({"workers": 0}, "--workers: must be above 0, not 0"),
        ({"concurrency": -8}, "--concurrency: must be above 0, not -8"),
        ({"engine": "dask"}, "--engine: must be local or ray, not 'dask'"),
        ({"address": "auto"}, "--address is where a Ray cluster is: give --engine ray too"),
        ({"models": Path("gone.yaml")}, "--models: gone.yaml: no such file"),
        ({"prices": Path("gone.yaml")}, "--prices: gone.yaml: no such file"),
    ],
)
def test_resources_that_cannot_be(options, line: str) -> None:
    with pytest.raises(ConfigError) as raised:
        Resources(**options)
    assert str(raised.value) == line


def test_enough_scenarios_are_in_work_to_keep_the_endpoints_busy(tmp_path: Path) -> None:
    file = tmp_path / "models.yaml"
    file.write_text("mine: {model: qwen3, concurrency: 200}\nother: {model: qwen4}\n")

    assert Resources().scenarios_at_once(prompted=False) == 8
    assert Resources().scenarios_at_once(prompted=True) == 96
    assert Resources(calls=16).scenarios_at_once(prompted=True) == 24
    assert Resources(models=file).scenarios_at_once(prompted=True) == 300
    assert Resources(models=file, concurrency=3).scenarios_at_once(prompted=True) == 3
