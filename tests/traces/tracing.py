"""Traces for tests, made by hand: what somebody said, what was called, what was answered."""

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from agentalign_lc.traces.trace import Span, Trace

SEND = {
    "type": "function",
    "function": {
        "name": "send_gmail",
        "description": "Send an e-mail.",
        "parameters": {
            "type": "object",
            "properties": {name: {"type": "string"} for name in ("to", "subject", "body")},
        },
    },
}


def called(name="send_gmail", id="c1", **arguments):
    """An assistant's message with one call."""
    return AIMessage("", tool_calls=[{"name": name, "args": arguments, "id": id}])


def traced(*said, id="t", source="recorder", tools=(SEND,), **about) -> Trace:
    """A trace of one agent: texts of a user, and what came of them; every model call a span."""
    messages = [HumanMessage(one) if isinstance(one, str) else one for one in said]
    spans = [Span(id=f"{id}-root", kind="agent", name="agent", started=1.0, ended=99.0)]
    for place, message in enumerate(messages):
        inside = {"parent": f"{id}-root", "started": 2.0 + place, "ended": 2.5 + place}
        if isinstance(message, AIMessage):
            spans.append(
                Span(
                    id=f"{id}-{place}", kind="model", name="model", messages=tuple(messages[:place]),
                    reply=message, tools=tuple(tools), **inside,
                )
            )  # fmt: skip
        elif isinstance(message, ToolMessage):
            spans.append(
                Span(
                    id=f"{id}-{place}", kind="tool", name=message.name or "", result=message.text,
                    call_id=message.tool_call_id, **inside,
                )
            )  # fmt: skip
    return Trace(id=id, source=source, name="app", spans=tuple(spans), **about)


def answered(text="Sent.", id="c1", name="send_gmail"):
    """A tool's message."""
    return ToolMessage(text, tool_call_id=id, name=name)
