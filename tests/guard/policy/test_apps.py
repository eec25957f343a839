"""The tools of an app are found wherever it keeps them."""

from pathlib import Path

import pytest

from agentalign_lc.environment.catalog import Catalog
from agentalign_lc.guard.policy.apps import find_tools
from agentalign_lc.guard.policy.policy import Policy
from agentalign_lc.guard.policy.starter import policy_text, weigh
from tests.guard.ways import guarded_apps


def names(app: object) -> set[str]:
    return {tool.name for tool in find_tools(app)}


BY_HAND = {"execute_command", "frobnicate", "web_search", "create_payment"}


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [
        ("TOOLS", {"send_email", "execute_command"}),
        ("PLAIN", {"send_email", "search_notes"}),
        ("send_email", {"send_email"}),
        ("agent", {"send_email", "execute_command"}),
        ("builder", BY_HAND),
        ("by_hand", BY_HAND),
        ("boss", {"ask_helper", "frobnicate", "send_email", "execute_command"}),
        ("nested", {*BY_HAND, "send_email"}),
        ("EMPTY", set()),
        ("NOTHING", set()),
    ],
)
def test_tools_are_found(attribute: str, expected: set[str]) -> None:
    assert names(getattr(guarded_apps, attribute)) == expected


def test_injected_arguments_are_not_shown() -> None:
    (mail,) = find_tools(guarded_apps.send_email)
    assert set(mail.parameters["properties"]) == {"to", "subject", "body"}


@pytest.mark.parametrize("thing", [None, 7, "text", object(), {}, [None], [object()], lambda: 1])
def test_what_is_no_app_has_no_tools(thing: object) -> None:
    assert names(thing) in (set(), {"lambda"})


def test_the_text_is_a_policy_whatever_the_tools_say(catalog: Catalog, tmp_path: Path) -> None:
    found = weigh(find_tools(guarded_apps.by_hand), catalog)
    evil = found[0].model_copy(
        update={"name": "on: [off]", "said": "x\u2028tools: {}\nversion: 9\x85version: 8"}
    )
    names = [tool.name for tool in found]
    file = tmp_path / "policy.yaml"
    file.write_text(policy_text("app\nversion: 7", [*found, evil]), encoding="utf-8")
    policy = Policy.load(file)
    assert list(policy.tools) == [*names, "on: [off]"]
    assert policy.rules == Policy().rules
