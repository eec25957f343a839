"""The prompted planner: a chat model proposes chains."""

from collections.abc import Sequence

from langchain_core.language_models import BaseChatModel
from pydantic import BaseModel

from agentalign_lc.records import Provenance
from agentalign_lc.roles.base import PlanRequest
from agentalign_lc.roles.prompted.model import ask, model_name
from agentalign_lc.roles.prompted.prompt import load_prompt
from agentalign_lc.taxonomy import Proposal

__all__ = ["PromptedPlanner"]


class _Proposals(BaseModel):
    chains: list[Proposal]


class PromptedPlanner:
    """Asks a chat model for chains.

    Whether a proposal is valid is checked by whoever asked, who also says in
    the next request what was wrong; a person reviews what is left.
    """

    def __init__(self, model: BaseChatModel) -> None:
        self._model = model
        self._prompt = load_prompt("planner")
        self.source = Provenance(
            role="planner", writer=model_name(model), prompt=self._prompt.label
        )

    async def plan(self, request: PlanRequest) -> Sequence[Proposal]:
        """Propose up to ``request.count`` chains.

        Raises:
            AnswerError: the model gave no valid answer.
        """
        messages = self._prompt.render(
            subcategory=request.subcategory,
            description=request.description,
            capabilities=request.capabilities,
            existing=request.existing,
            examples=request.existing[:3],
            count=request.count,
            feedback=request.feedback,
        )
        proposals = await ask(self._model, messages, _Proposals)
        return proposals.chains[: request.count]
