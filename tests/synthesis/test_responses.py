"""Right and wrong answers to one scenario: refusals midway, executed harm, over-refusals, injections."""

import dataclasses

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from agentalign_lc.environment.twists import was_followed
from agentalign_lc.quality import check_execution, check_goal
from agentalign_lc.records import Example, Instruction, Intent, Result, Scenario, Status
from agentalign_lc.roles import Brief
from agentalign_lc.roles.embedded import EmbeddedActor
from agentalign_lc.styles import Pressure
from agentalign_lc.synthesis.instruction import build_instruction_graph
from agentalign_lc.synthesis.responses import Responder
from agentalign_lc.synthesis.stage import stage_scenario
from agentalign_lc.synthesis.studio import Studio

SEED = 7


def staged(studio: Studio, fits, pressure: float = 1.0) -> Scenario:
    """The first scenario of a run that is as it is wanted."""
    chains = tuple(studio.library)
    every = (
        stage_scenario(n, SEED, chains, studio.library, studio.catalog, pressure=pressure)
        for n in range(400)
    )
    return next(scenario for scenario in every if fits(scenario))


@pytest.fixture
def delegated(studio: Studio) -> Scenario:
    return staged(studio, lambda s: s.style.pressure is Pressure.DELEGATION and s.twist is None)


@pytest.fixture
def injected(studio: Studio) -> Scenario:
    return staged(studio, lambda s: s.twist is not None and s.twist.kind == "injection", 0.0)


async def ended(studio: Studio, scenario: Scenario, intent: Intent) -> Result:
    graph = build_instruction_graph(studio)
    out = await graph.ainvoke({"scenario": scenario, "intent": intent, "split": "train"})
    return out["ended"][0]


async def kept(studio: Studio, scenario: Scenario, intent: Intent) -> Example:
    result = await ended(studio, scenario, intent)
    assert result.status is Status.KEPT, result.reason
    assert result.example is not None
    return result.example


class TestNotes:
    """A request that stands in a note shows what it is for when the note was read."""

    async def test_the_three_requests_sound_the_same(self, studio, delegated) -> None:
        made = [(await kept(studio, delegated, intent)).instruction for intent in Intent]

        assert len({instruction.text for instruction in made}) == 1
        assert len({instruction.request for instruction in made}) == 3
        assert all(i.note and i.note.place in i.text and i.request not in i.text for i in made)

    async def test_harm_is_refused_once_it_was_read(self, studio, delegated) -> None:
        example = await kept(studio, delegated, Intent.HARMFUL)

        assert example.refused_at == len(delegated.opening) == len(example.response.calls) >= 1
        *_, read, refusal = example.response.messages
        assert isinstance(read, ToolMessage)
        assert example.response.calls[-1][0]["name"] == delegated.opening[-1].tool
        assert isinstance(refusal, AIMessage)
        assert not refusal.tool_calls

    async def test_the_others_are_read_and_carried_out(self, studio, delegated) -> None:
        for intent in (Intent.BORDERLINE, Intent.BENIGN):
            example = await kept(studio, delegated, intent)
            used = [call["name"] for call, _ in example.response.calls]
            assert used == [call.tool for call in (*delegated.opening, *example.instruction.calls)
                            ][len(delegated.opening):]  # fmt: skip
            assert example.refused_at is None

    async def test_an_agent_that_never_reads_it_fails(self, studio, delegated) -> None:
        class Lazy(EmbeddedActor):
            async def act(self, messages, tools, instruction):
                return AIMessage("All done!")

        roles = dataclasses.replace(studio.roles, actor=Lazy(studio.catalog))
        result = await ended(dataclasses.replace(studio, roles=roles), delegated, Intent.HARMFUL)

        assert (result.status, result.gate) == (Status.FAILED, "refuse")
        assert "answered before it had read" in result.reason

    async def test_references_count_the_calls_that_come_before(self, studio) -> None:
        chained = staged(
            studio,
            lambda s: (
                s.style.pressure is Pressure.DELEGATION
                and "{step" in str(studio.library.scripts[s.chain.name].benign.arguments)
            ),
        )
        example = await kept(studio, chained, Intent.BENIGN)
        assert f"{{step{len(chained.opening) + 1}." in str(example.instruction.calls)


class TestRejected:
    """Beside the response that a model should give stands one that it should not."""

    async def test_harm_was_within_reach(self, studio, scenario) -> None:
        example = await kept(studio, scenario, Intent.HARMFUL)

        assert example.rejected_as == "complied"
        tools = studio.tools(scenario)
        assert check_execution(example.rejected, scenario.chain.capabilities, tools).passed
        goal = check_goal(example.rejected, scenario, example.instruction, studio.catalog)
        assert goal.passed, goal.reason

    @pytest.mark.parametrize("intent", [Intent.BORDERLINE, Intent.BENIGN])
    async def test_help_was_refused(self, studio, scenario, intent: Intent) -> None:
        plain = scenario.model_copy(update={"twist": None})
        example = await kept(studio, plain, intent)

        assert example.rejected_as == "over_refused"
        assert not example.rejected.calls
        assert example.provenance[-1].role == "rejected refuser"

    async def test_an_injection_was_followed(self, studio, injected) -> None:
        for intent in (Intent.BORDERLINE, Intent.BENIGN):
            example = await kept(studio, injected, intent)
            assert example.rejected_as == "followed_injection"
            assert was_followed(example.rejected, injected.twist)
            assert not was_followed(example.response, injected.twist)
            tools = studio.tools(injected)
            executed = check_execution(example.rejected, injected.chain.capabilities, tools)
            assert executed.passed, "the rest was done as well"

    async def test_both_begin_alike(self, studio, scenario, delegated, injected) -> None:
        for made in (scenario, delegated, injected):
            for intent in Intent:
                example = await kept(studio, made, intent)
                chosen, rejected = example.response.messages, example.rejected.messages
                assert chosen[:2] == rejected[:2], "the same system message and request"
                assert isinstance(chosen[1], HumanMessage)
                assert example.rejected.tools == (), "they stand in the response"

    async def test_none_is_made_when_none_is_wanted(self, studio, scenario) -> None:
        without = dataclasses.replace(studio, rejected=False)

        assert (await kept(without, scenario, Intent.HARMFUL)).rejected is None

    async def test_an_over_refusal_that_is_none_is_left_out(self, studio, scenario) -> None:
        class Willing:
            source = studio.roles.refuser.source

            async def refuse(self, messages, brief: Brief) -> AIMessage:
                return AIMessage("Of course, here you go.")

        roles = dataclasses.replace(studio.roles, refuser=Willing())
        example = await kept(dataclasses.replace(studio, roles=roles), scenario, Intent.BENIGN)

        assert example.rejected is None
        assert example.rejected_as is None


async def test_harm_that_the_world_does_not_let_happen_has_no_rejected_response(
    studio: Studio, scenario: Scenario
) -> None:
    author = studio.roles.author
    brief = Brief(scenario, Intent.HARMFUL, tuple(studio.tools(scenario).values()))
    written: Instruction = await author.write(brief)
    nowhere = [call.model_copy(update={"arguments": {}}) for call in written.calls]
    impossible = written.model_copy(update={"calls": tuple(nowhere)})

    assert await Responder(studio).reject(impossible, brief) is None
