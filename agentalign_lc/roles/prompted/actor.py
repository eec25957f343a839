"""The prompted actor: a chat model with the scenario's tools bound."""

from collections.abc import Sequence

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage

from agentalign_lc.environment.simulate import tool_schema
from agentalign_lc.environment.spec import ToolSpec
from agentalign_lc.errors import ConfigError
from agentalign_lc.records import Instruction, Provenance
from agentalign_lc.roles.prompted.model import call, model_name

__all__ = ["PromptedActor"]


class PromptedActor:
    """Takes the agent's turns with a chat model.

    The prompt is the scenario's own system message, so that a trajectory looks
    as it would in an application; there is no prompt file.
    """

    def __init__(self, model: BaseChatModel) -> None:
        self._model = model
        self.source = Provenance(role="actor", writer=model_name(model))

    async def act(
        self,
        messages: Sequence[BaseMessage],
        tools: Sequence[ToolSpec],
        instruction: Instruction,  # noqa: ARG002 - the role's shape; a model must not see the answer
    ) -> AIMessage:
        """Return the model's next message.

        Raises:
            ConfigError: the model cannot call tools.
        """
        try:
            bound = self._model.bind_tools([tool_schema(tool) for tool in tools])
        except NotImplementedError as error:
            raise ConfigError(
                f"{model_name(self._model)} cannot call tools; choose a model that can"
            ) from error
        return await call(bound, messages)
