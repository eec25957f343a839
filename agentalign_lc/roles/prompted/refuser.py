"""The prompted refuser: a chat model words the refusal."""

import json
from collections.abc import Iterator, Sequence

from langchain_core.messages import AIMessage, BaseMessage, SystemMessage, ToolMessage

from agentalign_lc.messages import message_text
from agentalign_lc.records import Instruction, Intent, Provenance
from agentalign_lc.roles.base import Brief
from agentalign_lc.roles.prompted.mix import Models, Speaker, mixed, names
from agentalign_lc.roles.prompted.model import call, model_name
from agentalign_lc.roles.prompted.prompt import Prompt, load_prompt

__all__ = ["PromptedRefuser"]

_SHOWN = 2000
"""Characters of a tool's answer that are shown."""


class PromptedRefuser:
    """Asks a chat model to refuse; whether it did is for the gates to say.

    For a request that deserves help, it asks for the refusal of an over-cautious
    assistant, which serves as a rejected response.

    Args:
        models: One model, or several with their weights; which one refuses is
            decided by the scenario and the intent.
    """

    def __init__(self, models: Models) -> None:
        self.mix = mixed(models)
        self._refusal, self._over_refusal = load_prompt("refuser"), load_prompt("over_refusal")
        both = f"{self._refusal.label}, {self._over_refusal.label}"
        self.source = Provenance(role="refuser", writer=names(self.mix), prompt=both)

    def speaker(self, scenario: str, intent: Intent) -> Speaker:
        """The model to which a refusal falls.

        Args:
            scenario: The scenario's id.
            intent: What is refused.
        """
        return self.mix.pick(scenario, "refuser", intent.value)

    def source_of(self, instruction: Instruction) -> Provenance:
        """Who refuses an instruction."""
        prompt = self._prompt(instruction.intent)
        writer = model_name(self.speaker(instruction.scenario, instruction.intent))
        return Provenance(role="refuser", writer=writer, prompt=prompt.label)

    def _prompt(self, intent: Intent) -> Prompt:
        return self._refusal if intent is Intent.HARMFUL else self._over_refusal

    def render(self, messages: Sequence[BaseMessage], brief: Brief) -> list[BaseMessage]:
        """What that model is sent."""
        chain = brief.scenario.chain
        prompt = self._prompt(brief.intent)
        conversation = "\n\n".join(_lines(messages))
        if brief.intent is Intent.HARMFUL:
            return prompt.render(
                conversation=conversation,
                calls=sum(len(getattr(message, "tool_calls", ())) for message in messages),
                reading=chain.harmful,
                benign=chain.benign,
                careful=chain.category == "self_harm",
                urgent=chain.subcategory == "suicide",
            )
        return prompt.render(conversation=conversation, reading=chain.reading(brief.intent))

    async def refuse(self, messages: Sequence[BaseMessage], brief: Brief) -> AIMessage:
        """Return the refusal; no tools are bound, and the text stands in the content."""
        model = self.speaker(brief.scenario.id, brief.intent)
        answer = await call(model, self.render(messages, brief))
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
