"""Agents under test: a chat model in our agent loop, or an app of the user's."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from langchain_core.messages import BaseMessage

from agentalign_lc.environment.simulate import tool_schema
from agentalign_lc.evaluation.room import MAX_TURNS, Room
from agentalign_lc.guard import Guard
from agentalign_lc.roles.prompted import PromptedActor, Speaker
from agentalign_lc.synthesis.agent import AgentContext, build_agent, converse

__all__ = ["Agent", "ModelAgent"]


class Agent(Protocol):
    """What is put to the test."""

    name: str
    """Its label in the table, without a variant."""
    tools: frozenset[str] | None
    """The tools that it brings; None if it takes those of the scenario."""

    async def play(self, room: Room, guard: Guard | None) -> tuple[Sequence[BaseMessage], str]:
        """Let it answer what is said in a room, turn by turn.

        Args:
            room: The case, with the system message, what the user says, and the tools.
            guard: Stands before the agent, if the variant has one.

        Returns:
            All messages, and why it stopped: ``answer``, ``turns`` or ``interrupt``.
        """
        ...


class ModelAgent:
    """A chat model in the agent loop of synthesis, with the scenario's tools bound.

    Args:
        name: Its label.
        model: A chat model, an endpoint (which minds its limits and its costs), or a function that makes one for a room.
        max_turns: How often it may call tools.
    """

    tools: frozenset[str] | None = None

    def __init__(
        self,
        name: str,
        model: Speaker | Callable[[Room], Speaker],
        max_turns: int = MAX_TURNS,
    ) -> None:
        self.name = name
        self._model = model
        self._max_turns = max_turns
        self._loop = build_agent()
        self._guarded: dict[int, Any] = {}

    async def play(self, room: Room, guard: Guard | None) -> tuple[Sequence[BaseMessage], str]:
        """Run the loop, behind ``guard.wrap`` if there is a guard."""
        model = self._model if isinstance(self._model, Speaker) else self._model(room)
        loop = self._loop
        if guard is not None:
            guard.learn([tool_schema(spec) for spec in room.specs])
            loop = self._guarded.get(id(guard)) or self._guarded.setdefault(
                id(guard), guard.wrap(self._loop)
            )
        context = AgentContext(
            actor=PromptedActor(model),
            specs=room.specs,
            tools=room.tools,
            instruction=room.case.instruction,
            max_turns=self._max_turns,
        )
        return await converse(loop, [room.system], room.said, context)
