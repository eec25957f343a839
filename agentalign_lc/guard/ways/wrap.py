"""Wrap: a guard around an app that is already built.

    app = guard.wrap(app)

The app stays what it is, with its state, its checkpointer and its methods; each
run of it is watched (``guard/ways/watch.py``). The original graph is left alone.

A person who is asked about a call may approve, reject or edit it. The model's
message keeps the call as the model made it; the tool's message says what ran.
Editing needs the checkpointer to be the wrapped app's own, and a node that reads
its calls from its state, as a ToolNode does: elsewhere a person is offered to
approve or reject, and an edit that comes all the same is a rejection.

What it cannot do: stop a node that touches the world without a tool; reach code
in another process (a remote graph); hear a thread that was started without the
caller's context. A refused request costs one model call, whose answer is thrown
away. A tool that is called outside a ToolNode raises where it is refused, and so
does an answer in a fixed form that the provider or the agent insists on.
"""

from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, closing, contextmanager
from functools import partial
from typing import Any, Self

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config
from langchain_core.tools import BaseTool
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph.state import CompiledStateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command, StateSnapshot

from agentalign_lc.errors import ConfigError
from agentalign_lc.guard.engine.engine import Engine
from agentalign_lc.guard.engine.history import answer_calls
from agentalign_lc.guard.ways.batch import Batch, Bounded
from agentalign_lc.guard.ways.edits import Edit
from agentalign_lc.guard.ways.trace import result_name, returned
from agentalign_lc.guard.ways.watch import WATCHING, Watch

__all__ = ["GuardedGraph", "wrap"]


_NO_V3 = (
    "a guarded app has no events of version v3: they carry tokens before these were judged;"
    " use stream, astream or astream_events(version='v2')"
)

_NO_LOG = (
    "a guarded app has no astream_log: it carries tokens before these were judged;"
    " use astream or astream_events(version='v2')"
)


class GuardedGraph(CompiledStateGraph[Any, Any, Any, Any]):
    """A compiled graph, each run of which is watched by a guard; made by :func:`wrap`."""

    guard: Engine
    _batches: Bounded[Batch]
    _edits: Bounded[dict[str, Edit]]
    _names: frozenset[str]

    def copy(self, update: dict[str, Any] | None = None) -> Self:
        """A copy with other fields (a server brings its own checkpointer), guarded as well."""
        made = object.__new__(type(self))
        made.__dict__.update(self.__dict__ | (update or {}))
        return made

    def stream(self, input: Any, config: RunnableConfig | None = None, **options: Any) -> Any:  # noqa: A002, ANN401
        """Stream as the graph does; what was not judged waits, what is blocked never comes."""
        return self._stream(input, config, options)

    def astream(self, input: Any, config: RunnableConfig | None = None, **options: Any) -> Any:  # noqa: A002, ANN401
        """Stream as the graph does, without blocking."""
        return self._afreed(input, config, partial(super().astream, input, config, **options))

    def astream_events(self, input: Any, *args: Any, **options: Any) -> Any:  # noqa: A002, ANN401
        """Stream events as the graph does; tokens wait until the whole message was judged."""
        if options.get("version") == "v3":
            raise ConfigError(_NO_V3)
        config = args[0] if args else options.pop("config", None)
        events = partial(super().astream_events, input, config, **options)
        return self._afreed(input, config, events)

    def stream_events(self, *_: Any, **__: Any) -> Any:  # noqa: ANN401
        """Never: see the error.

        Raises:
            ConfigError: always.
        """
        raise ConfigError(_NO_V3)

    def astream_log(self, *_: Any, **__: Any) -> Any:  # noqa: ANN401
        """Never: see the error.

        Raises:
            ConfigError: always.
        """
        raise ConfigError(_NO_LOG)

    def _stream(
        self,
        input: Any,  # noqa: A002, ANN401
        config: RunnableConfig | None,
        options: dict[str, Any],
    ) -> Iterator[Any]:
        watch = self._watch(input, config)
        held = _Held(watch)
        parts: Any = iter(super().stream(input, config, **options))
        with closing(parts):
            while True:
                try:
                    with _watched(watch):
                        part = next(parts)
                except StopIteration:
                    break
                yield from held.take(part)
        yield from held.rest()

    async def _afreed(
        self,
        input: Any,  # noqa: A002, ANN401
        config: RunnableConfig | None,
        begin: Callable[[], AsyncIterator[Any]],
    ) -> AsyncIterator[Any]:
        """What the graph streams, parts or events, as far as it was judged."""
        watch = await self._awatch(input, config)
        held = _Held(watch)
        parts: Any = aiter(begin())
        async with aclosing(parts):
            while True:
                try:
                    with _watched(watch):
                        part = await anext(parts)
                except StopAsyncIteration:
                    break
                for free in held.take(part):
                    yield free
        for free in held.rest():
            yield free

    def _watch(self, input: Any, config: RunnableConfig | None) -> Watch:  # noqa: A002, ANN401
        watch = self._new(input, config)
        if not isinstance(self.checkpointer, BaseCheckpointSaver) or watch is WATCHING.get():
            return watch
        config = ensure_config(config)
        state = self.get_state(config, subgraphs=watch.resuming)
        if watch.resuming:
            _resumed(watch, state, input)
        elif answers := _dangling(state):
            self.update_state(config, answers, as_node=state.next[0])
        return watch

    async def _awatch(self, input: Any, config: RunnableConfig | None) -> Watch:  # noqa: A002, ANN401
        watch = self._new(input, config)
        if not isinstance(self.checkpointer, BaseCheckpointSaver) or watch is WATCHING.get():
            return watch
        config = ensure_config(config)
        state = await self.aget_state(config, subgraphs=watch.resuming)
        if watch.resuming:
            _resumed(watch, state, input)
        elif answers := _dangling(state):
            await self.aupdate_state(config, answers, as_node=state.next[0])
        return watch

    def _new(self, input: Any, config: RunnableConfig | None) -> Watch:  # noqa: A002, ANN401
        outer = WATCHING.get()
        if outer is not None and outer.guard is self.guard:
            # A guarded graph inside a guarded app, or the run behind `astream_events`.
            return outer
        thread = str(ensure_config(config).get("configurable", {}).get("thread_id", ""))
        resuming = input is None or isinstance(input, Command)
        if not resuming:
            # An edit is for the run that paused.
            self._edits.drop(thread)
        # Under a checkpointer of somebody else, what a person said comes by another way.
        own = isinstance(self.checkpointer, BaseCheckpointSaver)
        edits = self._edits.get(thread, dict) if own else None
        return Watch(
            self.guard, thread, self._batches, edits=edits, resuming=resuming, tools=self._names
        )


