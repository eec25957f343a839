"""Counting roles: embedded writers do the work, and what a model would have been asked is counted."""

import dataclasses
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.utils import count_tokens_approximately
from langchain_core.outputs import ChatResult
from pydantic import BaseModel

from agentalign_lc.endpoints.loading import weighted
from agentalign_lc.environment.spec import ToolSpec
from agentalign_lc.records import Instruction, Outcome, Verdict
from agentalign_lc.roles import Actor, Author, Brief, Case, Judge, Refuser, Roles
from agentalign_lc.roles.prompted import (
    PromptedActor,
    PromptedAuthor,
    PromptedJudge,
    PromptedRefuser,
    Speaker,
    model_name,
)
from agentalign_lc.synthesis.scaling import Usage

__all__ = ["Absent", "Ledger", "counted"]

_CHARS_PER_TOKEN = 3.5
"""Prose has four; schemas, arguments and addresses, of which these prompts are full, have fewer."""
_REASON = "The request asks for something that a careful assistant would see in this way, since it says so."
"""As long as the sentence that judges are asked for."""
_TURNED_DOWN = "grounding: send_email.subject: 'Quarterly figures' was not given by anybody"
"""As long as what an author is told about a try that was turned down."""


_Counts = defaultdict[tuple[str, str], Usage]


def _counts() -> _Counts:
    return defaultdict(Usage)


@dataclass
class Ledger:
    """What a unit of work asked, by role and model."""

    asked: _Counts = field(default_factory=_counts)
    again: _Counts = field(default_factory=_counts)
    """What it may ask besides, if every request is written as often as it may be."""
    tries: int = 3
    """How often a request may be written."""

    def clear(self) -> None:
        """Begin with the next unit."""
        self.asked, self.again = _counts(), _counts()

    def count(
        self,
        role: str,
        model: Speaker,
        sent: Sequence[BaseMessage],
        reply: AIMessage,
        schemas: Sequence[dict[str, Any]] = (),
        *,
        again: bool = False,
    ) -> None:
        """Count a call: messages and schemas sent, and the reply."""
        read = count_tokens_approximately(
            sent, tools=list(schemas), chars_per_token=_CHARS_PER_TOKEN
        )
        written = count_tokens_approximately([reply], chars_per_token=_CHARS_PER_TOKEN)
        counts = self.again if again else self.asked
        counts[role, model_name(model)] += Usage(1, read, written)


class Absent:
    """Gives models that have a name and cannot be asked, so that nobody needs a key.

    Example:
        >>> [(model, weight)] = Absent().mix(["openai:gpt-5.4-mini=2"])
        >>> model_name(model), weight
        ('openai:gpt-5.4-mini', 2.0)
    """

    def mix(self, names: Sequence[str]) -> list[tuple[BaseChatModel, float]]:
        """The models of a weighted mix."""
        return [(_Named(model=name), weight) for name, weight in map(weighted, names)]


class _Named(BaseChatModel):
    model: str

    @property
    def _llm_type(self) -> str:
        return "absent"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,  # noqa: ANN401 - as LangChain has it
    ) -> ChatResult:
        raise NotImplementedError(f"{self.model} is only counted, and not asked")


def counted(roles: Roles, embedded: Roles, ledger: Ledger) -> Roles:
    """Put a counting role in the place of every prompted one.

    Args:
        roles: Who would write.
        embedded: Who does.
        ledger: Where it is counted.
    """
    author: Author = embedded.author
    actor: Actor = embedded.actor
    refuser: Refuser = embedded.refuser
    judge: Judge = embedded.judge
    if isinstance(roles.author, PromptedAuthor):
        author = _CountedAuthor(roles.author, author, ledger)
    if isinstance(roles.actor, PromptedActor):
        actor = _CountedActor(roles.actor, actor, ledger)
    if isinstance(roles.refuser, PromptedRefuser):
        refuser = _CountedRefuser(roles.refuser, refuser, ledger)
    if isinstance(roles.judge, PromptedJudge):
        judge = _CountedJudge(roles.judge, judge, ledger)
    return Roles(embedded.planner, author, actor, refuser, judge)


class _CountedAuthor:
    needs_phrasings = True

    def __init__(self, prompted: PromptedAuthor, embedded: Author, ledger: Ledger) -> None:
        self.source = prompted.source
        self._prompted, self._embedded, self._ledger = prompted, embedded, ledger

    async def write(self, brief: Brief) -> Instruction:
        written = await self._embedded.write(brief)
        calls = [
            {"tool": call.tool, "arguments": json.dumps(dict(call.arguments), ensure_ascii=False)}
            for call in written.calls
        ]
        reply = _json({"turns": list(written.said), "calls": calls})
        for tries in range(len(brief.feedback), self._ledger.tries):
            told = dataclasses.replace(brief, feedback=(_TURNED_DOWN,) * tries)
            self._ledger.count(
                "author",
                self._prompted.speaker(brief),
                self._prompted.render(told if tries else brief),
                reply,
                [_schema(self._prompted.answer)],
                again=tries > len(brief.feedback),
            )
        return written


class _CountedActor:
    def __init__(self, prompted: PromptedActor, embedded: Actor, ledger: Ledger) -> None:
        self.source = prompted.source
        self._prompted, self._embedded, self._ledger = prompted, embedded, ledger

    async def act(
        self, messages: Sequence[BaseMessage], tools: Sequence[ToolSpec], instruction: Instruction
    ) -> AIMessage:
        turn = await self._embedded.act(messages, tools, instruction)
        speaker, schemas = self._prompted.speaker(instruction), self._prompted.render(tools)
        self._ledger.count("actor", speaker, messages, turn, schemas)
        return turn


class _CountedRefuser:
    def __init__(self, prompted: PromptedRefuser, embedded: Refuser, ledger: Ledger) -> None:
        self.source = prompted.source
        self._prompted, self._embedded, self._ledger = prompted, embedded, ledger

    async def refuse(self, messages: Sequence[BaseMessage], brief: Brief) -> AIMessage:
        refusal = await self._embedded.refuse(messages, brief)
        speaker = self._prompted.speaker(brief.scenario.id, brief.intent)
        self._ledger.count("refuser", speaker, self._prompted.render(messages, brief), refusal)
        return refusal


class _CountedJudge:
    def __init__(self, prompted: PromptedJudge, embedded: Judge, ledger: Ledger) -> None:
        self.source = prompted.source
        self.questions = prompted.questions
        self._prompted, self._embedded, self._ledger = prompted, embedded, ledger

    async def judge(self, case: Case) -> Verdict:
        # The intent is asked of every try of a request, all else of the one that passed.
        tries = self._ledger.tries if case.question == "intent" else 1
        for number in range(tries):
            self._ledger.count(
                "judge",
                self._prompted.speaker(case.request),
                self._prompted.render(case),
                _json({"reason": _REASON, "answer": "yes"}),
                [_schema(self._prompted.answer)],
                again=number > 0,
            )
        if case.question in self._embedded.questions:
            return await self._embedded.judge(case)
        return Verdict(gate=case.question, outcome=Outcome.PASS)


def _json(answer: dict[str, Any]) -> AIMessage:
    return AIMessage(json.dumps(answer, ensure_ascii=False))


@cache
def _schema(answer: type[BaseModel]) -> dict[str, Any]:
    return answer.model_json_schema()
