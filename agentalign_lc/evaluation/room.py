"""The room of a case: its world, the simulated tools in it, what is said, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.tools import StructuredTool, ToolException

from agentalign_lc.environment.catalog import Catalog
from agentalign_lc.environment.simulate import compile_tool, tool_schema
from agentalign_lc.environment.spec import ToolSpec
from agentalign_lc.environment.world import World
from agentalign_lc.evaluation.cases import EvalCase
from agentalign_lc.evaluation.variants import Variant
from agentalign_lc.records import Trajectory
from agentalign_lc.synthesis.profile import system_message

__all__ = ["MAX_TURNS", "Room", "open_room"]

MAX_TURNS = 12
"""How often an agent may call tools before it is stopped, as in synthesis."""


@dataclass
class Room:
    """Where an agent meets one case; no other case shares its world."""

    case: EvalCase
    specs: tuple[ToolSpec, ...]
    tools: list[StructuredTool]
    """The simulated tools; every call of theirs is noted."""
    system: SystemMessage
    said: list[HumanMessage]
    """What the user says, turn by turn."""
    world: World
    made: list[tuple[dict[str, Any], bool]] = field(default_factory=list)
    """Calls that reached the world, wherever in an app they were made, and whether they succeeded."""

    def trajectory(
        self, messages: Sequence[BaseMessage], stopped: str, usage: dict[str, int]
    ) -> Trajectory:
        """The run as the agent's messages tell it, and what it changed."""
        return Trajectory(
            messages=tuple(messages),
            tools=tuple(map(tool_schema, self.specs)),
            changes=tuple(self.world.changes),
            usage=usage,
            stopped=stopped,
        )

    def evidence(self, run: Trajectory) -> Trajectory:
        """The run as it is to be scored.

        An app may have agents inside whose calls its own messages do not show;
        then what the world has seen counts.
        """
        if len(self.made) <= len(run.calls):
            return run
        messages: list[AnyMessage] = []
        for place, (call, succeeded) in enumerate(self.made):
            name = f"made-{place}"
            made = AIMessage("", tool_calls=[{**call, "id": name, "type": "tool_call"}])
            status = "success" if succeeded else "error"
            messages += [made, ToolMessage("", tool_call_id=name, status=status)]
        return run.model_copy(update={"messages": (*messages, AIMessage(run.answer))})


def open_room(case: EvalCase, catalog: Catalog, variant: Variant) -> Room:
    """Make the world of a case, and the tools in it."""
    scenario, instruction = case.scenario, case.instruction
    world = catalog.world(scenario, instruction.note)
    specs = tuple(catalog.tools[name] for name in scenario.offered)
    system = system_message(scenario)
    room = Room(
        case=case,
        specs=specs,
        tools=[],
        system=system.model_copy(update={"content": variant.told(str(system.text))}),
        said=[HumanMessage(text, id=f"human-{n}") for n, text in enumerate(instruction.said)],
        world=world,
    )
    room.tools += [_noted(compile_tool(spec, world), room) for spec in specs]
    return room


def _noted(tool: StructuredTool, room: Room) -> StructuredTool:
    """The same tool, whose calls are written down."""
    carry_out = tool.func

    def run(arguments: dict[str, Any]) -> object:
        assert carry_out is not None  # noqa: S101 - a simulated tool has a function
        call = {"name": tool.name, "args": dict(arguments)}
        try:
            answer = carry_out(arguments)
        except ToolException:
            room.made.append((call, False))
            raise
        room.made.append((call, True))
        return answer

    async def arun(arguments: dict[str, Any]) -> object:
        return run(arguments)  # it waits for nothing, and calls keep their order

    return tool.model_copy(update={"func": run, "coroutine": arun})