def wrap(guard: Engine, app: CompiledStateGraph[Any, Any, Any, Any]) -> GuardedGraph:
    """Guard an app that is already built.

    Args:
        guard: Who judges.
        app: A compiled graph: of ``create_agent``, of a supervisor, or of your own. Subgraphs and
            agents that are started inside tools are guarded too.

    Raises:
        ConfigError: it is no compiled graph.

    Example:
        >>> from langgraph.graph import START, MessagesState, StateGraph
        >>> builder = StateGraph(MessagesState)
        >>> _ = builder.add_node("agent", lambda state: {"messages": [AIMessage("Hello.")]})
        >>> app = wrap(Engine([]), builder.add_edge(START, "agent").compile())
        >>> app.invoke({"messages": ["Hi."]})["messages"][-1].content
        'Hello.'
    """
    if not isinstance(app, CompiledStateGraph):
        raise ConfigError(
            f"only a compiled StateGraph can be wrapped, not {type(app).__name__};"
            " call .compile() first, or use guard.node or guard.tool_wrapper"
        )
    tools = _tools(app)
    guard.learn(tools)
    guarded = object.__new__(GuardedGraph)
    guarded.__dict__.update(app.__dict__)
    guarded.guard = guard
    guarded._batches = Bounded()
    guarded._edits = Bounded()
    guarded._names = frozenset(tool.name for tool in tools)
    return guarded


@contextmanager
def _watched(watch: Watch) -> Iterator[None]:
    """For one step alone: a generator shares its context with whoever reads from it."""
    token = WATCHING.set(watch)
    try:
        yield
    finally:
        WATCHING.reset(token)


