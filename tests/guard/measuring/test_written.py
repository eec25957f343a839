"""Calls of ReAct agents, read out of their words."""

from hypothesis import given
from hypothesis import settings as run_with
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from agentalign_lc.guard.measuring.written import read_written_calls
from agentalign_lc.guard.view import look

TWO = """Thought: first look.
Action: open_file
Action Input: {"path": "notes.txt"}
Observation: {"text": "call Ana"}

Thought: now write.
Action: send_sms
Action Input: {"to": "+15550100"}
Observation: sent

Thought: done.
Final Answer: I wrote to Ana."""


def read(text: str) -> tuple[BaseMessage, ...]:
    return read_written_calls([HumanMessage("Do it."), AIMessage(text)])


def test_calls_results_and_words_in_their_order() -> None:
    seen = look(read(TWO))
    assert [(call.tool, call.arguments, call.result) for call in seen.calls] == [
        ("open_file", {"path": "notes.txt"}, '{"text": "call Ana"}'),
        ("send_sms", {"to": "+15550100"}, "sent"),
    ]
    assert "I wrote to Ana." in seen.answer
    assert seen.said == ("Do it.",)


def test_a_call_without_a_result_is_pending() -> None:
    for end in ("", "\nObservation:", "\nObservation: ?", "\nThought: waiting"):
        seen = look(read(f"Action: pay\nAction Input: {{}}{end}"))
        assert [call.tool for call in seen.pending] == ["pay"]


def test_marks_numbers_and_inputs_that_are_no_objects() -> None:
    seen = look(read("**Action 1:** `find`\n**Action Input 1:** Lisbon weather\n"))
    assert [(call.tool, call.arguments) for call in seen.calls] == [
        ("find", {"input": "Lisbon weather"})
    ]


def test_ordinary_words_and_real_calls_stay_as_they_are() -> None:
    call = {"name": "a", "args": {}, "id": "1"}
    for message in (
        AIMessage("Action: none needed. Here is the answer."),
        AIMessage("Action: None\nAction Input: None\nFinal Answer: 7"),
        AIMessage(TWO, tool_calls=[call]),
        HumanMessage(TWO),
        ToolMessage(TWO, tool_call_id="1"),
    ):
        assert read_written_calls([message]) == (message,)


@run_with(deadline=None)
@given(st.lists(st.sampled_from(TWO.splitlines(keepends=True)) | st.text(max_size=20), max_size=8))
def test_whatever_is_written_every_result_answers_a_call(lines: list[str]) -> None:
    messages = read("".join(lines))
    calls = [c["id"] for m in messages if isinstance(m, AIMessage) for c in m.tool_calls]
    answers = [m.tool_call_id for m in messages if isinstance(m, ToolMessage)]
    assert len(set(calls)) == len(calls)
    assert set(answers) <= set(calls)
