"""The node for a hand-written StateGraph: every step passes through it, and it says where to go.

    builder.add_node("guard", guard.node(model="agent", tools="tools"))
    builder.add_edge(START, "guard")     # the request
    builder.add_edge("agent", "guard")   # calls, all of a message together, and answers
    builder.add_edge("tools", "guard")   # results

Any of these edges may be left out; what does not pass is not judged there. The
node routes with ``Command``, so no edge may leave it: a static edge beside it
would fire as well, and refused calls would run. It comes after the node that
speaks: a stream of tokens or of that node's updates shows a message before it is
judged (``guard.wrap`` holds it back).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, RemoveMessage, ToolMessage
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langgraph.graph import END
from langgraph.graph.message import REMOVE_ALL_MESSAGES
from langgraph.types import Command, Send

from agentalign_lc.guard.engine.decision import Decision
from agentalign_lc.guard.engine.engine import Engine
from agentalign_lc.guard.engine.history import (
    end_run,
    mend,
    name_calls,
    pending_calls,
    problems,
    refusal,
    replaced,
    unreadable,
)
from agentalign_lc.guard.view import Checkpoint, View
from agentalign_lc.guard.ways.batch import (
    Bounded,
    ask_about,
    ask_about_request,
    call_text,
    redacted_text,
    with_arguments,
)
from agentalign_lc.guard.ways.person import Answer
from agentalign_lc.guard.ways.step import Asked, Check, asettled, settled
from agentalign_lc.guard.ways.words import facts_of, last_word

__all__ = ["GuardNode", "guard_node"]


class GuardNode:
    """Judges whatever the history ends with, and routes.

    Args:
        guard: Who judges.
        model: The node that calls the model.
        tools: The node that runs tools, a ToolNode or one that takes a list of calls by ``Send``.
        end: Where to go when there is nothing more to do.
        messages_key: Where the state keeps its messages.
    """

    def __init__(
        self,
        guard: Engine,
        *,
        model: str,
        tools: str,
        end: str = END,
        messages_key: str = "messages",
    ) -> None:
        self._guard = guard
        self._model = model
        self._tools = tools
        self._end = end
        self._key = messages_key
        self._kept: Bounded[Decision] = Bounded()

    def run(self, state: Any, config: RunnableConfig) -> Command[Any]:  # noqa: ANN401
        """Judge and route."""
        return settled(self._guard, self._judged(self._history(state), config))

    async def arun(self, state: Any, config: RunnableConfig) -> Command[Any]:  # noqa: ANN401
        """Judge and route, without blocking."""
        return await asettled(self._guard, self._judged(self._history(state), config))

    def _judged(self, history: list[BaseMessage], config: RunnableConfig) -> Check[Command[Any]]:
        checkpoint = _place(history)
        found: list[tuple[str, Decision]] = []
        for view in self._views(history, checkpoint):
            key = self._memory(config, view, checkpoint)
            decision = self._kept.find(key) or (yield Asked(view, checkpoint))
            found.append((key, self._remembered(key, decision)))
        decisions = [decision for _, decision in found]
        if checkpoint == "calls":
            routed = yield from self._calls(history, decisions[0])
        else:
            routed = self._route(history, checkpoint, decisions)
        self._forget_failures(found)
        return routed

    def _history(self, state: Any) -> list[BaseMessage]:  # noqa: ANN401
        if isinstance(state, list):
            return list(state)
        found = state.get(self._key) if isinstance(state, Mapping) else getattr(state, self._key)
        return list(found or ())

    def _views(self, history: list[BaseMessage], checkpoint: Checkpoint) -> list[View]:
        """What is judged: one view; for several new results one for each."""
        if checkpoint != "result":
            return [self._guard.look(_named(history))]
        return [self._guard.look(history[: at + 1]) for at in _new_results(history)]

    def _memory(self, config: RunnableConfig, view: View, checkpoint: Checkpoint) -> str:
        thread = config.get("configurable", {}).get("thread_id", "")
        return f"{thread} {self._guard.key(view, checkpoint)}"

    def _remembered(self, key: str, decision: Decision) -> Decision:
        # The node runs again from its start when a person has answered: nothing is judged twice.
        return self._kept.get(key, lambda: decision)

    def _forget_failures(self, found: Sequence[tuple[str, Decision]]) -> None:
        """A judge that failed is asked again when the same comes by another time."""
        for key, decision in found:
            if decision.error:
                self._kept.drop(key)

    def _route(
        self,
        history: list[BaseMessage],
        checkpoint: Checkpoint,
        decisions: Sequence[Decision],
    ) -> Command[Any]:
        match checkpoint:
            case "result":
                return self._results(history, decisions)
            case "request":
                return self._request(history, decisions[0])
        return self._answer(history[-1] if history else None, decisions[0])

    def _request(self, found: list[BaseMessage], decision: Decision) -> Command[Any]:
        """Go to the model, or end; what an earlier pause left dangling is answered."""
        history = mend(found)
        mended = [RemoveMessage(id=REMOVE_ALL_MESSAGES), *history] if problems(found) else []
        asks = decision.action == "ask"
        if decision.allowed or (asks and ask_about_request(decision, found[-1].text)):
            return self._go(self._model, *mended)
        return self._go(self._end, *mended, AIMessage(last_word(self._guard, decision)))

    def _calls(self, found: list[BaseMessage], decision: Decision) -> Check[Command[Any]]:
        history = _named(found)
        if decision.ends:
            return self._over(found, history, decision)
        asked = [c for c in pending_calls(history) if decision.for_call(c["id"]) == "ask"]
        said = ask_about(decision, asked) if asked else {}
        edits = {i: reply.arguments for i, reply in said.items() if reply.kind == "edit"}
        edited = history
        for call_id, arguments in edits.items():
            edited = with_arguments(edited, call_id, arguments)
        final = Decision(checkpoint="arguments")
        if edits:
            final = yield Asked(self._guard.look(edited), "arguments")
        if final.ends:
            return self._over(found, edited, final)
        garbled = {message.tool_call_id: message for message in unreadable(history)}
        run, answers = [], []
        for call in pending_calls(edited):
            refused = garbled.get(call["id"]) or self._refused(
                call, decision, said.get(call["id"]), final
            )
            if refused:
                answers.append(refused)
            else:
                run.append(call)
        # Written again under its id, where a person changed arguments or a call had no id.
        renewed = edited[-1:] if edited[-1] is not found[-1] else []
        sends = [Send(self._tools, [_tool_call(call)]) for call in run]
        return Command(update={self._key: [*renewed, *answers]}, goto=sends or self._model)

    def _refused(
        self, call: Mapping[str, Any], decision: Decision, reply: Answer | None, final: Decision
    ) -> ToolMessage | None:
        """The answer to a call that does not run."""
        call_id = call["id"]
        if decision.for_call(call_id) == "refuse_call":
            return refusal(call, call_text(self._guard, decision, call))
        if reply and reply.kind == "reject":
            return refusal(call, call_text(self._guard, decision, call, reply))
        # What a person wrote is not asked about again: it would not end.
        if reply and reply.kind == "edit" and final.for_call(call_id) == "refuse_call":
            return refusal(call, call_text(self._guard, final, call))
        return None

    def _over(
        self, found: list[BaseMessage], history: list[BaseMessage], decision: Decision
    ) -> Command[Any]:
        """End the run, every pending call answered."""
        word = last_word(self._guard, decision)
        renamed = history[-1:] if history[-1] is not found[-1] else []
        return self._go(self._end, *renamed, *end_run(history, word, word))

    def _results(self, history: list[BaseMessage], decisions: Sequence[Decision]) -> Command[Any]:
        found = [history[at] for at in _new_results(history)]
        clean = [
            replaced(message, redacted_text(self._guard, decision))
            for message, decision in zip(found, decisions, strict=True)
            if not decision.allowed
        ]
        over = next((d for d in decisions if d.ends), None)
        if over:
            return self._go(self._end, *clean, AIMessage(last_word(self._guard, over)))
        return self._go(self._model, *clean)

    def _answer(self, message: BaseMessage | None, decision: Decision) -> Command[Any]:
        if message is None or decision.allowed:
            return self._go(self._end)
        if decision.ends:
            return self._go(self._end, replaced(message, last_word(self._guard, decision)))
        return self._go(self._end, replaced(message, redacted_text(self._guard, decision)))

    def _go(self, place: str, *messages: BaseMessage) -> Command[Any]:
        return Command(update={self._key: list(messages)} if messages else None, goto=place)


def guard_node(
    guard: Engine,
    *,
    model: str,
    tools: str,
    end: str = END,
    messages_key: str = "messages",
) -> RunnableLambda[Any, Any]:
    """Make the node; arguments are those of :class:`GuardNode`.

    Example:
        >>> from langgraph.graph import START, MessagesState, StateGraph
        >>> builder = StateGraph(MessagesState)
        >>> _ = builder.add_node("agent", lambda state: {"messages": [AIMessage("Hello.")]})
        >>> _ = builder.add_node("tools", lambda state: {})
        >>> _ = builder.add_node("guard", guard_node(Engine([]), model="agent", tools="tools"))
        >>> _ = builder.add_edge(START, "guard").add_edge("agent", "guard").add_edge("tools", "guard")
        >>> builder.compile().invoke({"messages": ["Hi."]})["messages"][-1].content
        'Hello.'
    """
    node = GuardNode(guard, model=model, tools=tools, end=end, messages_key=messages_key)
    return RunnableLambda(node.run, node.arun, name=guard.name)


def _named(history: list[BaseMessage]) -> list[BaseMessage]:
    """The history, every call of its last message with an id of its own."""
    last = history[-1] if history else None
    return [*history[:-1], name_calls(last)] if isinstance(last, AIMessage) else history


def _place(history: Sequence[BaseMessage]) -> Checkpoint:
    last = history[-1] if history else None
    if isinstance(last, ToolMessage):
        return "result"
    if isinstance(last, HumanMessage):
        return "request"
    return "calls" if pending_calls(history) else "answer"


def _new_results(history: Sequence[BaseMessage]) -> list[int]:
    """Where the results stand that came after the last assistant message."""
    places: list[int] = []
    for at in range(len(history) - 1, -1, -1):
        message = history[at]
        if not isinstance(message, ToolMessage):
            break
        if not facts_of(message):
            places.append(at)
    return places[::-1]


def _tool_call(call: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": call["name"], "args": call["args"], "id": call["id"], "type": "tool_call"}
