"""The prompted author: a chat model words the request and names the calls it should lead to."""

import json
from typing import Any

from langchain_core.language_models import BaseChatModel
from pydantic import BaseModel, Field, field_validator

from agentalign_lc.environment.simulate import tool_schema
from agentalign_lc.records import ExpectedCall, Instruction, Provenance
from agentalign_lc.roles.base import Brief
from agentalign_lc.roles.prompted.model import ask, model_name
from agentalign_lc.roles.prompted.prompt import load_prompt

__all__ = ["PromptedAuthor"]


class _Call(BaseModel):
    tool: str = Field(description="Name of the tool")
    # A JSON text and not an object: strict structured output knows no open objects.
    arguments: str = Field(description="The arguments as a JSON object, written as a string")

    @field_validator("arguments")
    @classmethod
    def _object(cls, text: str) -> str:
        try:
            value = json.loads(text)
        except ValueError as error:
            raise ValueError(f"arguments are no JSON ({error})") from error
        if not isinstance(value, dict):
            raise ValueError("arguments are no JSON object")  # noqa: TRY004 - pydantic wants it
        return text


class _Answer(BaseModel):
    text: str = Field(min_length=8, description="What the user types, and nothing else")
    calls: list[_Call] = Field(min_length=1, description="The calls it should lead to, in order")


class PromptedAuthor:
    """Writes an instruction with a chat model; gates decide whether it is any good."""

    def __init__(self, model: BaseChatModel) -> None:
        self._model = model
        self._prompt = load_prompt("author")
        self.source = Provenance(role="author", writer=model_name(model), prompt=self._prompt.label)

    async def write(self, brief: Brief) -> Instruction:
        """Write one instruction.

        Raises:
            AnswerError: the model gave no valid answer.
        """
        scenario = brief.scenario
        needed = [tool for tool in brief.tools if tool.name in scenario.tools]
        messages = self._prompt.render(
            intent=brief.intent.value,
            reading=scenario.chain.reading(brief.intent),
            category=scenario.chain.category,
            subcategory=scenario.chain.subcategory,
            steps=list(zip(scenario.chain.steps, scenario.tools, strict=True)),
            tools=[
                json.dumps(tool_schema(tool)["function"], ensure_ascii=False) for tool in needed
            ],
            user=scenario.user,
            contacts=scenario.contacts,
            slots=_facts(scenario.slots),
            feedback=brief.feedback,
        )
        answer = await ask(self._model, messages, _Answer)
        return Instruction(
            scenario=scenario.id,
            intent=brief.intent,
            text=answer.text.strip(),
            calls=tuple(
                ExpectedCall(tool=call.tool, arguments=json.loads(call.arguments))
                for call in answer.calls
            ),
            author=self.source,
        )


def _facts(slots: dict[str, dict[str, str]]) -> dict[str, Any]:
    return {name: fields for name, fields in slots.items() if name != "me"}
