"""The guard: the engine, with the four ways into an app as its methods."""

from collections.abc import Callable
from typing import Any

from langchain_core.runnables import RunnableLambda
from langgraph.graph import END
from langgraph.graph.state import CompiledStateGraph

from agentalign_lc.guard.engine.engine import Engine
from agentalign_lc.guard.ways.node import guard_node
from agentalign_lc.guard.ways.tools import atool_wrapper, tool_wrapper
from agentalign_lc.guard.ways.wrap import GuardedGraph, wrap

__all__ = ["Guard"]


class Guard(Engine):
    """Judges what an app is about to do, and gets into the app.

    For ``create_agent`` there is :class:`~agentalign_lc.guard.GuardMiddleware`;
    the other three ways are methods.

    Example:
        >>> from langchain_core.messages import HumanMessage
        >>> guard = Guard([])
        >>> guard.decide(guard.look([HumanMessage("What is the weather?")]), "request").action
        'allow'
    """

    def node(
        self, *, model: str, tools: str, end: str = END, messages_key: str = "messages"
    ) -> RunnableLambda[Any, Any]:
        """A node for a StateGraph that judges and routes; see ``guard/ways/node.py``."""
        return guard_node(self, model=model, tools=tools, end=end, messages_key=messages_key)

    def tool_wrapper(self, messages_key: str = "messages") -> Callable[..., Any]:
        """For ``ToolNode(wrap_tool_call=...)``; see ``guard/ways/tools.py``."""
        return tool_wrapper(self, messages_key)

    def atool_wrapper(self, messages_key: str = "messages") -> Callable[..., Any]:
        """For ``ToolNode(awrap_tool_call=...)``, beside the other one."""
        return atool_wrapper(self, messages_key)

    def wrap(self, app: CompiledStateGraph[Any, Any, Any, Any]) -> GuardedGraph:
        """Guard an app that is already built; see ``guard/ways/wrap.py``."""
        return wrap(self, app)
