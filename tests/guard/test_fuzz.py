"""Whatever a history holds and a model says: no crash, no unjudged call, a history that is valid."""

from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.tools import tool

from agentalign_lc.environment.catalog import load_catalog
from agentalign_lc.guard.engine.history import mend, name_calls, problems
from agentalign_lc.guard.guard import Guard
from agentalign_lc.guard.judges.chains import ChainJudge
from agentalign_lc.guard.judges.classifier import ClassifierJudge
from agentalign_lc.guard.judges.rules import RuleJudge
from agentalign_lc.guard.learning.classifier import shipped_classifier
from agentalign_lc.guard.opinion import allow, refuse
from agentalign_lc.guard.policy.policy import Policy
from agentalign_lc.guard.view import GuardedTool
from agentalign_lc.taxonomy import load_library
from tests.guard.doubles import ToldJudge
from tests.guard.strange import Strange
from tests.guard.strict_model import StrictChatModel, check_like_a_provider
from tests.guard.ways.four_ways import by_middleware, by_node, by_wrap_of_agent, by_wrapper

HISTORIES = 2000
BLOCKS = 20
WAYS = {
    "middleware": by_middleware,
    "node": by_node,
    "tool_wrapper": by_wrapper,
    "wrap": by_wrap_of_agent,
}
# Most go through the middleware, which has the most to do.
TURNS = ["middleware"] * 7 + ["node", "tool_wrapper", "wrap"]


@dataclass
class Watched:
    """An app, and what was seen of its last run."""

    app: Any = None
    said: list[AIMessage] = field(default_factory=list)
    judged: set[str] = field(default_factory=set)
    ran: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def record(self, decision, view=None) -> None:
        """As the guard's audit: a judge that falls over would else pass for a refusal."""
        self.failures += [decision.error] if decision.error else []

    async def arecord(self, decision, view=None) -> None:
        self.record(decision)

    def begin(self, spoken: AIMessage) -> None:
        self.said[:] = [spoken]
        for seen in (self.judged, self.ran, self.failures):
            seen.clear()

    def finds(self, view, checkpoint):
        self.judged.update(repr(call.arguments.get("what")) for call in view.pending)
        bad = tuple(c.id for c in view.pending if "evil" in repr(c.arguments))
        return refuse("told", "evil", calls=bad) if bad else allow("told")


@cache
def watched(way: str) -> Watched:
    """The app of a way in, built once: building takes longer than a run."""
    seen = Watched()

    @tool
    def do(what) -> str:
        """Do something."""
        seen.ran.append(repr(what))
        return "done"

    told = ToldJudge(seen.finds, "calls", "arguments")
    told.waits = False
    policy = Policy()
    # It reads every text, and is never sure.
    classifier = ClassifierJudge(shipped_classifier("ngrams"), refuse=1, allow=0)
    catalog = load_catalog()
    chains = ChainJudge(load_library(catalog), catalog)
    judges = [told, RuleJudge(policy), chains, classifier]
    guard = Guard(judges, policy, tools={"do": GuardedTool("do")}, audit=seen)
    model = StrictChatModel(
        reply=lambda _: seen.said.pop(0) if seen.said else AIMessage("Done."),
    )
    # No checkpointer: those of LangGraph cannot write down all that is drawn here.
    seen.app = WAYS[way](guard, model, [do]).copy({"checkpointer": None})
    return seen


def drawn(seed: int, way: str) -> tuple[list[BaseMessage], AIMessage]:
    """A history and what the model says, from a seed."""
    strange = Strange(seed)
    history, spoken = strange.history(), strange.spoken()
    if way in ("middleware", "node"):
        return history, spoken
    # The others do not mend what an app did wrong before them.
    return mend(history), name_calls(spoken.model_copy(update={"invalid_tool_calls": []}))


async def run(seed: int) -> Counter[str]:
    """Run an app over a history, sync or async, and check what must hold."""
    way = TURNS[seed % len(TURNS)]
    seen = watched(way)
    history, spoken = drawn(seed, way)
    seen.begin(spoken)
    given = {"messages": [*history, HumanMessage("Go.")]}
    config = {"configurable": {"thread_id": str(seed)}}
    invoke_async = seed // len(TURNS) % 2
    end = await seen.app.ainvoke(given, config) if invoke_async else seen.app.invoke(given, config)
    about = f"seed {seed}, {way}"
    assert not seen.failures, about
    assert set(seen.ran) <= seen.judged, about
    assert not [what for what in seen.ran if "evil" in what], about
    assert problems(end["messages"]) == [], about
    check_like_a_provider(end["messages"])
    return Counter({way: 1, "calls": len(seen.ran)})


@pytest.mark.parametrize("block", range(BLOCKS))
async def test_no_crash_no_unjudged_call_and_a_valid_history(
    block: int, figures: Counter[str]
) -> None:
    done: Counter[str] = Counter()
    size = HISTORIES // BLOCKS
    for seed in range(block * size, (block + 1) * size):
        done += await run(seed)
    calls = done.pop("calls")
    assert calls > 20, "most histories end in calls, and some of these run"
    assert set(done) == set(WAYS)
    figures["guard: random histories"] += done.total()
    figures["guard: calls of random histories that ran"] += calls
