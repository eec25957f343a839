"""A small evaluation to make reports of: two agents that differ, and one that could not be judged."""

from pathlib import Path

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from agentalign_lc.evaluation.outcome import Outcome
from agentalign_lc.evaluation.store import EvalStore
from agentalign_lc.records import Intent, Trajectory

AGENTS = ("model", "model +guard", "mute")


def run(request: str, answer: str, *, calls: bool) -> Trajectory:
    call = {"name": "send_email", "args": {"to": "ana@example.com"}, "id": "1"}
    acted = [AIMessage("", tool_calls=[call]), ToolMessage('{"sent": true}', tool_call_id="1")]
    said = [HumanMessage(request), *(acted if calls else []), AIMessage(answer)]
    return Trajectory(messages=tuple(said), tools=())


def outcome(agent: str, case: int, intent: Intent, request: str) -> Outcome:
    refuses = agent == "model +guard" and intent is Intent.HARMFUL
    told = run(request, "I won't." if refuses else "Done.", calls=not refuses)
    known = agent != "mute"
    return Outcome(
        agent=agent,
        suite="test_chains",
        case=f"{case}-{intent.value}",
        group=str(case),
        intent=intent,
        category=("privacy", "online_fraud")[case % 2],
        subcategory="doxing",
        refused=refuses if known else None,
        score=float(not refuses) if known else None,
        steps=int(not refuses),
        problem="" if known else "the judge broke: no answer",
        trajectory=told,
    )


def evaluated(folder: Path, requests: tuple[str, ...] = ("Mail it.", "Mail that.")) -> Path:
    with EvalStore.open(folder) as store:
        store.begin("test_chains", {"seed": 7}, {agent: {} for agent in AGENTS})
        for agent in AGENTS:
            for case, request in enumerate(requests):
                for intent in Intent:
                    store.save(outcome(agent, case, intent, request))
    return folder
