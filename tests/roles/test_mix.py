"""Who speaks is decided by what is worked on: by weight, and never by chance or by order."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage

from agentalign_lc.records import Instruction, Intent, Scenario
from agentalign_lc.roles import Brief, Case, source_of
from agentalign_lc.roles.embedded import EmbeddedJudge
from agentalign_lc.roles.prompted import (
    Mix,
    PromptedActor,
    PromptedJudge,
    PromptedRefuser,
    model_name,
)
from agentalign_lc.synthesis import Studio
from tests.scripted import ScriptedChatModel

keys = st.lists(st.integers() | st.text(max_size=5), min_size=1, max_size=3)
pairs = st.lists(st.tuples(st.integers(), st.floats(0.01, 100)), min_size=1, max_size=5)


class Named(ScriptedChatModel):
    """A scripted model with a name."""

    model: str


def named(*names: str, script: list[object] | None = None) -> list[tuple[Named, float]]:
    return [(Named(model=name, script=list(script or [])), 1.0) for name in names]


@given(pairs=pairs, asked=st.lists(keys, max_size=8))
def test_the_same_keys_pick_the_same_item_in_any_order(pairs, asked) -> None:
    forth = [Mix(pairs).pick(*key) for key in asked]
    mix = Mix(pairs)
    back = [mix.pick(*key) for key in reversed(asked)]

    assert forth == back[::-1]
    assert set(forth) <= {item for item, _ in pairs}


def test_each_comes_up_by_its_weight() -> None:
    mix = Mix([("often", 3.0), ("rarely", 1.0)])

    picked = Counter(mix.pick("scenario", number) for number in range(4000))

    assert picked["often"] / 4000 == pytest.approx(dict(mix.shares())["often"], abs=0.03)


@pytest.mark.parametrize("pairs", [[], [("a", 0.0)], [("a", 1.0), ("b", -1.0)]])
def test_a_mix_of_nothing(pairs) -> None:
    with pytest.raises(ValueError, match="weight above 0"):
        Mix(pairs)


async def instructions(studio: Studio, scenario: Scenario, count: int) -> list[Instruction]:
    """The benign request of so many scenarios that differ in nothing but the seed."""
    others = [scenario.model_copy(update={"seed": f"{number}"}) for number in range(count)]
    author = studio.roles.author
    return [await author.write(Brief(other, Intent.BENIGN, ())) for other in others]


async def test_a_conversation_stays_with_one_model(studio: Studio, scenario: Scenario) -> None:
    models = named("large", "small", script=[AIMessage("Done.")] * 60)
    actor = PromptedActor(models)
    specs = tuple(studio.tools(scenario).values())

    for instruction in await instructions(studio, scenario, 20):
        before = {model.model: len(model.asked) for model, _ in models}
        for turn in range(1, 4):
            await actor.act([HumanMessage("Go on.")] * turn, specs, instruction)
        after = {model.model: len(model.asked) for model, _ in models}
        spoke = {name for name in after if after[name] > before[name]}
        assert spoke == {source_of(actor, instruction).writer}

    assert all(model.asked for model, _ in models), "both were needed"
    assert actor.source.writer == "large, small"


async def test_all_questions_about_a_request_go_to_one_judge(
    studio: Studio, scenario: Scenario
) -> None:
    judge = PromptedJudge(named("strict", "lenient"))

    asked = await instructions(studio, scenario, 20)

    for instruction in asked:
        case = Case("refusal", instruction.request, "I won't.")
        assert model_name(judge.speaker(case.request)) == source_of(judge, instruction).writer
    assert {source_of(judge, one).writer for one in asked} == {"strict", "lenient"}


async def test_a_refusal_is_its_writers_with_the_prompt_that_was_used(
    studio: Studio, scenario: Scenario
) -> None:
    models = named("a", "b", script=["I won't do that."] * 40)
    refuser = PromptedRefuser(models)

    for intent, prompt in ((Intent.HARMFUL, "refuser@2"), (Intent.BENIGN, "over_refusal@1")):
        brief = Brief(scenario, intent, tuple(studio.tools(scenario).values()))
        instruction = await studio.roles.author.write(brief)
        before = [len(model.asked) for model, _ in models]
        await refuser.refuse([HumanMessage(instruction.text)], brief)
        (spoke,) = [m.model for (m, _), n in zip(models, before, strict=True) if len(m.asked) > n]
        source = source_of(refuser, instruction)
        assert (source.writer, source.prompt) == (spoke, prompt)


async def test_a_role_that_is_no_mix_is_its_own_source(studio: Studio, scenario: Scenario) -> None:
    (instruction,) = await instructions(studio, scenario, 1)

    assert source_of(EmbeddedJudge(), instruction) == EmbeddedJudge().source
