"""The prompted planner: a chat model proposes chains; only valid ones are passed on."""

from collections.abc import Sequence

from langchain_core.language_models import BaseChatModel
from pydantic import BaseModel, Field, ValidationError

from agentalign_lc.errors import AnswerError
from agentalign_lc.records import BehaviorChain, Provenance, Step
from agentalign_lc.roles.base import PlanRequest
from agentalign_lc.roles.prompted.model import ask, model_name
from agentalign_lc.roles.prompted.prompt import load_prompt
from agentalign_lc.taxonomy import load_harms

__all__ = ["PromptedPlanner"]


class _Proposal(BaseModel):
    name: str = Field(description="Short name: lower-case words joined by hyphens")
    steps: list[str] = Field(description="One to six steps, each `capability:action` from the list")
    harmful: str = Field(description="One line: what the steps are for with a harmful intent")
    borderline: str = Field(description="One line: the same steps, sensitive but legitimate")
    benign: str = Field(description="One line: the same steps as an everyday errand")


class _Proposals(BaseModel):
    chains: list[_Proposal]


class PromptedPlanner:
    """Asks a chat model for chains.

    What it proposes is checked (known capabilities, one to six steps, a new
    sequence, three readings); what fails the checks is dropped. A person
    reviews the rest before they join a library.
    """

    def __init__(self, model: BaseChatModel) -> None:
        self._model = model
        self._prompt = load_prompt("planner")
        self.source = Provenance(
            role="planner", writer=model_name(model), prompt=self._prompt.label
        )

    async def plan(self, request: PlanRequest) -> Sequence[BehaviorChain]:
        """Propose up to ``request.count`` valid chains.

        Raises:
            AnswerError: no proposal was valid.
        """
        messages = self._prompt.render(
            subcategory=request.subcategory,
            description=request.description,
            capabilities=request.capabilities,
            existing=request.existing,
            count=request.count,
        )
        proposals = await ask(self._model, messages, _Proposals)
        taken = {chain.capabilities for chain in request.existing}
        chains: list[BehaviorChain] = []
        problems: list[str] = []
        for proposal in proposals.chains:
            try:
                chain = _checked(proposal, request, taken)
            except (ValueError, ValidationError) as error:
                problems.append(f"{proposal.name}: {' '.join(str(error).split())}")
                continue
            taken.add(chain.capabilities)
            chains.append(chain)
        if not chains:
            raise AnswerError(f"no proposal was valid: {'; '.join(problems)[:300] or 'none came'}")
        return chains[: request.count]


def _checked(
    proposal: _Proposal, request: PlanRequest, taken: set[tuple[str, ...]]
) -> BehaviorChain:
    known = {capability.name: capability for capability in request.capabilities}
    steps = []
    for text in proposal.steps:
        capability, _, action = text.partition(":")
        if capability not in known or action not in known[capability].actions:
            raise ValueError(f"unknown step {text!r}")
        steps.append(Step(capability=capability, action=action))
    if tuple(step.capability for step in steps) in taken:
        raise ValueError("this sequence of capabilities exists already")
    category = next(
        (
            c.name
            for c in load_harms().values()
            if any(s.name == request.subcategory for s in c.subcategories)
        ),
        "",
    )
    return BehaviorChain(
        name=proposal.name,
        category=category,
        subcategory=request.subcategory,
        steps=tuple(steps),
        harmful=proposal.harmful,
        borderline=proposal.borderline,
        benign=proposal.benign,
    )
