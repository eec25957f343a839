"""Apps under test: the user's LangGraph app, with simulated tools in place of its own."""

import inspect
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextvars import ContextVar
from typing import Any
from uuid import uuid4

from langchain_core.messages import BaseMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.errors import GraphRecursionError
from langgraph.graph import StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.prebuilt import ToolNode
from pydantic import PrivateAttr

from agentalign_lc.environment.catalog import Catalog
from agentalign_lc.errors import ConfigError
from agentalign_lc.evaluation.room import MAX_TURNS, Room
from agentalign_lc.guard import Guard
from agentalign_lc.guard.policy.apps import find_tools

__all__ = ["FactoryAgent", "GraphAgent", "app_agent"]

Graph = CompiledStateGraph[Any, Any, Any, Any]
Factory = Callable[[list[BaseTool]], Graph | Awaitable[Graph]]

_NODES = 8
"""Nodes that an app may pass through for each turn of its model: middleware has nodes of its own."""
_ROOM: ContextVar[Room] = ContextVar("agentalign_room")


def app_agent(name: str, app: object, catalog: Catalog) -> "FactoryAgent | GraphAgent":
    """Put an app to the test: a compiled graph, or a function from tools to one.

    Args:
        name: Its label.
        app: What ``module:attribute`` named.
        catalog: Where a compiled graph's tools are simulated.

    Raises:
        ConfigError: it is neither, or a tool of it is not simulated.
    """
    if callable(app) and not _needs(app):
        app = app()
    if isinstance(app, StateGraph):
        app = app.compile()
    if isinstance(app, CompiledStateGraph):
        return GraphAgent(name, app, catalog)
    if callable(app):
        return FactoryAgent(name, app)
    raise ConfigError(
        f"{name} is a {type(app).__name__}: give a compiled graph, or a function that takes a list "
        "of tools and returns one"
    )


def _needs(function: Callable[..., Any]) -> bool:
    """Whether a function has to be given something."""
    return any(
        parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        for parameter in inspect.signature(function).parameters.values()
    )


class FactoryAgent:
    """An app that is built around the tools of each scenario.

    Args:
        name: Its label.
        factory: Takes the simulated tools, returns a compiled graph with ``messages`` in its state.
    """

    tools: frozenset[str] | None = None

    def __init__(self, name: str, factory: Callable[..., Any]) -> None:
        self.name = name
        self._factory = factory

    async def play(self, room: Room, guard: Guard | None) -> tuple[Sequence[BaseMessage], str]:
        """Build the app, and talk to it.

        Raises:
            ConfigError: the function returns no compiled graph.
        """
        made = self._factory(list(room.tools))
        app = await made if inspect.isawaitable(made) else made
        if isinstance(app, StateGraph):
            app = app.compile()
        if not isinstance(app, CompiledStateGraph):
            raise ConfigError(
                f"{self.name} returned a {type(app).__name__}: return a compiled graph"
            )
        return await _talk(guard.wrap(app) if guard is not None else app, room)


class GraphAgent:
    """An app that is built already; the tools of its ToolNodes are answered by simulated ones.

    The graph's ToolNodes get stand-ins, and keep them: none of the app's own tools
    runs in this process any more. What the model is shown of them stays the app's own.

    Args:
        name: Its label.
        app: The compiled graph, with ``messages`` in its state.
        catalog: Where its tools are simulated, by name.

    Raises:
        ConfigError: a tool has no simulated one, or is called outside a ToolNode.
    """

    def __init__(self, name: str, app: Graph, catalog: Catalog) -> None:
        self.name = name
        self._app = app
        self._guarded: dict[int, Graph] = {}
        nodes = list(_tool_nodes(app))
        held = {tool for node in nodes for tool in node.tools_by_name}
        everything = held | {tool.name for tool in find_tools(app)}
        if not held:
            raise ConfigError(
                f"{name} has no ToolNode whose tools could be simulated: give a function that takes "
                "a list of tools and returns the compiled graph"
            )
        if strange := sorted(everything - set(catalog.tools)):
            raise ConfigError(
                f"{name} has tools that are not simulated ({', '.join(strange)}): write a suite with "
                "`agentalign tools import`, and give it with --tools"
            )
        if outside := sorted(everything - held):
            raise ConfigError(
                f"{name} calls {', '.join(outside)} outside a ToolNode, where it would really run: "
                "give a function that takes a list of tools and returns the compiled graph"
            )
        self.tools: frozenset[str] | None = frozenset(held)
        for node in nodes:
            for tool in list(node.tools_by_name.values()):
                node.tools_by_name[tool.name] = _stand_in(tool)

    async def play(self, room: Room, guard: Guard | None) -> tuple[Sequence[BaseMessage], str]:
        """Talk to the app, whose tools act on the room's world meanwhile."""
        app = self._app
        if guard is not None:
            app = self._guarded.get(id(guard)) or self._guarded.setdefault(
                id(guard), guard.wrap(self._app)
            )
        token = _ROOM.set(room)
        try:
            return await _talk(app, room)
        finally:
            _ROOM.reset(token)


