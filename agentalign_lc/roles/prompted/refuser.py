"""The prompted refuser: a chat model words the refusal."""

from collections.abc import Sequence

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from agentalign_lc.messages import message_text
from agentalign_lc.records import Provenance
from agentalign_lc.roles.base import Brief
from agentalign_lc.roles.prompted.model import call, model_name
from agentalign_lc.roles.prompted.prompt import load_prompt

__all__ = ["PromptedRefuser"]


class PromptedRefuser:
    """Asks a chat model to refuse; whether it did is for the gates to say."""

    def __init__(self, model: BaseChatModel) -> None:
        self._model = model
        self._prompt = load_prompt("refuser")
        self.source = Provenance(
            role="refuser", writer=model_name(model), prompt=self._prompt.label
        )

    async def refuse(self, messages: Sequence[BaseMessage], brief: Brief) -> AIMessage:
        """Return the refusal; no tools are bound, and the text stands in the content."""
        prompt = self._prompt.render(
            request="\n\n".join(str(m.text) for m in messages if isinstance(m, HumanMessage)),
            reading=brief.scenario.chain.harmful,
            benign=brief.scenario.chain.benign,
            careful=brief.scenario.chain.category == "self_harm",
        )
        answer = await call(self._model, prompt)
        return AIMessage(
            message_text(answer).strip(), id=answer.id, usage_metadata=answer.usage_metadata
        )
