"""The prompted actor: a chat model with the scenario's tools bound."""

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage

from agentalign_lc.environment.simulate import tool_schema
from agentalign_lc.environment.spec import ToolSpec
from agentalign_lc.errors import ConfigError
from agentalign_lc.records import Instruction, Provenance
from agentalign_lc.roles.prompted.mix import Models, Speaker, mixed, names
from agentalign_lc.roles.prompted.model import call, model_name

__all__ = ["PromptedActor"]


class PromptedActor:
    """Takes the agent's turns with a chat model.

    The prompt is the scenario's own system message, so that a trajectory looks
    as it would in an application; there is no prompt file.

    Args:
        models: One model, or several with their weights; which one has a
            conversation is decided by its scenario and intent, and stays so.
    """

    def __init__(self, models: Models) -> None:
        self.mix = mixed(models)
        self.source = Provenance(role="actor", writer=names(self.mix))

    def speaker(self, instruction: Instruction) -> Speaker:
        """The model to which a conversation falls."""
        return self.mix.pick(instruction.scenario, "actor", instruction.intent.value)

    def source_of(self, instruction: Instruction) -> Provenance:
        """Who carries out an instruction."""
        return Provenance(role="actor", writer=model_name(self.speaker(instruction)))

    @staticmethod
    def render(tools: Sequence[ToolSpec]) -> list[dict[str, Any]]:
        """What that model is sent besides the conversation: the schemas of the tools."""
        return [tool_schema(tool) for tool in tools]

    async def act(
        self,
        messages: Sequence[BaseMessage],
        tools: Sequence[ToolSpec],
        instruction: Instruction,
    ) -> AIMessage:
        """Return the model's next message.

        Raises:
            ConfigError: the model cannot call tools.
        """
        # Of the instruction, only whose it is: a model must not see the calls that are expected.
        model = self.speaker(instruction)
        try:
            bound = model.bind_tools(self.render(tools))
        except NotImplementedError as error:
            raise ConfigError(
                f"{model_name(model)} cannot call tools; choose a model that can"
            ) from error
        return await call(bound, messages)
