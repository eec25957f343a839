"""The watch: what a guard sees and does inside an app whose code it cannot change.

A callback handler that every model and every tool of a run reports to, in
subgraphs and in agents started inside tools too. It knows each model's
conversation, and keeps one trajectory of the whole app. It acts where LangChain
lets a handler act: it raises before a tool runs, which a ToolNode turns into
that call's answer, it changes a message before anybody else has read it, and it
puts a call that a person edited into what a node is given (``edits.py``).
"""

import contextvars
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID, uuid4

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    ToolMessage,
)
from langchain_core.outputs import ChatGeneration, LLMResult
from langchain_core.runnables.config import var_child_runnable_config
from langchain_core.tracers.context import register_configure_hook
from langgraph.errors import GraphInterrupt
from langgraph.types import Interrupt

from agentalign_lc.guard.audit.place import RUN
from agentalign_lc.guard.engine.decision import Decision
from agentalign_lc.guard.engine.engine import Engine
from agentalign_lc.guard.engine.history import call_ids, refusal
from agentalign_lc.guard.view import Checkpoint, View
from agentalign_lc.guard.ways.batch import (
    Batch,
    Bounded,
    ask_about,
    ask_about_request,
    call_text,
    redacted_text,
    with_arguments,
)
from agentalign_lc.guard.ways.edits import Edit, Edits, as_ran, noted, same_arguments
from agentalign_lc.guard.ways.forms import NO_FORM, AnswerRefusedError, Form, form_of
from agentalign_lc.guard.ways.person import Answer
from agentalign_lc.guard.ways.refused import CallRefusedError
from agentalign_lc.guard.ways.trace import mute, result_name, returned, stands_in, still_running
from agentalign_lc.guard.ways.words import Spoken, last_word

__all__ = ["WATCHING", "Watch"]

V = TypeVar("V")

_NOT_EDITED = (
    "it cannot be edited here, as the app calls it in a way of its own: approve or reject it"
)


