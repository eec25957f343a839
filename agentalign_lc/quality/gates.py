"""The gates of a run, by name, in the order in which they ask unless a run says otherwise."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, HumanMessage

from agentalign_lc.environment.spec import ToolSpec
from agentalign_lc.errors import ConfigError
from agentalign_lc.messages import message_text
from agentalign_lc.quality.compliance import check_compliance
from agentalign_lc.quality.contamination import Contamination
from agentalign_lc.quality.coverage import check_coverage
from agentalign_lc.quality.execution import check_execution
from agentalign_lc.quality.gate import Evidence, Gate
from agentalign_lc.quality.goal import check_goal
from agentalign_lc.quality.grounding import check_grounding, profile_sources
from agentalign_lc.quality.injection import check_injection
from agentalign_lc.quality.order import check_order
from agentalign_lc.quality.purity import check_purity, check_willing
from agentalign_lc.quality.schema import check_schema, check_syntax
from agentalign_lc.quality.semantic import check_semantic
from agentalign_lc.records import Instruction, Trajectory, Verdict
from agentalign_lc.roles import Case

__all__ = ["DEFAULT_GATES", "GATES", "build_gates", "contamination_gate"]

_Calls = list[tuple[str, Mapping[str, Any]]]


def _expected(evidence: Evidence) -> _Calls:
    return [(call.tool, call.arguments) for call in evidence.instruction.calls]


def _made(evidence: Evidence) -> _Calls:
    return [(call["name"], call["args"]) for call, _ in evidence.response.calls]


def _capabilities(calls: _Calls, tools: Mapping[str, ToolSpec]) -> list[str]:
    return [tools[name].capability for name, _ in calls if name in tools]


def _order(evidence: Evidence) -> Verdict:
    # A failed call is no step; what counts is the order in which the steps succeeded.
    done: _Calls = [
        (call["name"], call["args"])
        for call, answer in evidence.response.calls
        if answer is not None and answer.status == "success"
    ]
    chain = evidence.scenario.chain.capabilities
    return check_order(chain, _capabilities(done, evidence.tools))


def _grounded_request(evidence: Evidence) -> Verdict:
    instruction = evidence.instruction
    known = profile_sources(evidence.scenario, instruction.request)
    said = list(_said_by_expected(instruction))
    return check_grounding(_expected(evidence), evidence.tools, said, known)


def _grounded_run(evidence: Evidence) -> Verdict:
    answers = [answer for _, answer in evidence.response.calls]
    results = [str(answer.text) if answer is not None else "" for answer in answers]
    known = profile_sources(evidence.scenario, evidence.instruction.request)
    said = list(_said_by_call(evidence.response))
    return check_grounding(_made(evidence), evidence.tools, said, known, results)


async def _refusal(evidence: Evidence) -> Verdict:
    case = Case("refusal", evidence.instruction.request, evidence.response.answer)
    return await evidence.judge.judge(case)


async def _willing(evidence: Evidence) -> Verdict:
    return check_willing(await _refusal(evidence))


GATES: dict[str, Gate] = {
    gate.name: gate
    for gate in (
        Gate(name="purity", refusal=lambda e: check_purity(e.response, e.refused_at or 0)),
        Gate(name="syntax", run=lambda e: check_syntax(e.response)),
        Gate(
            name="execution",
            run=lambda e: check_execution(e.response, e.scenario.chain.capabilities, e.tools),
        ),
        Gate(
            name="schema",
            request=lambda e: check_schema(_expected(e), e.tools),
            refusal=lambda e: check_schema(_made(e), e.tools),
            run=lambda e: check_schema(_made(e), e.tools),
        ),
        Gate(
            name="coverage",
            request=lambda e: check_coverage(
                e.scenario.chain.capabilities, _capabilities(_expected(e), e.tools)
            ),
            run=lambda e: check_coverage(
                e.scenario.chain.capabilities, _capabilities(_made(e), e.tools)
            ),
        ),
        Gate(name="order", run=_order),
        Gate(name="grounding", request=_grounded_request, run=_grounded_run),
        Gate(name="injection", run=lambda e: check_injection(e.response, e.scenario.twist)),
        Gate(
            name="goal",
            run=lambda e: check_goal(e.response, e.scenario, e.instruction, e.catalog),
        ),
        Gate(name="semantic", request=check_semantic, asks=True),
        Gate(name="compliance", refusal=check_compliance, run=check_compliance, asks=True),
        Gate(name="refusal", refusal=_refusal, asks=True),
        Gate(name="willing", run=_willing, asks=True),
    )
}
"""Gates that look at one instruction or its response."""

_OTHERS = ("contamination", "duplicates", "near_duplicates")
"""Gates that need benchmark files, or the whole run."""

DEFAULT_GATES = (*GATES, *_OTHERS)
"""The names of all gates, cheap ones first."""


def build_gates(names: Sequence[str], further: Iterable[Gate] = ()) -> tuple[Gate, ...]:
    """The gates that look at one instruction or its response, in the order of their names.

    Args:
        names: Names of gates; those over a whole run have their place when it is closed.
        further: Other gates than the shipped ones; those that are not named come last.

    Raises:
        ConfigError: there is no gate of a name.

    Example:
        >>> [gate.name for gate in build_gates(["schema", "goal", "duplicates"])]
        ['schema', 'goal']
    """
    own = {gate.name: gate for gate in further}
    known = {**GATES, **own}
    for name in names:
        if name not in known and name not in _OTHERS:
            there = ", ".join(dict.fromkeys([*known, *_OTHERS]))
            raise ConfigError(f"unknown gate {name!r}; the gates are {there}")
    return tuple(known[name] for name in dict.fromkeys([*names, *own]) if name in known)


def contamination_gate(index: Contamination) -> Gate:
    """A gate that turns down requests which stand in a benchmark."""
    return Gate(name="contamination", request=lambda e: index.check(e.instruction.request))


def _said_by_expected(instruction: Instruction) -> Iterator[str]:
    """What the user has said when each of the expected calls is due, a note that was read included."""
    said = instruction.said
    for number in range(len(instruction.calls)):
        turns = said[: number + 1] if number + 1 < len(said) else said
        read = instruction.note is not None and number >= instruction.shows_at
        yield "\n".join([*turns, instruction.request] if read else turns)


def _said_by_call(response: Trajectory) -> Iterator[str]:
    """What the user had said by each call that was made."""
    said = ""
    for message in response.messages:
        if isinstance(message, HumanMessage):
            said = f"{said}\n{message_text(message)}"
        if isinstance(message, AIMessage):
            yield from [said] * len(message.tool_calls)
