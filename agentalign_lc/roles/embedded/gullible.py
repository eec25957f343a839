"""The gullible actor: does what a tool's result tells it, for the rejected half of a pair."""

from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from agentalign_lc.environment.catalog import Catalog
from agentalign_lc.environment.spec import ToolSpec
from agentalign_lc.environment.twists import injected_fields
from agentalign_lc.records import ExpectedCall, Instruction, Provenance, Twist
from agentalign_lc.roles.base import Actor
from agentalign_lc.roles.embedded.actor import tool_call
from agentalign_lc.seeds import derive_seed

__all__ = ["GullibleActor"]

_TOLD = 120


class GullibleActor:
    """Carries out a request as another actor does, and an injected instruction on the way.

    Args:
        actor: Who does the work that was asked for.
        twist: The injected instruction.
        catalog: The tools.
    """

    def __init__(self, actor: Actor, twist: Twist, catalog: Catalog) -> None:
        self.source = Provenance(role="actor", writer="embedded")
        self._actor = actor
        self._twist = twist
        self._catalog = catalog

    async def act(
        self, messages: Sequence[BaseMessage], tools: Sequence[ToolSpec], instruction: Instruction
    ) -> AIMessage:
        """Return the attacker's call once its words were read; otherwise what the other actor says."""
        seed = derive_seed(instruction.id, "gullible", self._twist.marker)
        mine = f"call_{seed[:24]}"
        read = any(isinstance(m, ToolMessage) and self._reads(m) for m in messages)
        done = any(isinstance(m, ToolMessage) and m.tool_call_id == mine for m in messages)
        said = [str(m.text) for m in messages if isinstance(m, HumanMessage)]
        wanted = self._wanted(tools, said[-1]) if read and not done else None
        if wanted is not None:
            call = tool_call(wanted, seed)
            return AIMessage("", tool_calls=[call], id=f"ai-{seed[:12]}")
        rest = [message for message in messages if not _is(message, mine)]
        return await self._actor.act(rest, tools, instruction)

    def _reads(self, message: ToolMessage) -> bool:
        # The marker alone: a result is JSON, in which the words themselves may be escaped.
        return self._twist.marker in str(message.text)

    def _wanted(self, tools: Sequence[ToolSpec], said: str) -> ExpectedCall | None:
        step, fields = injected_fields(self._twist, said[:_TOLD])
        able = set(self._catalog.serving(step))
        tool = next((tool for tool in tools if tool.name in able), None)
        return self._catalog.call(tool.name, step, fields) if tool else None


def _is(message: BaseMessage, call_id: str) -> bool:
    if isinstance(message, ToolMessage):
        return message.tool_call_id == call_id
    return isinstance(message, AIMessage) and any(c["id"] == call_id for c in message.tool_calls)
