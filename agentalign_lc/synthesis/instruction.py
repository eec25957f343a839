"""The instruction graph: write, screen, act or refuse, check; one intent of one scenario."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypedDict

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langgraph.errors import GraphBubbleUp
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from agentalign_lc.environment.simulate import compile_tool, tool_schema
from agentalign_lc.environment.spec import ToolSpec
from agentalign_lc.errors import AccessError
from agentalign_lc.messages import message_text
from agentalign_lc.quality import (
    check_coverage,
    check_execution,
    check_grounding,
    check_injection,
    check_purity,
    check_schema,
    check_syntax,
    check_willing,
    profile_sources,
)
from agentalign_lc.records import (
    Example,
    Instruction,
    Intent,
    Outcome,
    Result,
    Scenario,
    Status,
    Trajectory,
    Verdict,
)
from agentalign_lc.roles import Brief, Case
from agentalign_lc.synthesis.agent import AgentContext, build_agent, converse
from agentalign_lc.synthesis.config import VERSION
from agentalign_lc.synthesis.profile import system_message
from agentalign_lc.synthesis.studio import Studio

__all__ = ["build_instruction_graph", "said_by_expected"]


class _State(TypedDict, total=False):
    scenario: Scenario
    intent: Intent
    feedback: tuple[str, ...]
    instruction: Instruction
    verdicts: tuple[Verdict, ...]
    response: Trajectory
    ended: list[Result]


class _Output(TypedDict):
    ended: list[Result]


_Node = Callable[[_State], Awaitable[dict[str, Any]]]


def build_instruction_graph(studio: Studio) -> CompiledStateGraph[Any, Any, Any, Any]:
    """Compile the graph that ends with one result.

    An instruction that the gates turn down goes back to its author with the
    reason, a bounded number of times. Whatever a node raises becomes a failed
    result; only a refused key and LangGraph's own interrupts pass through.
    """
    nodes = _Nodes(studio)
    graph = StateGraph(_State, output_schema=_Output)
    for name in ("write", "screen", "act", "refuse", "check"):
        graph.add_node(name, _guarded(name, getattr(nodes, name)))
    graph.add_edge(START, "write")
    graph.add_conditional_edges("write", _unless_ended("screen"), ["screen", END])
    graph.add_conditional_edges("screen", _after_screen, ["write", "act", "refuse", END])
    graph.add_conditional_edges("act", _unless_ended("check"), ["check", END])
    graph.add_conditional_edges("refuse", _unless_ended("check"), ["check", END])
    graph.add_edge("check", END)
    return graph.compile(name="instruction")


def _guarded(stage: str, node: _Node) -> Any:  # noqa: ANN401 - add_node has no name for its shape
    async def run(state: _State) -> dict[str, Any]:
        try:
            return await node(state)
        except (GraphBubbleUp, AccessError):
            raise
        except Exception as error:  # noqa: BLE001 - failures are data
            reason = f"{type(error).__name__}: {error}"
            index = state["scenario"].index
            return {"ended": [Result.failed(index, state["intent"], stage, reason)]}

    return run


def _unless_ended(following: str) -> Callable[[_State], str]:
    def route(state: _State) -> str:
        return END if state.get("ended") else following

    return route


def _after_screen(state: _State) -> str:
    if state.get("ended"):
        return END
    if not state.get("verdicts"):
        return "write"
    return "refuse" if state["intent"] is Intent.HARMFUL else "act"


class _Nodes:
    """The nodes, which share a studio and the agent loop."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.agent = build_agent()

    async def write(self, state: _State) -> dict[str, Any]:
        return {"instruction": await self.studio.roles.author.write(self._brief(state))}

    async def screen(self, state: _State) -> dict[str, Any]:
        verdicts = await self._screened(state["scenario"], state["instruction"])
        failed = _first_failure(verdicts)
        if failed is None:
            return {"verdicts": verdicts}
        feedback = (*state.get("feedback", ()), f"{failed.gate}: {failed.reason}")
        if len(feedback) < self.studio.max_tries:
            return {"feedback": feedback, "verdicts": ()}
        return {"feedback": feedback, "ended": [_rejected(state, failed)]}

    async def act(self, state: _State) -> dict[str, Any]:
        instruction = state["instruction"]
        return {"response": await self._carried_out(state, len(instruction.said))}

    async def refuse(self, state: _State) -> dict[str, Any]:
        scenario, instruction = state["scenario"], state["instruction"]
        # Of a request that is split over turns, the last shows what the whole is for.
        before = await self._carried_out(state, len(instruction.said) - 1)
        said = _user_says(instruction, len(instruction.said) - 1)
        messages: list[BaseMessage] = [*before.messages, said]
        answer = await self.studio.roles.refuser.refuse(messages, self._brief(state))
        response = before.model_copy(
            update={
                "messages": _named([*messages, answer], instruction),
                "tools": tuple(map(tool_schema, self.studio.tools(scenario).values())),
                "usage": _usage([*messages, answer]),
            }
        )
        return {"response": response}

    async def _carried_out(self, state: _State, turns: int) -> Trajectory:
        """Let the agent do what the user asks in the first so many turns."""
        scenario, instruction = state["scenario"], state["instruction"]
        world = self.studio.catalog.world(scenario)
        specs = tuple(self.studio.tools(scenario).values())
        started = world.today
        context = AgentContext(
            actor=self.studio.roles.actor,
            specs=specs,
            tools=[compile_tool(spec, world) for spec in specs] if turns else [],
            instruction=instruction,
            max_turns=self.studio.max_turns,
        )
        said = [_user_says(instruction, turn) for turn in range(turns)]
        messages, stopped = await converse(self.agent, [system_message(scenario)], said, context)
        return Trajectory(
            messages=_named(messages, instruction),
            tools=tuple(map(tool_schema, specs)),
            changes=tuple(world.changes),
            seconds=(world.today - started).total_seconds(),
            usage=_usage(messages),
            stopped=stopped,
        )

    async def check(self, state: _State) -> dict[str, Any]:
        found = await self._checked(state["scenario"], state["instruction"], state["response"])
        verdicts = (*state["verdicts"], *found)
        example = self._example(state, verdicts)
        failed = _first_failure(verdicts)
        if failed is not None:
            return {"ended": [_rejected(state, failed, example)]}
        index, intent = state["scenario"].index, state["intent"]
        return {"ended": [Result(index=index, intent=intent, status=Status.KEPT, example=example)]}

    def _brief(self, state: _State) -> Brief:
        return Brief(
            scenario=state["scenario"],
            intent=state["intent"],
            tools=tuple(self.studio.tools(state["scenario"]).values()),
            feedback=state.get("feedback", ()),
        )

    async def _screened(self, scenario: Scenario, instruction: Instruction) -> tuple[Verdict, ...]:
        """Judge an instruction before anything is done about it."""
        tools = self.studio.tools(scenario)
        calls = [(call.tool, call.arguments) for call in instruction.calls]
        known = profile_sources(scenario, instruction.text)
        verdicts = [
            check_schema(calls, tools),
            check_coverage(scenario.chain.capabilities, _capabilities(calls, tools)),
            check_grounding(calls, tools, said_by_expected(instruction), known),
        ]
        judge = self.studio.roles.judge
        if _first_failure(verdicts) is None and "intent" in judge.questions:
            case = Case("intent", instruction.text, intent=instruction.intent)
            verdicts.append(await judge.judge(case))
        return _about("request", verdicts)

    async def _checked(
        self, scenario: Scenario, instruction: Instruction, response: Trajectory
    ) -> tuple[Verdict, ...]:
        """Judge a response; the model judge is asked only if nothing cheaper found a fault."""
        judge = self.studio.roles.judge
        case = Case("refusal", instruction.text, response.answer)
        if instruction.intent is Intent.HARMFUL:
            plain = check_purity(response)
            return _about("response", [plain, await judge.judge(case)] if plain.passed else [plain])
        tools = self.studio.tools(scenario)
        calls = [(call["name"], call["args"]) for call, _ in response.calls]
        results = [str(answer.text) if answer is not None else "" for _, answer in response.calls]
        known = profile_sources(scenario, instruction.text)
        verdicts = [
            check_syntax(response),
            check_execution(response, scenario.chain.capabilities, tools),
            check_coverage(scenario.chain.capabilities, _capabilities(calls, tools)),
            check_schema(calls, tools),
            check_grounding(calls, tools, _said_by_call(response), known, results),
            check_injection(response, scenario.twist),
        ]
        if _first_failure(verdicts) is None:
            verdicts.append(check_willing(await judge.judge(case)))
        return _about("response", verdicts)

    def _example(self, state: _State, verdicts: tuple[Verdict, ...]) -> Example:
        roles = self.studio.roles
        responder = roles.refuser if state["intent"] is Intent.HARMFUL else roles.actor
        return Example(
            scenario=state["scenario"],
            instruction=state["instruction"],
            response=state["response"],
            verdicts=verdicts,
            provenance=(roles.author.source, responder.source, roles.judge.source),
            version=VERSION,
        )


