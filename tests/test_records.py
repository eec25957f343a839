"""Records survive a round trip, and their ids follow their content."""

from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from agentalign_lc.records import Instruction, Intent, Provenance, Scenario, Trajectory
from agentalign_lc.seeds import VirtualClock, content_id, derive_seed, stream

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(texts, st.dictionaries(texts, st.integers() | texts, max_size=3))
def test_a_trajectory_survives_json(text: str, arguments: dict) -> None:
    run = Trajectory(
        messages=(
            SystemMessage("s"),
            HumanMessage(text),
            AIMessage(
                text,
                tool_calls=[{"name": "f", "args": arguments, "id": "1"}],
                additional_kwargs={"refusal": text},
            ),
            ToolMessage(text, tool_call_id="1", name="f", status="error"),
        ),
        tools=({"type": "function", "function": {"name": "f"}},),
    )

    again = Trajectory.model_validate_json(run.model_dump_json())

    assert again == run
    assert again.calls[0][0]["args"] == arguments


@given(json_values)
def test_ids_follow_content(value) -> None:
    assert content_id("x", value) == content_id("x", value)
    assert content_id("x", [value]) != content_id("x", [value, 0])


def test_the_scenarios_number_is_no_part_of_its_id(scenario: Scenario) -> None:
    moved = scenario.model_copy(update={"index": 99})

    assert moved.id == scenario.id


def test_a_copy_with_another_value_has_another_id(scenario: Scenario) -> None:
    before = scenario.id
    other = scenario.model_copy(update={"seed": "another"})

    assert other.id != before
    assert other.model_copy(update={"seed": scenario.seed}).id == before
    assert other.model_dump(mode="json")["id"] == other.id
    assert scenario.model_copy(update={"index": scenario.index + 1}).id == before


def test_an_instruction_is_named_by_what_it_says() -> None:
    def said(text: str) -> Instruction:
        author = Provenance(role="author", writer="embedded")
        return Instruction(scenario="s", intent=Intent.BENIGN, text=text, calls=(), author=author)

    assert said("a").id == said("a").id != said("b").id


@given(st.integers() | st.text(), st.lists(st.integers() | st.text(), max_size=3))
def test_streams_are_their_paths(seed, path) -> None:
    assert stream(seed, *path).random() == stream(seed, *path).random()
    assert derive_seed(seed, *path) != derive_seed(seed, *path, "more")


@given(st.text())
def test_the_clock_only_goes_forward(seed: str) -> None:
    clock, twin = VirtualClock(seed), VirtualClock(seed)
    for _ in range(5):
        before = clock.now()
        assert clock.tick() == twin.tick() > before
