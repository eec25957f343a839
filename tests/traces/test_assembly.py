"""Trajectories out of spans: histories merged, results matched, agents told apart."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from agentalign_lc.traces.assembly import trajectories, trajectory
from agentalign_lc.traces.order import ordered
from agentalign_lc.traces.trace import Span, Trace

ASK = HumanMessage("Is Ada free?")


def calls(*names: str, said: str = "", ids: bool = True) -> AIMessage:
    return AIMessage(
        said,
        tool_calls=[
            {"name": name, "args": {"q": name}, "id": f"call-{name}" if ids else None}
            for name in names
        ],
    )


def result(name: str, said: str = "found", id: str | None = None) -> ToolMessage:
    return ToolMessage(said, tool_call_id=f"call-{name}" if id is None else id, name=name)


def model(at: float, given: list[BaseMessage], reply: AIMessage | None, **more) -> Span:
    more = {"id": f"m{at}", **more}
    return Span(
        kind="model", started=at, ended=at + 0.5, messages=tuple(given), reply=reply, **more
    )


def tool(at: float, name: str, **more) -> Span:
    more = {"id": f"t{at}", "result": f"{name} ran", "arguments": {"q": name}, **more}
    return Span(kind="tool", name=name, started=at, ended=at + 0.5, **more)


def trace(*spans: Span) -> Trace:
    return Trace(id="t", source="test", spans=ordered(spans))


def shown(messages) -> list[str]:
    return [
        f"{one.type}:{one.content or ','.join(c['name'] for c in getattr(one, 'tool_calls', []))}"
        for one in messages
    ]


def test_the_history_of_successive_calls_is_told_once() -> None:
    first, answer = calls("look"), AIMessage("Yes.")
    run = trajectory(
        trace(
            model(1, [SystemMessage("Brief."), ASK], first, usage={"input_tokens": 3}),
            model(
                3,
                [SystemMessage("Brief."), ASK, first, result("look")],
                answer,
                usage={"input_tokens": 4},
            ),
        )
    )

    assert shown(run.messages) == [
        "system:Brief.",
        "human:Is Ada free?",
        "ai:look",
        "tool:found",
        "ai:Yes.",
    ]
    assert run.usage == {"input_tokens": 7}
    assert run.seconds == 2.5


def test_parallel_results_that_no_history_tells_come_in_the_order_of_the_calls() -> None:
    run = trajectory(
        trace(
            model(1, [ASK], calls("a", "b", "c")),
            tool(2, "c", call_id="call-c"),
            tool(2.1, "a", call_id="call-a"),
            tool(2.2, "b", call_id="call-b", status="error", error="It broke.", result=""),
        )
    )

    assert shown(run.messages)[2:] == ["tool:a ran", "tool:It broke.", "tool:c ran"]
    assert [one.status for one in run.messages[2:]] == ["success", "error", "success"]
    assert [answer.content for _, answer in run.calls] == ["a ran", "It broke.", "c ran"]


def test_results_without_ids_are_matched_by_arguments_then_by_order() -> None:
    asked = AIMessage("", tool_calls=[{"name": "go", "args": {"n": n}, "id": None} for n in (1, 2)])
    run = trajectory(
        trace(
            model(1, [ASK], asked),
            tool(2, "go", arguments={"n": 2}, result="two"),
            tool(3, "go", arguments={"n": 1}, result="one"),
        )
    )

    assert [(call["args"]["n"], answer.content) for call, answer in run.calls] == [
        (1, "one"),
        (2, "two"),
    ]
    assert len({call["id"] for call, _ in run.calls}) == 2


def test_results_in_a_history_without_ids_get_those_of_their_calls() -> None:
    asked = calls("a", "b", ids=False)
    told = [result("b", "B", id=""), result("a", "A", id="")]
    run = trajectory(
        trace(model(1, [ASK], asked), model(2, [ASK, asked, *told], AIMessage("Done.")))
    )

    assert [(call["name"], answer.content) for call, answer in run.calls] == [
        ("a", "A"),
        ("b", "B"),
    ]


def test_ids_that_a_provider_uses_again_are_made_its_own() -> None:
    asked = AIMessage("", tool_calls=[{"name": "go", "args": {}, "id": "0"}])
    again = AIMessage("Again.", tool_calls=[{"name": "go", "args": {}, "id": "0"}])
    told = [ASK, asked, result("go", "one", id="0"), again, result("go", "two", id="0")]
    run = trajectory(trace(model(1, told, AIMessage("Done."))))

    assert [answer.content for _, answer in run.calls] == ["one", "two"]


def test_a_paused_tool_has_no_result() -> None:
    run = trajectory(trace(model(1, [ASK], calls("a")), tool(2, "a", status="paused")))

    assert shown(run.messages) == ["human:Is Ada free?", "ai:a"]


def test_an_agent_inside_of_a_tool_has_a_trajectory_of_its_own() -> None:
    asked, inner = calls("research"), calls("search")
    spans = trace(
        Span(id="root", kind="chain", started=0.5),
        model(1, [ASK], asked, parent="root"),
        tool(2, "research", id="sub", parent="root", call_id="call-research"),
        model(2.1, [HumanMessage("Find it.")], inner, parent="sub"),
        tool(2.2, "search", parent="sub"),
        model(
            2.3,
            [HumanMessage("Find it."), inner, result("search")],
            AIMessage("Here."),
            parent="sub",
        ),
        model(3, [ASK, asked, result("research", "Here.")], AIMessage("Yes."), parent="root"),
    )

    main, sub = trajectories(spans)

    assert shown(main.messages) == ["human:Is Ada free?", "ai:research", "tool:Here.", "ai:Yes."]
    assert shown(sub.messages) == ["human:Find it.", "ai:search", "tool:found", "ai:Here."]


def test_workers_beside_each_other_have_trajectories_of_their_own() -> None:
    works = [
        model(1, [HumanMessage(f"Work {n}")], AIMessage(f"Done {n}"), id=str(n), namespace=f"w:{n}")
        for n in range(3)
    ]

    assert sorted(run.answer for run in trajectories(trace(*works))) == [
        "Done 0",
        "Done 1",
        "Done 2",
    ]


def test_samples_of_one_prompt_are_not_one_conversation() -> None:
    runs = trajectories(trace(*(model(n, [ASK], AIMessage("Yes.")) for n in (1, 2))))

    assert [shown(run.messages) for run in runs] == [["human:Is Ada free?", "ai:Yes."]] * 2


def test_the_conversation_with_tools_is_the_main_one_and_not_the_guard_before_it() -> None:
    guard = model(1, [HumanMessage("Is this safe?")], AIMessage("Safe."), namespace="guard:1")
    agent = model(2, [ASK], calls("look"), namespace="sub:1|agent:2")

    assert shown(trajectory(trace(guard, agent)).messages)[0] == "human:Is Ada free?"


def test_a_hand_over_with_the_whole_history_goes_on_with_the_conversation() -> None:
    moved = calls("transfer")
    told = [ASK, moved, result("transfer", "Moved.")]
    run, *others = trajectories(
        trace(
            Span(id="triage", kind="agent", started=0.5),
            Span(id="desk", kind="agent", started=2),
            model(1, [ASK], moved, parent="triage"),
            model(3, told, AIMessage("Yes."), parent="desk"),
        )
    )

    assert others == []
    assert shown(run.messages) == ["human:Is Ada free?", "ai:transfer", "tool:Moved.", "ai:Yes."]


def test_a_provider_that_keeps_the_history_is_sent_only_results() -> None:
    run = trajectory(
        trace(model(1, [ASK], calls("look")), model(2, [result("look")], AIMessage("Yes.")))
    )

    assert shown(run.messages) == ["human:Is Ada free?", "ai:look", "tool:found", "ai:Yes."]


def test_a_summary_in_place_of_the_beginning_does_not_end_a_conversation() -> None:
    first, second = calls("a"), calls("b")
    run, *others = trajectories(
        trace(
            model(1, [ASK], first),
            model(2, [ASK, first, result("a")], second),
            model(3, [HumanMessage("So far: a."), second, result("b")], AIMessage("Yes.")),
        )
    )

    assert others == []
    assert shown(run.messages)[-3:] == ["ai:b", "tool:found", "ai:Yes."]


def test_a_call_that_failed_and_was_tried_again_is_one() -> None:
    failed = model(1, [ASK], None, status="error", error="Too many requests")

    (run,) = trajectories(trace(failed, model(2, [ASK], AIMessage("Yes."))))

    assert shown(run.messages) == ["human:Is Ada free?", "ai:Yes."]


def test_what_the_app_says_after_the_model_ends_the_conversation() -> None:
    root = Span(
        id="root",
        kind="chain",
        started=0.5,
        messages=(ASK, calls("wipe"), result("wipe", "Blocked.")),
    ).model_copy(update={"reply": AIMessage("I can't do that.")})
    run = trajectory(trace(root, model(1, [ASK], calls("wipe"), parent="root")))

    assert shown(run.messages) == [
        "human:Is Ada free?",
        "ai:wipe",
        "tool:Blocked.",
        "ai:I can't do that.",
    ]


def test_without_model_calls_the_agent_s_own_conversation_counts() -> None:
    agent = Span(id="a", kind="agent", messages=(ASK,), reply=AIMessage("Yes."))

    assert shown(trajectory(trace(agent)).messages) == ["human:Is Ada free?", "ai:Yes."]
    assert trajectory(trace(Span(id="b", kind="chain"))) is None


@given(turns=st.lists(st.integers(0, 3), min_size=1, max_size=6), told=st.booleans())
@settings(max_examples=60, deadline=None)
def test_however_many_calls_a_run_has_each_is_there_once_with_its_result(
    turns: list[int], told: bool
) -> None:
    """A run of so many turns with so many parallel calls, told by its spans."""
    history: list[BaseMessage] = [ASK]
    spans, at = [], 1.0
    for turn, parallel in enumerate([*turns, 0]):
        made = [
            {"name": "go", "args": {"n": turn * 10 + n}, "id": f"c{turn}{n}" if told else None}
            for n in range(parallel)
        ]
        reply = AIMessage(f"Turn {turn}", tool_calls=made)
        spans.append(model(at, [*history], reply))
        history.append(reply)
        for call in made:
            at += 1
            said = json.dumps(call["args"])
            spans.append(
                tool(at, "go", arguments=call["args"], result=said, call_id=call["id"] or "")
            )
            history.append(ToolMessage(said, tool_call_id=call["id"] or "", name="go"))
        at += 1
        if not made:
            history.append(HumanMessage(f"Go on {turn}"))

    (run,) = trajectories(trace(*reversed(spans)))

    assert [json.loads(answer.content) for _, answer in run.calls] == [
        call["args"] for call, _ in run.calls
    ]
    assert len(run.calls) == sum(turns)
    assert len({call["id"] for call, _ in run.calls}) == sum(turns)
    assert [one.content for one in run.messages if isinstance(one, AIMessage)] == [
        f"Turn {n}" for n in range(len(turns) + 1)
    ]


@pytest.mark.parametrize("count", [150])
def test_long_runs_are_put_together_in_little_time(count: int) -> None:
    history: list[BaseMessage] = [ASK]
    spans = []
    for n in range(count):
        reply = calls(f"step{n}")
        spans.append(model(n + 1, [*history], reply))
        history += [reply, result(f"step{n}")]

    assert len(trajectory(trace(*spans)).messages) == 2 * count
