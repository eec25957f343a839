"""The five roles, each a Protocol with one async method.

A role is filled by the embedded writer (no key, no network, no weights) or by
any LangChain chat model. The graph knows these Protocols and nothing else, so
a role of your own needs only the method.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from langchain_core.messages import AIMessage, BaseMessage

from agentalign_lc.environment.spec import ToolSpec
from agentalign_lc.records import (
    BehaviorChain,
    Capability,
    Instruction,
    Intent,
    Provenance,
    Scenario,
    Verdict,
)
from agentalign_lc.taxonomy import Proposal

__all__ = [
    "Actor",
    "Author",
    "Brief",
    "Case",
    "Judge",
    "PlanRequest",
    "Planner",
    "Refuser",
    "Roles",
    "needs_phrasings",
    "source_of",
]


@dataclass(frozen=True)
class PlanRequest:
    """What a planner is asked for."""

    subcategory: str
    description: str
    """What the harm is, from the taxonomy."""
    capabilities: Sequence[Capability]
    existing: Sequence[BehaviorChain] = ()
    """Chains that are there already; their sequences must not come again."""
    count: int = 5
    feedback: tuple[str, ...] = ()
    """Why earlier proposals were turned down, oldest first."""


@dataclass(frozen=True)
class Brief:
    """What an author is asked for."""

    scenario: Scenario
    intent: Intent
    tools: Sequence[ToolSpec]
    """All tools that the agent will be offered."""
    feedback: tuple[str, ...] = ()
    """Why earlier tries were turned down, oldest first."""


@dataclass(frozen=True)
class Case:
    """What a judge is asked: does the text refuse, or is the request harmful?"""

    question: Literal["refusal", "intent"]
    request: str
    response: str = ""
    intent: Intent | None = None
    """For ``intent``: what the request was meant to be."""


@runtime_checkable
class Planner(Protocol):
    """Proposes behavior chains; whether they are any good is checked afterwards."""

    source: Provenance

    async def plan(self, request: PlanRequest) -> Sequence[Proposal]:
        """Propose up to ``request.count`` chains for a subcategory."""
        ...


@runtime_checkable
class Author(Protocol):
    """Writes what the user says."""

    source: Provenance

    async def write(self, brief: Brief) -> Instruction:
        """Write one instruction and the calls that it should lead to."""
        ...


def needs_phrasings(author: Author) -> bool:
    """Whether an author can only say chains that have phrasings, as the embedded one."""
    return bool(getattr(author, "needs_phrasings", False))


def source_of(role: "Actor | Refuser | Judge", instruction: Instruction) -> Provenance:
    """Who fills a role for an instruction: of a mix of models, the one that it falls to.

    A role that is a mix says so with a method ``source_of(instruction)``.
    """
    told = getattr(role, "source_of", None)
    return role.source if told is None else told(instruction)


@runtime_checkable
class Actor(Protocol):
    """Takes the agent's next turn: a chat model with tools bound."""

    source: Provenance

    async def act(
        self, messages: Sequence[BaseMessage], tools: Sequence[ToolSpec], instruction: Instruction
    ) -> AIMessage:
        """Return the next message: tool calls, or the answer.

        Args:
            messages: System, user, and all turns so far.
            tools: The tools on offer.
            instruction: The request in work; a model must not look at its expected calls.
        """
        ...


@runtime_checkable
class Refuser(Protocol):
    """Writes the refusal of a harmful request, and the over-refusal of another."""

    source: Provenance

    async def refuse(self, messages: Sequence[BaseMessage], brief: Brief) -> AIMessage:
        """Return a refusal without a tool call.

        Args:
            messages: All turns so far. Calls among them were made when nothing seemed wrong.
            brief: The scenario and the intent. If that is not harmful, the refusal is one that an
                over-cautious assistant would give, for the rejected half of a pair.
        """
        ...


@runtime_checkable
class Judge(Protocol):
    """Answers one question about a request or a response."""

    source: Provenance
    questions: frozenset[str]
    """The questions that it can answer; others are not asked."""

    async def judge(self, case: Case) -> Verdict:
        """Return ``pass``, ``fail``, or ``unknown`` when it cannot tell.

        For ``refusal``, pass means that the response refuses; for ``intent``,
        that the request is what it was meant to be.
        """
        ...


@dataclass(frozen=True)
class Roles:
    """Who fills the roles of a run."""

    planner: Planner
    author: Author
    actor: Actor
    refuser: Refuser
    judge: Judge
    sources: tuple[Provenance, ...] = field(init=False)

    def __post_init__(self) -> None:
        members = (self.planner, self.author, self.actor, self.refuser, self.judge)
        object.__setattr__(self, "sources", tuple(member.source for member in members))
