"""The instruction graph: write, screen, act or refuse, check, reject; one intent of one scenario."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, TypedDict

from langgraph.errors import GraphBubbleUp
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command

from agentalign_lc.errors import StopError
from agentalign_lc.quality import Evidence, Kind, examine
from agentalign_lc.records import (
    Example,
    Instruction,
    Intent,
    Outcome,
    Provenance,
    Result,
    Scenario,
    Split,
    Status,
    Trajectory,
    Verdict,
)
from agentalign_lc.roles import Brief, source_of
from agentalign_lc.synthesis.config import VERSION
from agentalign_lc.synthesis.delegation import delegate
from agentalign_lc.synthesis.responses import Rejected, Responder
from agentalign_lc.synthesis.studio import Studio

__all__ = ["build_instruction_graph"]


class _State(TypedDict, total=False):
    scenario: Scenario
    intent: Intent
    split: Split
    feedback: tuple[str, ...]
    instruction: Instruction
    verdicts: tuple[Verdict, ...]
    response: Trajectory
    refused_at: int
    example: Example
    ended: list[Result]


class _Output(TypedDict):
    ended: list[Result]


_Node = Callable[[_State], Awaitable[Command[str]]]
_FOLLOWING = {
    "write": ("screen",),
    "screen": ("write", "act", "refuse"),
    "act": ("check",),
    "refuse": ("check",),
    "check": ("reject",),
    "reject": (),
}
"""What may come after each node, besides the end. A node says itself where it goes: an edge that
asks a function costs as much again as many a node."""


def build_instruction_graph(studio: Studio) -> CompiledStateGraph[Any, Any, Any, Any]:
    """Compile the graph that ends with one result.

    An instruction that the gates turn down goes back to its author with the
    reason, a bounded number of times. Whatever a node raises becomes a failed
    result; only what stops the run and LangGraph's own interrupts pass through.
    """
    nodes = _Nodes(studio)
    graph = StateGraph(_State, output_schema=_Output)
    for name, following in _FOLLOWING.items():
        graph.add_node(name, _guarded(name, getattr(nodes, name)), destinations=(*following, END))
    graph.add_edge(START, "write")
    return graph.compile(name="instruction")


def _guarded(stage: str, node: _Node) -> Any:  # noqa: ANN401 - add_node has no name for its shape
    async def run(state: _State) -> Command[str]:
        try:
            return await node(state)
        except (GraphBubbleUp, StopError):
            raise
        except Exception as error:  # noqa: BLE001 - failures are data
            reason = f"{type(error).__name__}: {error}"
            index = state["scenario"].index
            return _end(Result.failed(index, state["intent"], stage, reason))

    return run


def _end(result: Result, **update: Any) -> Command[str]:  # noqa: ANN401 - parts of the state
    return Command(update={**update, "ended": [result]}, goto=END)


class _Nodes:
    """The nodes, which share a studio and who answers."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.responder = Responder(studio)

    async def write(self, state: _State) -> Command[str]:
        written = await self.studio.roles.author.write(self._brief(state))
        update = {"instruction": delegate(written, state["scenario"])}
        return Command(update=update, goto="screen")

    async def screen(self, state: _State) -> Command[str]:
        verdicts = await examine(self.studio.gates, "request", self._evidence(state))
        failed = _first_failure(verdicts)
        if failed is None:
            answer = "refuse" if state["intent"] is Intent.HARMFUL else "act"
            return Command(update={"verdicts": verdicts}, goto=answer)
        feedback = (*state.get("feedback", ()), f"{failed.gate}: {failed.reason}")
        if len(feedback) < self.studio.max_tries:
            return Command(update={"feedback": feedback}, goto="write")
        return _end(_rejected(state, failed), feedback=feedback)

    async def act(self, state: _State) -> Command[str]:
        done = await self.responder.carry_out(state["scenario"], state["instruction"])
        return Command(update={"response": done}, goto="check")

    async def refuse(self, state: _State) -> Command[str]:
        response, at = await self.responder.refuse(state["instruction"], self._brief(state))
        return Command(update={"response": response, "refused_at": at}, goto="check")

    async def check(self, state: _State) -> Command[str]:
        kind: Kind = "refusal" if "refused_at" in state else "run"
        found = await examine(self.studio.gates, kind, self._evidence(state))
        verdicts = (*state["verdicts"], *found)
        example = self._example(state, verdicts)
        failed = _first_failure(verdicts)
        if failed is not None:
            return _end(_rejected(state, failed, example))
        if self.studio.rejected:
            return Command(update={"example": example}, goto="reject")
        return _end(_kept(example))

    async def reject(self, state: _State) -> Command[str]:
        wrong = await self.responder.reject(state["instruction"], self._brief(state))
        return _end(_kept(_paired(state["example"], wrong)))

    def _brief(self, state: _State) -> Brief:
        return Brief(
            scenario=state["scenario"],
            intent=state["intent"],
            tools=tuple(self.studio.tools(state["scenario"]).values()),
            feedback=state.get("feedback", ()),
        )

    def _evidence(self, state: _State) -> Evidence:
        return Evidence(
            scenario=state["scenario"],
            instruction=state["instruction"],
            catalog=self.studio.catalog,
            judge=self.studio.roles.judge,
            response=state.get("response") or Trajectory(messages=(), tools=()),
            refused_at=state.get("refused_at"),
        )

    def _example(self, state: _State, verdicts: tuple[Verdict, ...]) -> Example:
        instruction = state["instruction"]
        judge = source_of(self.studio.roles.judge, instruction)
        return Example(
            scenario=state["scenario"],
            instruction=instruction,
            response=state["response"],
            refused_at=state.get("refused_at"),
            verdicts=verdicts,
            split=state.get("split", "train"),
            provenance=(instruction.author, *self._answered_by(state), judge),
            version=VERSION,
        )

    def _answered_by(self, state: _State) -> Iterator[Provenance]:
        """Who wrote the response: the actor, the refuser, or one after the other."""
        roles, instruction = self.studio.roles, state["instruction"]
        if state.get("refused_at") != 0:
            yield source_of(roles.actor, instruction)
        if state["intent"] is Intent.HARMFUL:
            yield source_of(roles.refuser, instruction)


def _paired(example: Example, wrong: Rejected | None) -> Example:
    if wrong is None:
        return example
    source = wrong.source.model_copy(update={"role": f"rejected {wrong.source.role}"})
    return example.model_copy(
        update={
            "rejected": wrong.response,
            "rejected_as": wrong.kind,
            "provenance": (*example.provenance, source),
        }
    )


def _first_failure(verdicts: Sequence[Verdict]) -> Verdict | None:
    return next((verdict for verdict in verdicts if not verdict.passed), None)


def _kept(example: Example) -> Result:
    index, intent = example.scenario.index, example.instruction.intent
    return Result(index=index, intent=intent, status=Status.KEPT, example=example)


def _rejected(state: _State, verdict: Verdict, example: Example | None = None) -> Result:
    outcome = "" if verdict.outcome is Outcome.FAIL else f"{verdict.outcome}: "
    return Result(
        index=state["scenario"].index,
        intent=state["intent"],
        status=Status.REJECTED,
        gate=verdict.gate,
        reason=f"{outcome}{verdict.reason}"[:500],
        example=example,
    )
