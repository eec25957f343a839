"""An app's tools: ours exactly, others by suggestion, the rest unknown."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.tools import tool

from agentalign_lc.environment import tool_schema
from agentalign_lc.environment.imports.suggest import CONFIDENT
from agentalign_lc.errors import ConfigError
from agentalign_lc.guard.capabilities import map_tools, possible_steps
from agentalign_lc.guard.view import GuardedTool, SeenCall
from agentalign_lc.records import Effect


def test_every_shipped_tool_is_itself_by_schema_and_by_name(catalog) -> None:
    schemas = [tool_schema(spec) for spec in catalog.tools.values()]

    for found in (map_tools(schemas, catalog), map_tools(list(catalog.tools), catalog)):
        assert list(found) == list(catalog.tools)
        for name, spec in catalog.tools.items():
            assert found[name].capability == spec.capability
            assert found[name].effect is catalog.capabilities[spec.capability].effect
            assert found[name].confidence == 1.0


def test_a_tool_with_our_name_and_other_parameters_is_not_ours(catalog) -> None:
    schema = {
        "name": "send_gmail",
        "description": "Water the plants.",
        "parameters": {"type": "object", "properties": {"litres": {"type": "number"}}},
    }

    found = map_tools([schema], catalog)["send_gmail"]

    assert found.confidence < CONFIDENT
    assert found.capability == ""


def test_a_renamed_tool_is_suggested_or_left_unknown(catalog) -> None:
    names = ["send_gmail", "read_file", "write_file", "web_search"]
    schemas = []
    for name in filter(catalog.tools.__contains__, names):
        schema = copy.deepcopy(tool_schema(catalog.tools[name]))
        schema["function"]["name"] = f"my_{name}"
        schemas.append(schema)

    for name, found in map_tools(schemas, catalog).items():
        assert found.capability in ("", catalog.tools[name.removeprefix("my_")].capability)


def test_langchain_tools_functions_and_other_schemas(catalog) -> None:
    @tool
    def send_mail(to: str, subject: str, body: str) -> str:
        """Send an e-mail to somebody."""
        return ""

    def delete_everything(path: str) -> str:
        """Delete a folder with all that is in it."""
        return ""

    anthropic = {"name": "pay_invoice", "input_schema": {"type": "object", "properties": {}}}
    found = map_tools([send_mail, delete_everything, anthropic, {"type": "web_search"}], catalog)

    assert list(found) == ["send_mail", "delete_everything", "pay_invoice", "web_search"]
    assert found["send_mail"].capability == "communication.send_email"
    assert found["pay_invoice"].effect is Effect.TRANSFER
    assert found["web_search"].parameters == {}


def test_nobody_knows_what_it_does(catalog) -> None:
    found = map_tools(["zorp"], catalog)["zorp"]

    assert (found.capability, found.effect) == ("", None)


def test_a_schema_without_a_name(catalog) -> None:
    with pytest.raises(ConfigError, match="name"):
        map_tools([{"parameters": {}}], catalog)


@settings(deadline=None, max_examples=40)  # the first one reads the suites
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["type", "properties", "items", "enum", "anyOf", "$ref", "required"]
                ),
                inner,
                max_size=3,
            )
        ),
        max_leaves=8,
    )
)
def test_any_schema_is_read(catalog, parameters) -> None:
    schema = {"type": "function", "function": {"name": "odd", "parameters": parameters}}

    assert map_tools([schema], catalog)["odd"].name == "odd"


def test_an_argument_says_which_step_it_is(catalog) -> None:
    both = {"read": {"mode": "r"}, "write": {"mode": "w"}}
    disk = GuardedTool("disk", capability="system_tools.manage_files", actions=both)

    def steps(**arguments: str) -> set[str]:
        return {s.rpartition(":")[2] for s in possible_steps(SeenCall("1", "disk", arguments), disk, catalog)}  # fmt: skip

    assert steps(mode="r") == {"read"}
    assert steps(mode="w") == {"write"}
    assert steps(mode="x") == {"read", "write"}, "what is not told apart may be either"
    assert steps() == {"read", "write"}


def test_a_capability_alone_may_be_any_of_its_actions(catalog) -> None:
    mail = GuardedTool("m", capability="communication.send_email")
    actions = catalog.capabilities["communication.send_email"].actions

    found = possible_steps(SeenCall("1", "m", {}), mail, catalog)

    assert found == {f"communication.send_email:{action}" for action in actions}
    assert possible_steps(SeenCall("1", "m", {}), GuardedTool("m"), catalog) == frozenset()


@pytest.mark.parametrize(
    ("description", "arguments", "effect"),
    [
        ("Ask agent 'reader' for help", {}, Effect.READ),
        ("Move what is left to the savings.", {}, Effect.TRANSFER),
        ("Pay the agent of the seller.", {"amount": {"type": "number"}}, Effect.TRANSFER),
    ],
    ids=["handoff", "no-argument", "amount"],
)
def test_a_handoff_to_another_agent_moves_no_money(
    catalog, description: str, arguments: dict, effect: Effect
) -> None:
    schema = {
        "name": "transfer_to_reader",
        "description": description,
        "parameters": {"type": "object", "properties": arguments},
    }

    assert map_tools([schema], catalog)["transfer_to_reader"].effect is effect
