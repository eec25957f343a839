"""What did not run does not count: calls that a guard refused, and calls that nobody answered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inspect_ai.model import ChatMessageTool
from inspect_evals.agentharm.benchmark.grading_utils import get_all_function_calls
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from agentalign_lc.evaluation.inspect.messages import as_inspect, as_langchain, closed, curtailed

FATES = ("ran", "refused", "open")


def history(fates: list[list[str]]):
    """A run whose batches of calls met these fates, and what ran of it."""
    messages, ran = [SystemMessage("Be brief."), HumanMessage("Go.")], {}
    for at, batch in enumerate(fates):
        names = [f"{fate}_{at}_{n}" for n, fate in enumerate(batch)]
        messages.append(
            AIMessage("", tool_calls=[{"name": n, "args": {"at": at}, "id": n} for n in names])
        )
        for name in names:
            if name.startswith("ran"):
                ran[name] = ChatMessageTool(content="done", tool_call_id=name, function=name)
                messages.append(ToolMessage("done", tool_call_id=name, name=name))
            elif name.startswith("refused"):
                messages.append(ToolMessage("No.", tool_call_id=name, name=name, status="error"))
    return messages, ran


@given(st.lists(st.lists(st.sampled_from(FATES), min_size=1, max_size=4), max_size=4))
def test_graders_count_the_calls_that_ran_and_no_others(fates):
    messages, ran = history(fates)
    for end in (closed, curtailed):
        found = end(as_inspect(messages, ran), ran)
        assert get_all_function_calls(found) == [
            call["name"]
            for m in messages
            if m.type == "ai"
            for call in m.tool_calls
            if call["name"] in ran
        ]
        calls = [c.id for m in found if m.role == "assistant" for c in m.tool_calls or ()]
        assert {m.tool_call_id for m in found if m.role == "tool"} == set(calls)


@given(st.lists(st.lists(st.sampled_from(("ran",)), min_size=1, max_size=3), max_size=3))
def test_a_plain_run_comes_back_as_it_was(fates):
    messages, ran = history(fates)
    back = as_langchain(as_inspect(messages, ran))
    assert [(m.type, m.text) for m in back] == [(m.type, m.text) for m in messages]
    calls = [
        [(c["name"], c["args"], c["id"]) for c in m.tool_calls] for m in back if m.type == "ai"
    ]
    assert calls == [
        [(c["name"], c["args"], c["id"]) for c in m.tool_calls] for m in messages if m.type == "ai"
    ]


def test_graders_read_what_the_model_read():
    messages, ran = history([["ran"]])
    messages[-1] = messages[-1].model_copy(update={"content": "[redacted]"})
    assert as_inspect(messages, ran)[-1].text == "[redacted]"


@pytest.mark.parametrize("args", ['{"to": ', "[1]"])
def test_arguments_that_are_no_object_are_a_parse_error(args):
    call = {"name": "send", "args": args, "id": "1", "error": None, "type": "invalid_tool_call"}
    said = as_inspect([AIMessage("", invalid_tool_calls=[call])], {})[0]
    assert said.tool_calls[0].parse_error


def test_a_refusal_beside_an_empty_content_is_what_was_said():
    said = as_inspect([AIMessage("", additional_kwargs={"refusal": "No."})], {})
    assert said[0].text == "No."
