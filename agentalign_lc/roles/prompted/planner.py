"""The prompted planner: a chat model proposes chains."""

from collections.abc import Sequence

from langchain_core.messages import BaseMessage
from pydantic import BaseModel

from agentalign_lc.records import Provenance
from agentalign_lc.roles.base import PlanRequest
from agentalign_lc.roles.prompted.mix import Models, Speaker, mixed, names
from agentalign_lc.roles.prompted.model import ask
from agentalign_lc.roles.prompted.prompt import load_prompt
from agentalign_lc.taxonomy import Proposal

__all__ = ["PromptedPlanner"]


class _Proposals(BaseModel):
    chains: list[Proposal]


class PromptedPlanner:
    """Asks a chat model for chains.

    Whether a proposal is valid is checked by whoever asked, who also says in
    the next request what was wrong; a person reviews what is left.

    Args:
        models: One model, or several with their weights; which one proposes is
            decided by the kind of harm, and anew after what was turned down.
    """

    def __init__(self, models: Models) -> None:
        self.mix = mixed(models)
        self._prompt = load_prompt("planner")
        self.source = Provenance(role="planner", writer=names(self.mix), prompt=self._prompt.label)

    def speaker(self, request: PlanRequest) -> Speaker:
        """The model to which a request for chains falls."""
        return self.mix.pick(request.subcategory, "planner", len(request.feedback))

    def render(self, request: PlanRequest) -> list[BaseMessage]:
        """What that model is sent."""
        return self._prompt.render(
            subcategory=request.subcategory,
            description=request.description,
            capabilities=request.capabilities,
            existing=request.existing,
            examples=request.existing[:3],
            count=request.count,
            feedback=request.feedback,
        )

    async def plan(self, request: PlanRequest) -> Sequence[Proposal]:
        """Propose up to ``request.count`` chains.

        Raises:
            AnswerError: the model gave no valid answer.
        """
        proposals = await ask(self.speaker(request), self.render(request), _Proposals)
        return proposals.chains[: request.count]