def _capabilities(
    calls: Sequence[tuple[str, Mapping[str, Any]]], tools: Mapping[str, ToolSpec]
) -> list[str]:
    return [tools[name].capability for name, _ in calls if name in tools]


def _about(what: str, verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
    # The same gate may look at the request and at the response; the funnel tells them apart.
    return tuple(
        verdict.model_copy(update={"gate": f"{what}.{verdict.gate}"}) for verdict in verdicts
    )


def _first_failure(verdicts: Sequence[Verdict]) -> Verdict | None:
    return next((verdict for verdict in verdicts if not verdict.passed), None)


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


def _user_says(instruction: Instruction, turn: int) -> HumanMessage:
    return HumanMessage(instruction.said[turn], id=f"human-{instruction.id[-12:]}-{turn}")


def said_by_expected(instruction: Instruction) -> list[str]:
    """What the user has said when each of the expected calls is due."""
    said = instruction.said
    return [
        "\n".join(said[: number + 1] if number + 1 < len(said) else said)
        for number in range(len(instruction.calls))
    ]


def _said_by_call(response: Trajectory) -> list[str]:
    """What the user had said by each call that was made."""
    said, by_call = "", []
    for message in response.messages:
        if isinstance(message, HumanMessage):
            said = f"{said}\n{message_text(message)}"
        if isinstance(message, AIMessage):
            by_call += [said] * len(message.tool_calls)
    return by_call


def _named(messages: Sequence[BaseMessage], instruction: Instruction) -> tuple[BaseMessage, ...]:
    # LangChain gives messages random ids; derived ones keep the bytes of a run its seed's.
    return tuple(
        message.model_copy(update={"id": f"message-{instruction.id[-12:]}-{number}"})
        for number, message in enumerate(messages)
    )


def _usage(messages: Sequence[BaseMessage]) -> dict[str, int]:
    usage = {"input_tokens": 0, "output_tokens": 0}
    for message in messages:
        if isinstance(message, AIMessage) and message.usage_metadata:
            usage["input_tokens"] += message.usage_metadata["input_tokens"]
            usage["output_tokens"] += message.usage_metadata["output_tokens"]
    return usage if any(usage.values()) else {}
