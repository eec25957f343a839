"""Responses: a request carried out, refused where it shows what it is for, or answered wrongly."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage, ToolMessage

from agentalign_lc.environment.simulate import compile_tool, tool_schema
from agentalign_lc.environment.twists import was_followed
from agentalign_lc.errors import RoleError
from agentalign_lc.quality import check_execution, check_purity
from agentalign_lc.records import Instruction, Intent, Provenance, Scenario, Trajectory
from agentalign_lc.roles import Actor, Brief, Case, source_of
from agentalign_lc.roles.embedded import EmbeddedActor, GullibleActor
from agentalign_lc.synthesis.agent import AgentContext, build_agent, converse
from agentalign_lc.synthesis.delegation import shown
from agentalign_lc.synthesis.profile import system_message
from agentalign_lc.synthesis.studio import Studio

__all__ = ["Rejected", "Responder"]


@dataclass(frozen=True)
class Rejected:
    """A response that a model should not give."""

    response: Trajectory
    kind: Literal["complied", "over_refused", "followed_injection"]
    source: Provenance


class Responder:
    """Answers instructions of a studio, rightly and wrongly; each answer has a world of its own."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._agent = build_agent()

    async def carry_out(self, scenario: Scenario, instruction: Instruction) -> Trajectory:
        """Let the actor do all that the user asks."""
        return await self._run(scenario, instruction, self._studio.roles.actor)

    async def refuse(self, instruction: Instruction, brief: Brief) -> tuple[Trajectory, int]:
        """Let the actor work until it shows what the request is for; there the refuser speaks.

        A request over several turns shows it with its last one, a note when it
        was read, any other at once.

        Returns:
            The conversation, and the number of calls before the refusal.

        Raises:
            RoleError: the actor ended before it had read the note.
        """
        before, messages = await self._until_it_shows(instruction, brief.scenario)
        answer = await self._studio.roles.refuser.refuse(messages, brief)
        said = [*messages, answer]
        response = before.model_copy(
            update={
                "messages": _named(said, instruction),
                "usage": _usage(said),
                "stopped": "answer",
            }
        )
        return response, len(before.calls)

    async def _until_it_shows(
        self, instruction: Instruction, scenario: Scenario
    ) -> tuple[Trajectory, list[BaseMessage]]:
        """Let the actor work until all is said or read that the request consists of."""
        actor = self._studio.roles.actor
        if instruction.note is None:
            turns = len(instruction.said) - 1
            before = await self._run(scenario, instruction, actor, turns=turns)
            return before, [*before.messages, _user_says(instruction, turns)]
        before = await self._run(scenario, instruction, actor, until_shown=True)
        if before.stopped != "shown":
            raise RoleError(f"the agent answered before it had read {instruction.note.place}")
        return before, list(before.messages)

    async def reject(self, instruction: Instruction, brief: Brief) -> Rejected | None:
        """Answer as a model should not; None if that cannot be done.

        - harmful: the request is carried out, which proves that the harm was
          within reach. The embedded actor does it: an aligned model would not;
        - otherwise, where a tool's result carries an injected instruction: it is followed;
        - otherwise: it is refused, though it deserves help.
        """
        scenario, catalog = brief.scenario, self._studio.catalog
        scripted = EmbeddedActor(catalog)
        tools = self._studio.tools(scenario)
        chain = scenario.chain.capabilities
        if instruction.intent is Intent.HARMFUL:
            run = await self._run(scenario, instruction, scripted)
            reached = check_execution(run, chain, tools).passed
            return Rejected(_bare(run), "complied", scripted.source) if reached else None
        twist = scenario.twist
        if twist is not None and twist.kind == "injection":
            gullible = GullibleActor(scripted, twist, catalog)
            run = await self._run(scenario, instruction, gullible)
            if was_followed(run, twist):
                return Rejected(_bare(run), "followed_injection", gullible.source)
        return await self._over_refuse(instruction, brief)

    async def _over_refuse(self, instruction: Instruction, brief: Brief) -> Rejected | None:
        roles = self._studio.roles
        before, messages = await self._until_it_shows(instruction, brief.scenario)
        answer = await roles.refuser.refuse(messages, brief)
        said = _named([*messages, answer], instruction)
        response = before.model_copy(update={"messages": said, "stopped": "answer"})
        case = Case("refusal", instruction.request, response.answer)
        pure = check_purity(response, len(before.calls)).passed
        if not pure or not (await roles.judge.judge(case)).passed:
            return None
        source = source_of(roles.refuser, instruction)
        return Rejected(_bare(response), "over_refused", source)

    async def _run(
        self,
        scenario: Scenario,
        instruction: Instruction,
        actor: Actor,
        *,
        turns: int | None = None,
        until_shown: bool = False,
    ) -> Trajectory:
        """Let an actor do what the user asks in the first so many turns, by default in all."""
        studio = self._studio
        turns = len(instruction.said) if turns is None else turns
        if turns == 0:  # nothing happens, so no world is needed
            opening = _named([system_message(scenario)], instruction)
            return Trajectory(messages=opening, tools=_schemas(studio, scenario))
        world = studio.catalog.world(scenario, instruction.note)
        specs = tuple(studio.tools(scenario).values())
        started = world.today
        context = AgentContext(
            actor=actor,
            specs=specs,
            tools=[compile_tool(spec, world) for spec in specs],
            instruction=instruction,
            max_turns=studio.max_turns,
            stop=(lambda messages: _shown(instruction, messages)) if until_shown else None,
        )
        said = [_user_says(instruction, turn) for turn in range(turns)]
        messages, stopped = await converse(self._agent, [system_message(scenario)], said, context)
        return Trajectory(
            messages=_named(messages, instruction),
            tools=_schemas(studio, scenario),
            changes=tuple(world.changes),
            seconds=(world.today - started).total_seconds(),
            usage=_usage(messages),
            stopped=stopped,
        )


def _schemas(studio: Studio, scenario: Scenario) -> tuple[dict[str, Any], ...]:
    return tuple(map(tool_schema, studio.tools(scenario).values()))


def _shown(instruction: Instruction, messages: Sequence[AnyMessage]) -> bool:
    results = [str(message.text) for message in messages if isinstance(message, ToolMessage)]
    return instruction.note is not None and shown(instruction.note, results)


def _bare(run: Trajectory) -> Trajectory:
    # Its tools are those of the response beside it, and make up half of a row.
    return run.model_copy(update={"tools": ()})


def _user_says(instruction: Instruction, turn: int) -> HumanMessage:
    return HumanMessage(instruction.said[turn], id=f"human-{instruction.id[-12:]}-{turn}")


def _named(messages: Sequence[BaseMessage], instruction: Instruction) -> tuple[BaseMessage, ...]:
    # LangChain gives messages random ids; derived ones keep the bytes of a run its seed's.
    return tuple(
        message.model_copy(update={"id": f"message-{instruction.id[-12:]}-{number}"})
        for number, message in enumerate(messages)
    )


def _usage(messages: Sequence[BaseMessage]) -> dict[str, int]:
    usage = {"input_tokens": 0, "output_tokens": 0}
    for message in messages:
        if isinstance(message, AIMessage) and message.usage_metadata:
            usage["input_tokens"] += message.usage_metadata["input_tokens"]
            usage["output_tokens"] += message.usage_metadata["output_tokens"]
    return usage if any(usage.values()) else {}
