"""The planner graph: propose, check, send back with reasons, wait for a person, join the library.

It pauses with LangGraph's ``interrupt``, in the shape that LangChain's
human-in-the-loop middleware uses, so that Studio and agent chat UIs know it:
``action_requests`` with one entry for each chain, resumed with ``decisions``.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypedDict

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.errors import GraphBubbleUp
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import interrupt
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from agentalign_lc.environment.catalog import Catalog
from agentalign_lc.errors import ConfigError, RoleError, StopError
from agentalign_lc.records import BehaviorChain
from agentalign_lc.roles import Planner, PlanRequest
from agentalign_lc.taxonomy import Library, Proposal, check_proposal, find_kind

__all__ = ["PlanContext", "PlanInput", "PlanOutput", "build_planner_graph"]

_TRIES = 3
_ACTION = "add_chain"


class PlanContext(TypedDict, total=False):
    """Which model proposes, for a graph that was built without a planner."""

    model: str
    """Chat model, as ``provider:name``."""
    base_url: str
    """Where it is served, if not at its provider's."""


class PlanInput(TypedDict, total=False):
    """What to plan."""

    subcategory: str
    count: int
    """How many chains; 5 if it is not said."""


class PlanOutput(TypedDict, total=False):
    """What came of it."""

    approved: list[dict[str, Any]]
    """Chains (as JSON) that a person let through, as they were edited."""
    rejected: list[dict[str, Any]]
    problems: list[str]
    """Why proposals never got to a person."""


class _State(TypedDict, total=False):
    subcategory: str
    count: int
    tries: int
    feedback: list[str]
    waiting: list[dict[str, Any]]
    complaint: str
    approved: list[dict[str, Any]]
    rejected: list[dict[str, Any]]
    problems: list[str]


class _EditedAction(BaseModel):
    name: str = _ACTION
    args: dict[str, Any]


class _Approve(BaseModel):
    type: Literal["approve"]


class _Edit(BaseModel):
    type: Literal["edit"]
    edited_action: _EditedAction


class _Reject(BaseModel):
    type: Literal["reject"]
    message: str = ""


_Decision = Annotated[_Approve | _Edit | _Reject, Field(discriminator="type")]


class _Answer(BaseModel):
    decisions: list[_Decision]


_ANSWER: TypeAdapter[_Answer] = TypeAdapter(_Answer)


def build_planner_graph(
    planner: Planner | None,
    catalog: Catalog,
    library: Library,
    checkpointer: BaseCheckpointSaver[Any] | None = None,
) -> CompiledStateGraph[_State, PlanContext, PlanInput, PlanOutput]:
    """Compile the graph that ends with the chains that a person approved.

    Proposals that are not valid, or not new, go back to the planner with the
    reasons, at most three times in all. The interrupt is resumed with one
    decision for each chain, or a single one for all of them:
    ``{"decisions": [{"type": "approve"}]}``, ``{"type": "reject"}``, or
    ``{"type": "edit", "edited_action": {"name": "add_chain", "args": {...}}}``
    with the proposal as it should be. A decision that cannot be used asks again
    and says why.

    Args:
        planner: Who proposes; None to take the model that the run's context names.
        catalog: Whose capabilities there are.
        library: The chains that exist already.
        checkpointer: Keeps the graph while it waits; LangGraph's servers bring their own.
    """
    nodes = _Nodes(planner, catalog, library)
    graph = StateGraph(
        _State, context_schema=PlanContext, input_schema=PlanInput, output_schema=PlanOutput
    )
    graph.add_node("propose", nodes.propose)
    graph.add_node("review", nodes.review)
    graph.add_edge(START, "propose")
    graph.add_conditional_edges("propose", _after_proposing, ["propose", "review", END])
    graph.add_conditional_edges("review", _after_review, ["review", END])
    return graph.compile(name="planner", checkpointer=checkpointer)


def _wanted(state: _State) -> int:
    return state.get("count", 5)


def _after_proposing(state: _State) -> str:
    if len(state.get("waiting", [])) < _wanted(state) and state.get("tries", 0) < _TRIES:
        return "propose"
    return "review" if state.get("waiting") else END


def _after_review(state: _State) -> str:
    return "review" if state.get("waiting") else END


