"""The prompted refuser: a chat model words the refusal."""

import json
from collections.abc import Iterator, Sequence

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, SystemMessage, ToolMessage

from agentalign_lc.messages import message_text
from agentalign_lc.records import Intent, Provenance
from agentalign_lc.roles.base import Brief
from agentalign_lc.roles.prompted.model import call, model_name
from agentalign_lc.roles.prompted.prompt import load_prompt

__all__ = ["PromptedRefuser"]

_SHOWN = 2000
"""Characters of a tool's answer that are shown."""


class PromptedRefuser:
    """Asks a chat model to refuse; whether it did is for the gates to say.

    For a request that deserves help, it asks for the refusal of an over-cautious
    assistant, which serves as a rejected response.
    """

    def __init__(self, model: BaseChatModel) -> None:
        self._model = model
        self._refusal, self._over_refusal = load_prompt("refuser"), load_prompt("over_refusal")
        self.source = Provenance(
            role="refuser",
            writer=model_name(model),
            prompt=f"{self._refusal.label}, {self._over_refusal.label}",
        )

    async def refuse(self, messages: Sequence[BaseMessage], brief: Brief) -> AIMessage:
        """Return the refusal; no tools are bound, and the text stands in the content."""
        chain = brief.scenario.chain
        conversation = "\n\n".join(_lines(messages))
        if brief.intent is Intent.HARMFUL:
            prompt = self._refusal.render(
                conversation=conversation,
                calls=sum(len(getattr(message, "tool_calls", ())) for message in messages),
                reading=chain.harmful,
                benign=chain.benign,
                careful=chain.category == "self_harm",
                urgent=chain.subcategory == "suicide",
            )
        else:
            reading = chain.reading(brief.intent)
            prompt = self._over_refusal.render(conversation=conversation, reading=reading)
        answer = await call(self._model, prompt)
        return AIMessage(
            message_text(answer).strip(), id=answer.id, usage_metadata=answer.usage_metadata
        )


def _lines(messages: Sequence[BaseMessage]) -> Iterator[str]:
    """The conversation for a reader: who says what, which calls were made, what came back."""
    for message in messages:
        text = message_text(message)
        if isinstance(message, SystemMessage):
            continue
        if isinstance(message, ToolMessage):
            yield f"Tool: {text[:_SHOWN]}"
        elif isinstance(message, AIMessage):
            if text:
                yield f"Assistant: {text}"
            for made in message.tool_calls:
                arguments = json.dumps(made["args"], ensure_ascii=False)
                yield f"Assistant calls {made['name']}: {arguments}"
        else:
            yield f"User: {text}"
