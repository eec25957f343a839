"""The error that stops a call before its tool runs, and its silence in LangChain's log."""

import logging

from langgraph.errors import GraphInterrupt
from langgraph.prebuilt.tool_node import ToolInvocationError

__all__ = ["CallRefusedError"]


class CallRefusedError(ToolInvocationError):
    """A call was refused before its tool ran.

    A ToolNode answers the call with the message and goes on with its siblings, as
    it does for arguments that do not fit. Elsewhere it is an error like any other.
    """

    def __init__(self, tool: str, message: str) -> None:
        Exception.__init__(self, message)
        self.tool_name = tool
        self.message = message


def _worth_a_line(record: logging.LogRecord) -> bool:
    """LangChain logs whatever a handler raises as its error; a refusal and a pause are none."""
    who, _, what = (
        (*record.args, "", "", "")[:3] if isinstance(record.args, tuple) else ("", "", "")
    )
    ours = str(what).startswith((CallRefusedError.__name__, GraphInterrupt.__name__))
    return not (who == "Watch" and ours)


logging.getLogger("langchain_core.callbacks.manager").addFilter(_worth_a_line)
