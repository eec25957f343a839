"""Export for agentevals: a line a trace, its main conversation as OpenAI messages.

``outputs`` is what its trajectory evaluators take; arguments are JSON strings.
"""

from typing import Any

from langchain_core.messages import convert_to_openai_messages

from agentalign_lc.traces.assembly import NOTHING_SAID, trajectory
from agentalign_lc.traces.trace import Label, Trace

__all__ = ["agentevals_row"]


def agentevals_row(trace: Trace, label: Label | None = None) -> dict[str, Any]:
    """A trace as agentevals reads it.

    Example:
        >>> from langchain_core.messages import AIMessage, HumanMessage
        >>> from agentalign_lc.traces.trace import Span
        >>> span = Span(id="1", kind="model", messages=(HumanMessage("Hi"),), reply=AIMessage("Hello"))
        >>> agentevals_row(Trace(id="t", source="recorder", spans=(span,)))["outputs"]
        [{'role': 'user', 'content': 'Hi'}, {'role': 'assistant', 'content': 'Hello'}]
    """
    run = trajectory(trace) or NOTHING_SAID
    return {
        "id": trace.id,
        "outputs": convert_to_openai_messages(list(run.messages)),
        "tools": list(run.tools),
        "label": label.label if label else None,
        "source": trace.source,
        "thread": trace.thread,
    }