class Watch(BaseCallbackHandler):
    """Judges one run of an app.

    Args:
        guard: Who judges.
        thread: Id of the conversation, if it has one.
        batches: Batches of earlier runs by thread and call id, since a run that was paused goes on
            without asking the model again.
        edits: What a person has edited and did not run yet, by call id; None where no answer of a
            person can be read before the run goes on, and so none can be an edit.
        resuming: Whether this run goes on where another paused.
        tools: Names of the app's tools, as far as they can be seen from outside.
    """

    raise_error = True
    """Callbacks are silent by default, and a refusal must not be."""

    def __init__(
        self,
        guard: Engine,
        thread: str,
        batches: Bounded[Batch],
        *,
        edits: dict[str, Edit] | None = None,
        resuming: bool = False,
        tools: Collection[str] = (),
    ) -> None:
        self.guard = guard
        # In the caller's own thread of control: 0.1 instead of 5 ms a run under async. A judge that
        # waits for something must not hold the event loop, so for those it is the slow way.
        self.run_inline = not any(getattr(judge, "waits", True) for judge in guard.judges)
        self._thread = thread
        self._batches = batches
        self._edits = Edits(edits)
        self.resuming = resuming
        self._token = str(uuid4())
        self._tools = tools
        self._prompts: dict[UUID, list[BaseMessage]] = {}
        self._forms: dict[UUID, Form] = {}
        self._unformed = 0
        self._refused: dict[UUID, str] = {}
        self._requests: dict[tuple[str, ...], str] = {}
        self._opening: list[BaseMessage] = []
        self._trace: list[BaseMessage] = []
        self._denied: set[str] = set()
        self._over = ""
        self.settled: set[str] = set()
        """Ids of model messages and names of results that were judged; only these may be streamed."""
        self.blocked: dict[str, str] = {}
        """Ids of those that were replaced, with what they say now."""

    @property
    def speaking(self) -> bool:
        """Whether some model has begun to speak and was not judged yet."""
        return bool(self._prompts)

    def on_chain_start(
        self,
        serialized: dict[str, Any],  # noqa: ARG002 - handlers have these names
        inputs: Any,  # noqa: ANN401 - an app's own state
        **_: object,
    ) -> None:
        """See which calls a node is given, and give it those that a person edited."""
        self._edits.see(inputs)

    def on_chat_model_start(
        self,
        serialized: dict[str, Any],  # noqa: ARG002 - handlers have these names
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        invocation_params: Mapping[str, Any] | None = None,
        **_: object,
    ) -> None:
        """Judge what the user says, once."""
        offered = (invocation_params or {}).get("tools")
        self.guard.learn(offered if isinstance(offered, list) else ())
        prompt = list(messages[0]) if messages else []
        if not self._opening:
            self._opening = [m for m in prompt if m.type != "system"]
        if prompt and isinstance(prompt[-1], HumanMessage):
            refused = self._request(prompt)
            if refused:
                self._refused[run_id] = refused
        self._prompts[run_id] = prompt
        self._forms[run_id] = form_of(invocation_params, self._tools)

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **_: object) -> None:
        """Judge what a model answered, before anybody reads it."""
        prompt = self._prompts.get(run_id)
        if prompt is None:
            return
        try:
            for one in response.generations[0] if response.generations else ():
                if isinstance(one, ChatGeneration) and isinstance(one.message, AIMessage):
                    self._said(prompt, one, run_id)
        finally:
            del self._prompts[run_id]
            self._forms.pop(run_id, None)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **_: object) -> None:  # noqa: ARG002
        """Forget a model call that failed."""
        self._prompts.pop(run_id, None)
        self._forms.pop(run_id, None)

    def on_tool_start(
        self,
        serialized: dict[str, Any],
        input_str: str,
        *,
        run_id: UUID,
        metadata: dict[str, Any] | None = None,
        inputs: dict[str, Any] | None = None,
        tool_call_id: str | None = None,
        **_: object,
    ) -> None:
        """Let a call run, or raise.

        Raises:
            CallRefusedError: it must not run.
            GraphInterrupt: a person is asked first.
        """
        name = str(serialized.get("name", ""))
        call = {
            "name": name,
            "args": dict(inputs if inputs is not None else {"input": input_str}),
            "id": tool_call_id or str(run_id),
            "type": "tool_call",
        }
        if self._over:
            raise CallRefusedError(name, self._over)
        batch = self._batch(call, asked_for=tool_call_id is not None)
        task = str((metadata or {}).get("langgraph_checkpoint_ns", ""))
        with batch.lock:
            if batch.decision is None:
                batch.decision = self._decide(batch.view, "calls")
            self._ask(batch, task, editable=self._edits.possible(str(call["id"])))
        self._check(batch, call)

    def on_tool_end(self, output: Any, **_: object) -> None:  # noqa: ANN401
        """Judge what a tool returned, before the model reads it."""
        for message in returned(output):
            batch = self._batches.find(self._key(message.tool_call_id))
            before = list(batch.view.messages if batch else self._opening)
            edit = self._edits.find(message.tool_call_id)
            if edit:
                before = with_arguments(before, edit.call_id, edit.after)
            decision = self._decide(self.guard.look([*before, message]), "result")
            if not decision.allowed:
                # The very object that goes into the state: a handler cannot give back another.
                message.content = redacted_text(self.guard, decision)
                message.artifact = None
            if decision.ends:
                self._over = last_word(self.guard, decision)
            if edit:
                noted(message, edit.after)
                self._edits.drop(message.tool_call_id)
            self._trace.append(message)
            self.settled.add(result_name(message.tool_call_id))

    def recall_all(self, conversations: Iterable[Sequence[BaseMessage]]) -> None:
        """Take over all conversations of an app that paused."""
        for messages in conversations:
            self._recall(messages)

    def take_answers(self, interrupts: Iterable[Interrupt], resume: object) -> None:
        """Learn what a person has said, before the calls that it is about are made again."""
        self._edits.take(interrupts, resume)

    def _recall(self, messages: Iterable[BaseMessage]) -> None:
        """Take over a conversation that paused before its last calls ran."""
        history = list(messages)
        self._opening = self._opening or history
        for place, message in enumerate(history):
            calls = message.tool_calls if isinstance(message, AIMessage) else []
            if not isinstance(message, AIMessage) or not calls:
                continue
            known = self._batches.find(self._key(calls[0]["id"]))
            if known is None or not known.left or list(known.calls) != calls:
                self._make(history[: place + 1], message)

    def _request(self, prompt: list[BaseMessage]) -> str:
        """The refusal of what the user says; empty if there is none."""
        view = self.guard.look(self._history(prompt))
        if view.said not in self._requests:
            decision = self._decide(view, "request")
            refused = "" if decision.allowed else last_word(self.guard, decision)
            if decision.action == "ask":
                refused = "" if ask_about_request(decision, view.said[-1]) else refused
            self._requests[view.said] = refused
        return self._requests[view.said]

    def _said(self, prompt: list[BaseMessage], one: ChatGeneration, run_id: UUID) -> None:
        message = one.message
        assert isinstance(message, AIMessage)  # noqa: S101 - seen to by the caller
        form = self._forms.get(run_id, NO_FORM)
        history = self._history(prompt)
        text = self._over or self._refused.pop(run_id, "") or self._found(history, message, form)
        ids = {message.id or "", f"lc_run--{run_id}", f"lc_run--{run_id}-0", str(run_id)}
        if text:
            mute(one, text)
            self.blocked |= dict.fromkeys(ids, text)
        self._trace.append(message.model_copy())
        self.settled |= ids
        self._unformed += bool(text and form != NO_FORM)
        # An agent that must answer in a form and cannot would ask its model for ever.
        if text and (form.by_provider or self._unformed > self.guard.policy.refusals):
            raise AnswerRefusedError(text)

    def _found(self, history: list[BaseMessage], message: AIMessage, form: Form) -> str:
        """What has to be said instead of a message; empty if it may stand."""
        own = [call for call in message.tool_calls if call["name"] in form.calls]
        calls = [call for call in message.tool_calls if call["name"] not in form.calls]
        asked = bool(calls or message.invalid_tool_calls)
        if own or (message.text and not asked):
            spoken = message.model_copy(update={"tool_calls": own, "invalid_tool_calls": []})
            view = self.guard.look([*history, Spoken(spoken, len(history)).shown])
            decision = self._decide(view, "answer")
            if decision.ends:
                self._over = last_word(self.guard, decision)
            if not decision.allowed:
                return self._over or redacted_text(self.guard, decision)
        if asked:
            asking = message.model_copy(update={"tool_calls": calls}) if own else message
            batch = self._make([*history, asking], asking)
            batch.decision = batch.decision or self._decide(batch.view, "calls")
            if batch.decision.ends:
                self._over = last_word(self.guard, batch.decision)
        return self._over

    def _batch(self, call: dict[str, Any], *, asked_for: bool) -> Batch:
        found = self._batches.find(self._key(call["id"]))
        if found is not None and call["name"] in {c["name"] for c in found.calls}:
            return found
        # No model of this run asked for it: it is judged by itself, after all that happened.
        made = AIMessage("", tool_calls=[call])
        batch = self._make([*self._history([]), made], made)
        if self.resuming and asked_for:
            # Nobody knows any more what was found about it; a person may have said no.
            batch.decision = Decision(checkpoint="calls", action="ask")
        return batch

    def _make(self, history: Sequence[BaseMessage], message: AIMessage) -> Batch:
        view = self.guard.look(history)
        calls: tuple[Mapping[str, Any], ...] = tuple(message.tool_calls)
        batch = Batch(view, calls, left={call["id"] or "" for call in calls})
        for call in calls:
            # Made anew each time: an approval must not hold for an equal call later on.
            self._batches.put(self._key(call["id"]), batch)
        return batch

    def _key(self, call_id: str | None) -> str:
        return f"{self._thread or self._token} {call_id}"

    def _ask(self, batch: Batch, task: str, *, editable: bool) -> None:
        """Ask a person once about all calls of a batch; the other tasks of it pause silently."""
        if not batch.asked or batch.replies is not None or batch.decision is None:
            return
        if batch.asker.startswith(self._token) and batch.asker != f"{self._token} {task}":
            raise GraphInterrupt
        batch.asker = f"{self._token} {task}"
        batch.replies = ask_about(batch.decision, batch.asked, editable=editable)

    def _check(self, batch: Batch, call: dict[str, Any]) -> None:
        """Raise unless the call may run, with these arguments."""
        decision, call_id = batch.decision, call["id"]
        batch.left.discard(call_id)
        reply = (batch.replies or {}).get(call_id)
        if decision is None or decision.ends:
            self._end(call, decision)
        elif reply and reply.kind == "reject":
            self._deny(call, call_text(self.guard, decision, call, reply))
        elif decision.for_call(call_id) == "refuse_call":
            self._deny(call, call_text(self.guard, decision, call))
        edited = reply is not None and reply.kind == "edit"
        if decision and reply and edited and not same_arguments(reply.arguments, call["args"]):
            self._deny(call, call_text(self.guard, decision, call, Answer("reject", _NOT_EDITED)))
        judged = next((c["args"] for c in batch.calls if c["id"] == call_id), None)
        history = with_arguments(batch.view.messages, call_id, call["args"])
        changed = not same_arguments(judged, call["args"])
        final = self._decide(self.guard.look(history), "arguments", changed=changed)
        action = final.for_call(call_id)
        if final.ends:
            self._end(call, final)
        # What a person wrote is not asked about again: it would not end.
        seen = edited or (reply and not changed)
        if action == "refuse_call" or (action == "ask" and not seen):
            self._deny(call, call_text(self.guard, final, call))

    def _end(self, call: dict[str, Any], decision: Decision | None) -> None:
        self._over = last_word(self.guard, decision or Decision(checkpoint="calls"))
        self._deny(call, self._over)

    def _deny(self, call: dict[str, Any], text: str) -> None:
        self._denied.add(call["id"])
        self._trace.append(refusal(call, text))
        raise CallRefusedError(call["name"], text)

    def _decide(self, view: View, checkpoint: Checkpoint, *, changed: bool = True) -> Decision:
        """Ask the guard where none of the app's callbacks hears it: judges are not part of the run."""
        return _apart(lambda: self.guard.decide(view, checkpoint, changed=changed))

    def _history(self, prompt: list[BaseMessage]) -> list[BaseMessage]:
        """What a model saw, after what the rest of the app did before it."""
        own = {i for m in prompt for i in call_ids(m)}
        said = {str(m.text) for m in prompt if isinstance(m, HumanMessage | AIMessage)}
        before = [m for m in self._opening if not stands_in(m, own, said)]
        before += [m for m in self._trace if not stands_in(m, own, said)]
        return as_ran([*still_running(before), *(self._marked(m) for m in prompt)])

    def _marked(self, message: BaseMessage) -> BaseMessage:
        """A refusal as the other ways in write it, so that refusals are counted."""
        if isinstance(message, ToolMessage) and message.tool_call_id in self._denied:
            call = {"name": message.name, "id": message.tool_call_id}
            return refusal(call, message.text)
        return message


WATCHING: contextvars.ContextVar[Watch | None] = contextvars.ContextVar(
    "agentalign_watching", default=None
)
"""The watch over the run in whose context the code runs; every callback manager made there hears it."""

register_configure_hook(WATCHING, inheritable=True)


def _apart(work: Callable[[], V]) -> V:
    context = contextvars.copy_context()

    def run() -> V:
        WATCHING.set(None)
        # The audit says which run it was all the same, and tells its tracers.
        RUN.set(var_child_runnable_config.get())
        var_child_runnable_config.set(None)
        return work()

    return context.run(run)
