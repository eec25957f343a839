"""Outcomes out of Inspect's logs: what was judged, and what could not be.

AgentHarm counts a refusal judge that broke as "no refusal", and an answer of
its semantic judge that it cannot read as "fail". Its log has every call of a
judge, so here such a case is unknown, and says why.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentalign_lc.endpoints.journal import Spend
from agentalign_lc.errors import one_line
from agentalign_lc.evaluation.outcome import Outcome
from agentalign_lc.records import Intent, Trajectory
from agentalign_lc.traces.chat import read_chat, read_tools

if TYPE_CHECKING:
    from inspect_ai.event import ModelEvent
    from inspect_ai.log import EvalLog, EvalSample

__all__ = ["ABOUT", "USAGE", "read_log"]

ABOUT = "agentalign"
"""Where the metadata of a log say whose it is: agent, suite and intent."""
USAGE = "agentalign:usage"
"""Where the store of a sample says what an app used that called its model by itself."""

_SUITES = {
    "agentharm": ("agentharm", Intent.HARMFUL),
    "agentharm_benign": ("agentharm", Intent.BENIGN),
    "toolsword": ("toolsword", Intent.HARMFUL),
}
_ANSWER = re.compile(r"answer:.*?\b(yes|no)\b", re.IGNORECASE | re.DOTALL)


def read_log(file: Path) -> Iterator[Outcome]:
    """Read the outcomes of a log, one at a time.

    Args:
        file: A log of this package's, or of ``inspect eval inspect_evals/agentharm``.
    """
    from inspect_ai.log import read_eval_log, read_eval_log_samples  # noqa: PLC0415 - an extra

    header = read_eval_log(str(file), header_only=True)
    agent, suite, intent = _whose(header)
    for sample in read_eval_log_samples(
        str(file), all_samples_required=False, resolve_attachments=True
    ):
        yield _outcome(sample, agent, suite, intent)


def _whose(log: "EvalLog") -> tuple[str, str, Intent]:
    about = (log.eval.metadata or {}).get(ABOUT) or {}
    suite, intent = _SUITES[log.eval.task.rpartition("/")[2]]
    technique = (log.eval.task_args.get("agent_kwargs") or {}).get("prompt_technique", "standard")
    variant = "" if technique == "standard" else f" +{technique}"
    return str(about.get("agent") or f"{log.eval.model}{variant}"), suite, intent


def _outcome(sample: "EvalSample", agent: str, suite: str, intent: Intent) -> Outcome:
    judged = _Judged.of(sample)
    chat = read_chat([m.model_dump(mode="json", exclude_none=True) for m in sample.messages])
    offered = next((event.tools for event in judged.own if event.tools), [])
    spend = _spend(judged.own, sample.store.get(USAGE))
    about = sample.metadata
    return Outcome(
        agent=agent,
        suite=suite,
        case=f"{intent.value}/{sample.id}",
        # A behaviour with its hints and details is one behaviour.
        group=f"{intent.value}/{about.get('id_original', sample.id)}",
        intent=intent,
        category=str(about.get("category") or ""),
        refused=judged.refused,
        score=judged.score,
        steps=sum(len(m.tool_calls or ()) for m in sample.messages if m.role == "assistant"),
        spend=spend,
        seconds=sample.total_time or 0.0,
        problem=judged.problem,
        trajectory=Trajectory(
            messages=chat.messages,
            tools=read_tools([tool.model_dump(mode="json", exclude_none=True) for tool in offered]),
            seconds=sample.total_time or 0.0,
            usage={"input_tokens": spend.input_tokens, "output_tokens": spend.output_tokens},
            stopped="turns" if sample.limit else "answer",
        ),
    )


@dataclass(frozen=True)
class _Judged:
    """What the judges said about a sample, and where they said nothing that can be read."""

    own: "list[ModelEvent]"
    refused: bool | None = None
    score: float | None = None
    problem: str = ""

    @classmethod
    def of(cls, sample: "EvalSample") -> "_Judged":
        own, asked = _model_calls(sample)
        if sample.error is not None:
            who = "a judge" if asked else "the agent"
            return cls(own, problem=f"{who} failed: {one_line(sample.error.message, 200)}")
        values = next((s.value for s in (sample.scores or {}).values()), None)
        if not isinstance(values, Mapping):
            return cls(own, problem="it was not scored")
        said: Sequence[Mapping[str, Any]] = sample.metadata.get("refusal_explanations") or ()
        # The semantic judge is asked first, the refusal judge then once for each message.
        cut = len(asked) - len(said) if asked else 0
        ungraded = _ungraded(asked[:cut])
        refused: bool | None = bool(values.get("refusal"))
        unread = "" if refused else _unread_refusal(said, asked[cut:])
        score = values.get("score")
        number = float(score) if isinstance(score, int | float) else math.nan
        return cls(
            own,
            refused=None if unread else refused,
            score=None if math.isnan(number) or ungraded else number,
            problem=ungraded or unread,
        )


def _model_calls(sample: "EvalSample") -> "tuple[list[ModelEvent], list[ModelEvent]]":
    """The model calls of the agent, and those of the judges."""
    own: list[ModelEvent] = []
    judges: list[ModelEvent] = []
    now = own
    for event in sample.events:
        if event.event == "span_begin" and event.type == "scorers":
            now = judges
        elif event.event == "model":
            now.append(event)
    return own, judges


def _unread_refusal(said: Sequence[Mapping[str, Any]], calls: "Sequence[ModelEvent]") -> str:
    """Why the refusal judge did not answer about some message; empty if it did about all."""
    for one in said:
        problem = str(one.get("explanation") or "")
        if problem.startswith("Error in ") and not calls:
            return f"the refusal judge failed: {one_line(problem, 200)}"
    for call in calls:
        if call.error:
            return f"the refusal judge failed: {one_line(call.error, 200)}"
        if not _ANSWER.search(call.output.completion):
            return f"the refusal judge said neither yes nor no: {_quoted(call)}"
    return ""


def _ungraded(calls: "Sequence[ModelEvent]") -> str:
    for call in calls:
        if call.error:
            return f"the semantic judge failed: {one_line(call.error, 200)}"
        if call.output.completion.strip().lower() not in ("pass", "fail"):
            return f"the semantic judge said neither pass nor fail: {_quoted(call)}"
    return ""


def _quoted(call: "ModelEvent") -> str:
    return repr(one_line(call.output.completion, 60))


def _spend(calls: "Sequence[ModelEvent]", own: object) -> Spend:
    used = [call.output.usage for call in calls if call.output.usage]
    if not used and isinstance(own, Mapping):
        return Spend(input_tokens=own["input_tokens"], output_tokens=own["output_tokens"])
    read = [
        u.input_tokens + (u.input_tokens_cache_read or 0) + (u.input_tokens_cache_write or 0)
        for u in used
    ]
    return Spend(
        input_tokens=sum(read),
        output_tokens=sum(u.output_tokens for u in used),
        cost=sum(u.total_cost or 0.0 for u in used),
    )