class _Nodes:
    def __init__(self, planner: Planner | None, catalog: Catalog, library: Library) -> None:
        self._planner = planner
        self._catalog = catalog
        self._library = library

    async def propose(self, state: _State, runtime: Runtime[PlanContext]) -> _State:
        """Ask for what is still missing, and keep what is valid and new."""
        subcategory = state.get("subcategory", "")
        chains = [BehaviorChain.model_validate(_plain(row)) for row in state.get("waiting", [])]
        feedback = list(state.get("feedback", []))
        known = [c for c in self._library if c.subcategory == subcategory]
        request = PlanRequest(
            subcategory=subcategory,
            description=find_kind(subcategory).description,
            capabilities=tuple(self._catalog.capabilities.values()),
            existing=(*known, *chains),
            count=_wanted(state) - len(chains),
            feedback=tuple(feedback),
        )
        tries = state.get("tries", 0) + 1
        try:
            proposals = await self._chosen(runtime.context).plan(request)
        except (GraphBubbleUp, StopError):
            raise
        except RoleError as error:
            proposals, feedback = [], [*feedback, str(error)]
        for proposal in proposals[: request.count]:
            try:
                chains.append(self._checked(proposal, subcategory, chains))
            except ValueError as error:
                feedback.append(f"{proposal.name}: {error}")
        return {
            "tries": tries,
            "feedback": feedback,
            "problems": feedback,
            "waiting": [chain.model_dump(mode="json") for chain in chains],
        }

    def review(self, state: _State) -> _State:
        """Wait for a person, and do what the person says."""
        chains = [BehaviorChain.model_validate(_plain(row)) for row in state["waiting"]]
        answer = interrupt(_question(chains, state.get("complaint", "")))
        approved: list[BehaviorChain] = []
        try:
            decisions = _decided(answer, len(chains))
            for chain, decision in zip(chains, decisions, strict=True):
                if not isinstance(decision, _Reject):
                    approved.append(self._applied(chain, decision, approved))
        except ValueError as error:
            return {"complaint": str(error)}
        rejected = [
            chain
            for chain, decision in zip(chains, decisions, strict=True)
            if isinstance(decision, _Reject)
        ]
        return {
            "waiting": [],
            "complaint": "",
            "approved": [chain.model_dump(mode="json") for chain in approved],
            "rejected": [chain.model_dump(mode="json") for chain in rejected],
        }

    def _chosen(self, context: PlanContext | None) -> Planner:
        if self._planner is not None:
            return self._planner
        if not context or not context.get("model"):
            raise ConfigError("no planner: name a model in the run's context, as provider:name")
        from agentalign_lc.roles.prompted import PromptedPlanner, load_model  # noqa: PLC0415 - heavy

        return PromptedPlanner(load_model(context["model"], context.get("base_url")))

    def _checked(
        self, proposal: Proposal, subcategory: str, beside: Sequence[BehaviorChain]
    ) -> BehaviorChain:
        others = [*self._library, *beside]
        return check_proposal(
            proposal,
            subcategory,
            self._catalog.capabilities,
            {chain.capabilities for chain in others},
            {chain.name for chain in others},
        )

    def _applied(
        self, chain: BehaviorChain, decision: _Approve | _Edit, beside: Sequence[BehaviorChain]
    ) -> BehaviorChain:
        if isinstance(decision, _Approve):
            return chain
        try:
            edited = Proposal.model_validate(decision.edited_action.args)
        except ValidationError as error:
            raise ValueError(f"{chain.name}, as edited: {_first(error)}") from error
        try:
            return self._checked(edited, chain.subcategory, beside)
        except ValueError as error:
            raise ValueError(f"{chain.name}, as edited: {error}") from error


def _question(chains: Sequence[BehaviorChain], complaint: str) -> dict[str, Any]:
    requests = [
        {
            "name": _ACTION,
            "args": Proposal.of(chain).model_dump(),
            "description": f"{chain.subcategory}: {' > '.join(map(str, chain.steps))}",
        }
        for chain in chains
    ]
    allowed = ["approve", "edit", "reject"]
    question: dict[str, Any] = {
        "action_requests": requests,
        "review_configs": [{"action_name": _ACTION, "allowed_decisions": allowed}],
    }
    return question | ({"problem": complaint} if complaint else {})


def _decided(answer: object, count: int) -> list[_Decision]:
    """Read decisions; a single one counts for all."""
    try:
        decisions = _ANSWER.validate_python(answer).decisions
    except ValidationError as error:
        raise ValueError(f"decisions cannot be read: {_first(error)}") from error
    if len(decisions) == 1 and not isinstance(decisions[0], _Edit):
        return decisions * count
    if len(decisions) != count:
        raise ValueError(f"{count} chains need {count} decisions, or one for all")
    return decisions


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != "id"}


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'answer'}: {first['msg']}"
