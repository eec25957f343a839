"""Inspect's tools as LangChain tools; Inspect runs them, checks their arguments and logs them."""

from collections.abc import Iterable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool, ToolException
from pydantic import PrivateAttr

if TYPE_CHECKING:
    from inspect_ai.model import ChatMessageTool
    from inspect_ai.tool import Tool

__all__ = ["InspectTool", "langchain_tools"]

_CALL: ContextVar[str | None] = ContextVar("agentalign_inspect_call", default=None)


class InspectTool(BaseTool):
    """One tool of a sample. Made by :func:`langchain_tools`."""

    _tool: Any = PrivateAttr()
    _ran: "dict[str, ChatMessageTool]" = PrivateAttr()

    async def arun(self, *args: Any, tool_call_id: str | None = None, **kwargs: Any) -> Any:  # noqa: ANN401
        """Run as any tool does, and know which call it is for."""
        token = _CALL.set(tool_call_id)
        try:
            return await super().arun(*args, tool_call_id=tool_call_id, **kwargs)
        finally:
            _CALL.reset(token)

    async def _arun(self, **arguments: Any) -> ToolMessage:  # noqa: ANN401
        from inspect_ai.model import ChatMessageAssistant, execute_tools  # noqa: PLC0415
        from inspect_ai.tool import ToolCall  # noqa: PLC0415

        id = _CALL.get() or uuid4().hex
        call = ToolCall(id=id, function=self.name, arguments=arguments)
        asked = ChatMessageAssistant(content="", tool_calls=[call])
        done = await execute_tools([asked], [self._tool])
        answer = next(m for m in done.messages if m.role == "tool")
        self._ran[id] = answer
        text = answer.error.message if answer.error else answer.text
        status = "error" if answer.error else "success"
        return ToolMessage(text, tool_call_id=id, name=self.name, status=status)

    def _run(self, **_: Any) -> Any:  # noqa: ANN401
        raise ToolException(f"{self.name} is async only: run the graph's tools with ainvoke")


def langchain_tools(
    tools: "Iterable[Tool]", ran: "dict[str, ChatMessageTool]"
) -> list[InspectTool]:
    """Make LangChain tools of a sample's tools.

    Args:
        tools: As the suite has set them up.
        ran: Is told, by call id, what Inspect answered to each call that ran.
    """
    return [_langchain_tool(tool, ran) for tool in tools]


def _langchain_tool(tool: "Tool", ran: "dict[str, ChatMessageTool]") -> InspectTool:
    from inspect_ai.tool import ToolDef  # noqa: PLC0415

    seen = ToolDef(tool)
    made = InspectTool(
        name=seen.name,
        description=seen.description,
        args_schema=seen.parameters.model_dump(mode="json", exclude_none=True),
    )
    made._tool, made._ran = tool, ran  # noqa: SLF001 - its own maker
    return made
