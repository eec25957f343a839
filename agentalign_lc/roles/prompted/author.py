"""The prompted author: chat models word the request and name the calls it should lead to."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from langchain_core.messages import BaseMessage
from pydantic import BaseModel, Field, field_validator

from agentalign_lc.environment.catalog import Catalog
from agentalign_lc.environment.simulate import tool_schema
from agentalign_lc.environment.slots import fill_arguments, fill_slots, fill_text
from agentalign_lc.records import (
    BehaviorChain,
    ExpectedCall,
    Instruction,
    Intent,
    Provenance,
    Scenario,
)
from agentalign_lc.roles.base import Brief
from agentalign_lc.roles.prompted.mix import Models, Speaker, mixed, names
from agentalign_lc.roles.prompted.model import ask, model_name
from agentalign_lc.roles.prompted.prompt import load_prompt
from agentalign_lc.seeds import stream
from agentalign_lc.styles import Pressure
from agentalign_lc.taxonomy import Library

__all__ = ["PromptedAuthor"]

_EXAMPLES = 2


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
    turns: list[str] = Field(
        min_length=1,
        description="What the user types, and nothing else: one text, or one for each turn if turns are asked for",
    )
    calls: list[_Call] = Field(min_length=1, description="The calls it should lead to, in order")

    @field_validator("turns")
    @classmethod
    def _said(cls, turns: list[str]) -> list[str]:
        if any(len(turn.strip()) < 2 for turn in turns) or len(" ".join(turns).strip()) < 8:
            raise ValueError("a turn is empty")
        return [turn.strip() for turn in turns]


@dataclass(frozen=True)
class _Example:
    text: str
    calls: list[str]


class PromptedAuthor:
    """Writes an instruction with a chat model; gates decide whether it is any good.

    Args:
        models: One model, or several with their weights; which one writes a
            request is decided by its scenario's seed, so that the same run asks the same.
        library: Where the examples are from; without one there are none.
        catalog: Whose tools the examples use.
    """

    answer = _Answer
    """What it asks for."""

    def __init__(
        self, models: Models, library: Library | None = None, catalog: Catalog | None = None
    ) -> None:
        self.mix = mixed(models)
        self._library = library
        self._catalog = catalog
        self._prompt = load_prompt("author")
        self.source = self._by(names(self.mix))

    def speaker(self, brief: Brief) -> Speaker:
        """The model to which a request falls."""
        return self.mix.pick(brief.scenario.seed, "author", brief.intent.value)

    def render(self, brief: Brief) -> list[BaseMessage]:
        """What that model is sent."""
        scenario = brief.scenario
        needed = [tool for tool in brief.tools if tool.name in scenario.tools]
        split = scenario.style.pressure is Pressure.DECOMPOSITION and len(scenario.tools) > 1
        return self._prompt.render(
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
            style=scenario.style,
            turns=min(len(scenario.tools), 4) if split else 1,
            examples=self._examples(scenario, brief.intent),
            feedback=brief.feedback,
        )

    async def write(self, brief: Brief) -> Instruction:
        """Write one instruction.

        Raises:
            AnswerError: the model gave no valid answer.
        """
        model = self.speaker(brief)
        answer = await ask(model, self.render(brief), _Answer)
        return Instruction(
            scenario=brief.scenario.id,
            intent=brief.intent,
            text="\n\n".join(answer.turns),
            turns=tuple(answer.turns) if len(answer.turns) > 1 else (),
            shows_at=len(answer.turns) - 1,
            calls=tuple(
                ExpectedCall(tool=call.tool, arguments=json.loads(call.arguments))
                for call in answer.calls
            ),
            author=self._by(model_name(model)),
        )

    def _by(self, writer: str) -> Provenance:
        return Provenance(role="author", writer=writer, prompt=self._prompt.label)

    @cached_property
    def _spoken(self) -> tuple[BehaviorChain, ...]:
        """The chains with phrasings; to look for them takes longer than all else about examples."""
        scripts = self._library.scripts if self._library else {}
        return tuple(chain for chain in self._library or () if scripts[chain.name].spoken)

    def _examples(self, scenario: Scenario, intent: Intent) -> list[_Example]:
        """Requests of other chains, of the same kind of harm where there are any."""
        if self._library is None or self._catalog is None:
            return []
        others = [chain for chain in self._spoken if chain.name != scenario.chain.name]
        near = [chain for chain in others if chain.subcategory == scenario.chain.subcategory]
        pool = near if len(near) >= _EXAMPLES else others
        random = stream(scenario.seed, "examples")
        chosen = random.sample(pool, min(_EXAMPLES, len(pool)))
        examples = []
        for chain in chosen:
            script = self._library.scripts[chain.name]
            reading = script.readings[intent]
            values = fill_slots(script.all_slots(), scenario.user, random, scenario.seed).values
            calls = [
                {
                    "tool": (call := self._catalog.call(
                        self._catalog.serving(step, script.given(n), script.awaited(n))[0],
                        step,
                        fill_arguments(reading.arguments[n], values),
                        values,
                    )).tool,
                    "arguments": call.arguments,
                }
                for n, step in enumerate(chain.steps)
            ]  # fmt: skip
            text = fill_text(random.choice(reading.phrasings), values).strip()
            said = [json.dumps(call, ensure_ascii=False) for call in calls]
            examples.append(_Example(text, said))
        return examples


def _facts(slots: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    return {name: dict(fields) for name, fields in slots.items() if name != "me"}
