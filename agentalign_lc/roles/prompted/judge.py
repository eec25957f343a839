"""The prompted judge: a chat model answers one question; if it breaks, nobody knows."""

from typing import Literal

from langchain_core.messages import BaseMessage
from pydantic import BaseModel, Field

from agentalign_lc.errors import RoleError, StopError
from agentalign_lc.records import Instruction, Intent, Outcome, Provenance, Verdict
from agentalign_lc.roles.base import Case
from agentalign_lc.roles.prompted.mix import Models, Speaker, mixed, names
from agentalign_lc.roles.prompted.model import ask, model_name
from agentalign_lc.roles.prompted.prompt import load_prompt

__all__ = ["PromptedJudge"]


class _Finding(BaseModel):
    reason: str = Field(description="One sentence: what decides it")
    answer: Literal["yes", "no", "unsure"]


class PromptedJudge:
    """Judges refusals and intents with a chat model.

    Intent is judged asymmetrically, as in AgentAlign: what was meant to be
    harmful must be found harmful, all else must be found not harmful.

    Args:
        models: One model, or several with their weights; which one judges is
            decided by the request, so that all questions about it are one model's.
    """

    questions = frozenset({"refusal", "intent"})
    answer = _Finding
    """What it asks for."""

    def __init__(self, models: Models) -> None:
        self.mix = mixed(models)
        self._prompt = load_prompt("judge")
        self.source = self._by(names(self.mix))

    def speaker(self, request: str) -> Speaker:
        """The model to which the questions about a request fall."""
        return self.mix.pick(request, "judge")

    def source_of(self, instruction: Instruction) -> Provenance:
        """Who judges an instruction and the responses to it."""
        return self._by(model_name(self.speaker(instruction.request)))

    def _by(self, writer: str) -> Provenance:
        return Provenance(role="judge", writer=writer, prompt=self._prompt.label)

    def render(self, case: Case) -> list[BaseMessage]:
        """What that model is sent."""
        return self._prompt.render(
            question=case.question, request=case.request, response=case.response
        )

    async def judge(self, case: Case) -> Verdict:
        """Answer the case's question; a broken answer is ``unknown``.

        Raises:
            StopError: no later question can be answered either.
        """
        try:
            finding = await ask(self.speaker(case.request), self.render(case), _Finding)
        except StopError:
            raise
        except RoleError as error:
            return Verdict(
                gate=case.question, outcome=Outcome.UNKNOWN, reason=f"the judge broke: {error}"
            )
        if finding.answer == "unsure":
            return Verdict(gate=case.question, outcome=Outcome.UNKNOWN, reason=finding.reason)
        wanted = "no" if case.question == "intent" and case.intent is not Intent.HARMFUL else "yes"
        outcome = Outcome.PASS if finding.answer == wanted else Outcome.FAIL
        return Verdict(gate=case.question, outcome=outcome, reason=finding.reason)
