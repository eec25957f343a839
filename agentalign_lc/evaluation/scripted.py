"""Scripted agents, whose table is known: the reference points of a first evaluation."""

from typing import Any, Literal

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from pydantic import PrivateAttr

from agentalign_lc.environment.catalog import Catalog
from agentalign_lc.errors import ConfigError, RoleError
from agentalign_lc.evaluation.agents import ModelAgent
from agentalign_lc.evaluation.room import Room
from agentalign_lc.records import Intent
from agentalign_lc.roles import Brief
from agentalign_lc.roles.embedded import EmbeddedActor, EmbeddedRefuser
from agentalign_lc.taxonomy import Library

__all__ = ["SCRIPTED", "scripted_agent"]

Behaviour = Literal["executes", "refuses", "refuses-harmful"]

SCRIPTED: dict[str, frozenset[Intent]] = {
    "executes": frozenset(),
    "refuses": frozenset(Intent),
    "refuses-harmful": frozenset({Intent.HARMFUL}),
}
"""The intents that each of them refuses, at once and without a call; the rest it carries out."""

_PLAIN_REFUSAL = "I won’t help with this."


def scripted_agent(behaviour: str, library: Library, catalog: Catalog) -> ModelAgent:
    """Make one of the agents in ``SCRIPTED``.

    It is a chat model in the ordinary loop, so that a guard sees what it says. It
    knows the intent of a request, and the calls that carry it out.

    Raises:
        ConfigError: there is no such agent.
    """
    if behaviour not in SCRIPTED:
        known = ", ".join(f"scripted:{name}" for name in SCRIPTED)
        raise ConfigError(f"no scripted agent {behaviour!r}; there are {known}")
    refuser, actor = EmbeddedRefuser(library, catalog), EmbeddedActor(catalog)

    def model(room: Room) -> BaseChatModel:
        made = _ScriptedModel()
        made._room, made._refuser, made._actor = room, refuser, actor  # noqa: SLF001 - its maker
        made._refuses = room.case.instruction.intent in SCRIPTED[behaviour]  # noqa: SLF001
        return made

    return ModelAgent(f"scripted:{behaviour}", model)


class _ScriptedModel(BaseChatModel):
    """Says what the embedded actor or the embedded refuser says in one room."""

    _room: Room = PrivateAttr()
    _refuser: EmbeddedRefuser = PrivateAttr()
    _actor: EmbeddedActor = PrivateAttr()
    _refuses: bool = PrivateAttr(default=False)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, *_: Any, **__: Any) -> Runnable[Any, AIMessage]:  # noqa: ANN401
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> ChatResult:
        raise NotImplementedError("evaluation is asynchronous")

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,  # noqa: ARG002 - LangChain's shape
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002
        **_: Any,  # noqa: ANN401
    ) -> ChatResult:
        said = await self._said(messages)
        return ChatResult(generations=[ChatGeneration(message=said)])

    async def _said(self, messages: list[BaseMessage]) -> AIMessage:
        case, specs = self._room.case, self._room.specs
        if not self._refuses:
            return await self._actor.act(messages, specs, case.instruction)
        brief = Brief(case.scenario, case.instruction.intent, specs)
        try:
            return await self._refuser.refuse(messages, brief)
        except RoleError:  # a chain of the user's without words for a refusal
            return AIMessage(_PLAIN_REFUSAL)