class _Held:
    """Parts of a stream that carry a model's words wait until these were judged."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._waiting: OrderedDict[str, list[Any]] = OrderedDict()
        self._replaced: set[str] = set()

    def take(self, part: Any) -> Iterator[Any]:  # noqa: ANN401
        """What may go on, now that a part has come."""
        name = self._names(part)
        if not name:
            yield from self._released()
            yield part
            return
        self._waiting.setdefault(name, []).append(part)
        yield from self._released()

    def rest(self) -> Iterator[Any]:
        """What may go on at the end; the words of a model call that failed may not."""
        yield from self._released()

    def _names(self, part: Any) -> str:  # noqa: ANN401
        """Id of the message whose words a part carries, if these have to be judged."""
        if isinstance(part, dict) and part.get("event") == "on_tool_end":
            results = returned(part["data"].get("output"))
            return result_name(results[-1].tool_call_id) if results else ""
        message = _message(part)
        if not isinstance(message, AIMessage) or not message.id:
            return ""
        known = message.id in self._watch.settled
        if isinstance(message, AIMessageChunk) or known or self._watch.speaking:
            return message.id
        # Written by a node and not by a model.
        return ""

    def _released(self) -> Iterator[Any]:
        for name in [n for n in self._waiting if n in self._watch.settled]:
            parts = self._waiting.pop(name)
            text = self._watch.blocked.get(name)
            if text is None:
                yield from parts
                continue
            for part in parts:
                # Of many tokens one is left; an event that sums up is left with another sum.
                if name not in self._replaced or _sums_up(part):
                    self._replaced.add(name)
                    yield _saying(part, text, name)


def _message(part: Any) -> Any:  # noqa: ANN401
    """The message that a streamed part carries, in any of the shapes that LangGraph has for it."""
    if isinstance(part, dict):
        if str(part.get("event", "")).endswith("_stream"):
            return _message(part["data"].get("chunk"))
        if _sums_up(part):
            return _message(part["data"].get("output"))
        return _message(part["data"]) if part.get("type") == "messages" else None
    if isinstance(part, tuple) and part:
        return part[0] if isinstance(part[0], BaseMessage) else _message(part[-1])
    return part if isinstance(part, BaseMessage) else None


def _sums_up(part: Any) -> bool:  # noqa: ANN401
    return isinstance(part, dict) and part.get("event") == "on_chat_model_end"


def _saying(part: Any, text: str, name: str) -> Any:  # noqa: ANN401
    """A part of the same shape with another text."""
    if isinstance(part, dict):
        if "event" in part:
            where = "output" if _sums_up(part) else "chunk"
            said = _saying(part["data"][where], text, name)
            return {**part, "data": {**part["data"], where: said}}
        return {**part, "data": _saying(part["data"], text, name)}
    if isinstance(part, tuple):
        if isinstance(part[0], BaseMessage):
            return (_saying(part[0], text, name), *part[1:])
        return (*part[:-1], _saying(part[-1], text, name))
    kind = AIMessageChunk if isinstance(part, AIMessageChunk) else AIMessage
    return kind(content=text, id=name)


def _tools(app: CompiledStateGraph[Any, Any, Any, Any]) -> list[BaseTool]:
    """The tools of all ToolNodes that can be seen from outside."""
    subgraphs = [graph for _, graph in app.get_subgraphs(recurse=True)]
    graphs = [app, *(g for g in subgraphs if isinstance(g, CompiledStateGraph))]
    nodes = [spec.runnable for graph in graphs for spec in graph.builder.nodes.values()]
    return [t for n in nodes if isinstance(n, ToolNode) for t in n.tools_by_name.values()]


def _resumed(watch: Watch, state: StateSnapshot, given: object) -> None:
    """Have the watch know what it needs of a run that paused."""
    watch.recall_all(_conversations(state))
    if isinstance(given, Command) and given.resume is not None:
        watch.take_answers(state.interrupts, given.resume)


def _dangling(state: StateSnapshot) -> dict[str, list[ToolMessage]]:
    """Answers to the calls of a run that paused and that a new message of the user leaves behind.

    Without them the next turn would be refused by a provider.
    """
    if not state.next or not isinstance(state.values, dict):
        return {}
    found = {
        name: answer_calls(value, "The user went on before this call was carried out.")
        for name, value in state.values.items()
        if isinstance(value, list) and all(isinstance(m, BaseMessage) for m in value)
    }
    return {name: answers for name, answers in found.items() if answers}


def _conversations(state: StateSnapshot) -> Iterator[list[BaseMessage]]:
    """Every list of messages in a state and in those of its subgraphs."""
    values = state.values if isinstance(state.values, dict) else {"": state.values}
    for value in values.values():
        if isinstance(value, list) and any(isinstance(m, BaseMessage) for m in value):
            yield value
    for task in state.tasks:
        if isinstance(task.state, StateSnapshot):
            yield from _conversations(task.state)