class _StandIn(BaseTool):
    """Looks like an app's tool, and calls the one of its name in the room that is being played."""

    _injected: frozenset[str] = PrivateAttr(default=frozenset())

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:  # noqa: A002, ANN401
        """Call the simulated tool."""
        return self._simulated().invoke(self._shown(input), config, **kwargs)

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:  # noqa: A002, ANN401
        """Call the simulated tool."""
        return await self._simulated().ainvoke(self._shown(input), config, **kwargs)

    def _run(self, *_: Any, **__: Any) -> Any:  # noqa: ANN401
        raise NotImplementedError("a stand-in is invoked")

    def _simulated(self) -> BaseTool:
        room = _ROOM.get()
        return next(tool for tool in room.tools if tool.name == self.name)

    def _shown(self, given: Any) -> Any:  # noqa: ANN401
        """The call without what LangGraph put into it for the app's own tool (state, store)."""
        if not isinstance(given, dict) or not isinstance(given.get("args"), dict):
            return given
        args = {name: value for name, value in given["args"].items() if name not in self._injected}
        return {**given, "args": args}


def _stand_in(tool: BaseTool) -> BaseTool:
    if isinstance(tool, _StandIn):
        return tool
    made = _StandIn(name=tool.name, description=tool.description, args_schema=tool.args_schema)
    # Arguments of its function that a model is not shown.
    fields, shown = (
        set(getattr(schema, "model_fields", ()))
        for schema in (tool.get_input_schema(), tool.tool_call_schema)
    )
    made._injected = frozenset(fields - shown) if shown else frozenset()  # noqa: SLF001
    return made


def _tool_nodes(app: Graph) -> Iterator[ToolNode]:
    """The ToolNodes of an app and of its subgraphs."""
    inner = [graph for _, graph in app.get_subgraphs(recurse=True)]
    for graph in (app, *(g for g in inner if isinstance(g, CompiledStateGraph))):
        for spec in graph.builder.nodes.values():
            if isinstance(spec.runnable, ToolNode):
                yield spec.runnable


async def _talk(app: Graph, room: Room) -> tuple[list[BaseMessage], str]:
    """Say the user's turns one after the other."""
    config: RunnableConfig = {
        "recursion_limit": _NODES * MAX_TURNS,
        "configurable": {"thread_id": str(uuid4())},
    }
    remembers = isinstance(app.checkpointer, BaseCheckpointSaver)
    messages: list[BaseMessage] = [room.system]
    for number, turn in enumerate(room.said):
        news = [turn] if remembers and number else [*messages, turn]
        state: Any = {"messages": [*messages, turn]}
        paused = False
        try:
            # Its states and not its end alone: what was done stands even if it never ends.
            async for state in app.astream({"messages": news}, config, stream_mode="values"):
                paused = isinstance(state, dict) and "__interrupt__" in state
        except GraphRecursionError:
            return _messages(state), "turns"
        messages = _messages(state)
        if paused:
            return messages, "interrupt"
    return messages, "answer"


def _messages(state: Any) -> list[BaseMessage]:  # noqa: ANN401 - an app's own state
    found = state.get("messages") if isinstance(state, dict) else getattr(state, "messages", None)
    return [message for message in found or () if isinstance(message, BaseMessage)]
