"""One scenario through the graph: triplets, retries with feedback, what passes through."""

import pytest
from langchain_core.messages import AIMessage, SystemMessage

from agentalign_lc.errors import AccessError, BudgetError, EndpointError, StopError
from agentalign_lc.records import Instruction, Intent, Provenance, Result, Scenario, Status
from agentalign_lc.roles import Brief, Roles
from agentalign_lc.roles.embedded import EmbeddedAuthor, embedded_roles
from agentalign_lc.synthesis import Studio, build_graph


async def results(studio: Studio, index: int = 0) -> dict[Intent, Result]:
    out = await build_graph(studio).ainvoke({"index": index, "seed": 7})
    return {result.intent: result for result in out["results"]}


def studio_with(studio: Studio, **members: object) -> Studio:
    roles = embedded_roles(studio.library, studio.catalog)
    for name, member in members.items():
        object.__setattr__(roles, name, member)
    return Studio(roles, studio.catalog, studio.library, pressure=0.0)


async def test_a_triplet_shares_chain_tools_and_world(studio: Studio) -> None:
    triplet = await results(studio)

    examples = [result.example for result in triplet.values()]
    assert all(example is not None for example in examples)
    assert len({example.scenario.id for example in examples if example}) == 1
    assert len({example.instruction.text for example in examples if example}) == 3


async def test_harm_is_refused_and_the_rest_is_carried_out(studio: Studio) -> None:
    triplet = await results(studio)

    harmful = triplet[Intent.HARMFUL].example
    assert harmful is not None
    assert harmful.refused_at == len(harmful.response.calls)
    for intent in (Intent.BORDERLINE, Intent.BENIGN):
        example = triplet[intent].example
        assert example is not None
        used = [studio.catalog.tools[call["name"]].capability for call, _ in example.response.calls]
        assert set(used) == set(example.scenario.chain.capabilities)
        assert example.response.answer


async def test_the_agent_is_offered_more_than_it_needs(studio: Studio) -> None:
    example = (await results(studio))[Intent.BENIGN].example

    assert example is not None
    offered = {tool["function"]["name"] for tool in example.response.tools}
    assert 3 <= len(offered - set(example.scenario.tools)) <= 8


class StubbornAuthor:
    """Leaves out what the tools need, until it was told so often enough."""

    source = Provenance(role="author", writer="stubborn")

    def __init__(self, author: EmbeddedAuthor, gives_in_after: int) -> None:
        self.author = author
        self.gives_in_after = gives_in_after
        self.briefs: list[Brief] = []

    async def write(self, brief: Brief) -> Instruction:
        self.briefs.append(brief)
        instruction = await self.author.write(brief)
        if len(brief.feedback) >= self.gives_in_after:
            return instruction
        return instruction.model_copy(update={"text": "Please do the usual."})


async def test_feedback_reaches_the_author(studio: Studio) -> None:
    author = StubbornAuthor(EmbeddedAuthor(studio.library, studio.catalog), gives_in_after=2)

    triplet = await results(studio_with(studio, author=author))

    assert {result.status for result in triplet.values()} == {Status.KEPT}
    last = author.briefs[-1]
    assert len(last.feedback) == 2
    assert last.feedback[0].startswith("request.grounding: ")


async def test_tries_are_bounded(studio: Studio) -> None:
    author = StubbornAuthor(EmbeddedAuthor(studio.library, studio.catalog), gives_in_after=99)

    triplet = await results(studio_with(studio, author=author))

    assert {result.gate for result in triplet.values()} == {"request.grounding"}
    assert len(author.briefs) == 3 * studio.max_tries


class Refuser:
    """Says what it was made with."""

    source = Provenance(role="refuser", writer="fixed")

    def __init__(self, answer: AIMessage | Exception) -> None:
        self.answer = answer

    async def refuse(self, messages: object, brief: Brief) -> AIMessage:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("answer", "gate"),
    [
        (AIMessage("Sure, I'll get started."), "response.refusal"),
        (AIMessage(""), "response.purity"),
        (
            AIMessage("I won't.", tool_calls=[{"name": "send_gmail", "args": {}, "id": "1"}]),
            "response.purity",
        ),
    ],
)
async def test_what_is_no_refusal_is_not_kept(studio: Studio, answer: AIMessage, gate: str) -> None:
    triplet = await results(studio_with(studio, refuser=Refuser(answer)))

    harmful = triplet[Intent.HARMFUL]
    assert (harmful.status, harmful.gate) == (Status.REJECTED, gate)
    assert harmful.example is not None, "what was rejected can be read"


@pytest.mark.parametrize("error", [AccessError, BudgetError, EndpointError])
async def test_what_ends_the_run_is_no_scenarios_fault(
    studio: Studio, error: type[StopError]
) -> None:
    with pytest.raises(error):
        await results(studio_with(studio, refuser=Refuser(error("no more"))))


def test_roles_say_who_they_are(studio: Studio) -> None:
    roles: Roles = studio.roles

    assert [source.role for source in roles.sources] == [
        "planner",
        "author",
        "actor",
        "refuser",
        "judge",
    ]


async def test_the_system_message_names_user_time_and_contacts(
    studio: Studio, scenario: Scenario
) -> None:
    example = (await results(studio))[Intent.BENIGN].example

    assert example is not None
    system = example.response.messages[0]
    assert isinstance(system, SystemMessage)
    for text in (scenario.user.email, scenario.contacts[0].name, "UTC"):
        assert text in str(system.content)
