"""The handler: a flat, thread-safe callback handler that notes every run down, and nothing more.

It is called in the middle of the app, many times a run. So it takes a lock for
a moment, keeps references, and leaves all work to the writer's thread.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.documents import Document
from langchain_core.messages import BaseMessage, HumanMessage
from langchain_core.outputs import LLMResult

from agentalign_lc.guard.audit.signals import EVENT
from agentalign_lc.traces.recorder.seen import Ending, SeenRun, SeenTrace, snapshot
from agentalign_lc.traces.recorder.threads import caller
from agentalign_lc.traces.trace import SpanKind

__all__ = ["TraceHandler"]

_HIDDEN = "langsmith:hidden"
"""Tag of runs that are nobody's but LangGraph's own."""

Deliver = Callable[[SeenTrace], None]


class TraceHandler(BaseCallbackHandler):
    """Gathers runs into traces, and delivers a trace when its root has ended.

    A run whose parent was never seen, or belongs to a trace that has ended, is the
    root of a trace of its own; so each trace ends.

    Args:
        deliver: Takes a trace that has ended; None to be deaf.
    """

    run_inline = True
    """Otherwise each event of an async app goes through a pool of threads."""

    def __init__(self, deliver: Deliver | None = None) -> None:
        super().__init__()
        self._deliver = deliver
        self._lock = threading.Lock()
        self._runs: dict[UUID, tuple[SeenRun, SeenTrace]] = {}

    def listen(self, deliver: Deliver) -> None:
        """Hear again, and deliver there."""
        self._deliver = deliver

    def close(self) -> None:
        """Deliver what has not ended, as it is, and be deaf from now on."""
        with self._lock:
            deliver, self._deliver = self._deliver, None
            traces = {id(trace): trace for _, trace in self._runs.values()}
            self._runs.clear()
        if deliver is not None:
            for trace in traces.values():
                deliver(trace)

    def forget(self) -> None:
        """Begin anew in a forked process: what its parent runs is not its own."""
        self._lock = threading.Lock()
        self._runs = {}

    def on_chat_model_start(
        self,
        serialized: dict[str, Any],
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        **event: Any,  # noqa: ANN401 - what LangChain hands over
    ) -> None:
        """A chat model is asked."""
        if self._deliver is not None:
            given = [snapshot(message) for message in messages[0]] if messages else []
            self._begin("model", run_id, parent_run_id, serialized, event, given)

    def on_llm_start(
        self,
        serialized: dict[str, Any],
        prompts: list[str],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        **event: Any,  # noqa: ANN401
    ) -> None:
        """A model without a chat is asked."""
        if self._deliver is not None:
            given = [HumanMessage(prompt) for prompt in prompts]
            self._begin("model", run_id, parent_run_id, serialized, event, given)

    def on_tool_start(
        self,
        serialized: dict[str, Any],
        input_str: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        inputs: dict[str, Any] | None = None,
        **event: Any,  # noqa: ANN401
    ) -> None:
        """A tool runs."""
        if self._deliver is not None:
            given = {"input": input_str} if inputs is None else snapshot(inputs)
            self._begin("tool", run_id, parent_run_id, serialized, event, given)

    def on_retriever_start(
        self,
        serialized: dict[str, Any],
        query: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        **event: Any,  # noqa: ANN401
    ) -> None:
        """A retriever is asked."""
        if self._deliver is not None:
            self._begin("retriever", run_id, parent_run_id, serialized, event, query)

    def on_chain_start(
        self,
        serialized: dict[str, Any],
        inputs: dict[str, Any] | Any,  # noqa: ANN401
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        **event: Any,  # noqa: ANN401
    ) -> None:
        """A graph, a node, or any other runnable begins."""
        if self._deliver is not None:
            self._begin("chain", run_id, parent_run_id, serialized, event, inputs)

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **_: Any) -> None:  # noqa: ANN401
        """A model has answered."""
        if self._deliver is not None:
            self._end(run_id, _answer(response))

    def on_tool_end(self, output: Any, *, run_id: UUID, **_: Any) -> None:  # noqa: ANN401
        """A tool has returned."""
        if self._deliver is not None:
            self._end(run_id, snapshot(output))

    def on_retriever_end(self, documents: Sequence[Document], *, run_id: UUID, **_: Any) -> None:  # noqa: ANN401
        """A retriever has found."""
        if self._deliver is not None:
            self._end(run_id, list(documents))

    def on_chain_end(self, outputs: dict[str, Any], *, run_id: UUID, **_: Any) -> None:  # noqa: ANN401
        """A graph, a node, or any other runnable has ended."""
        if self._deliver is not None:
            self._end(run_id, outputs)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:  # noqa: ANN401
        """A model failed."""
        if self._deliver is not None:
            self._end(run_id, None, Ending.of(error))

    on_tool_error = on_llm_error
    on_retriever_error = on_llm_error
    on_chain_error = on_llm_error

    def on_custom_event(
        self,
        name: str,
        data: Any,  # noqa: ANN401
        *,
        run_id: UUID,
        metadata: dict[str, Any] | None = None,
        **_: Any,  # noqa: ANN401
    ) -> None:
        """A guard has decided, or the app has something to say."""
        now = time.time()
        with self._lock:
            if run_id not in self._runs:
                return
            run, trace = self._runs[run_id]
            kind: SpanKind = "verdict" if name == EVENT else "other"
            number = len(trace.runs) + trace.left_out
            event = SeenRun(f"{trace.root.id}.{number}", run.id, kind, name, now, metadata or {})
            event.given, event.ended = snapshot(data), now
            trace.add(event)

    def _begin(
        self,
        kind: SpanKind,
        run_id: UUID,
        parent_id: UUID | None,
        serialized: Mapping[str, Any] | None,
        event: Mapping[str, Any],
        given: Any,  # noqa: ANN401
    ) -> None:
        now = time.time()
        # In a thread that the app started itself LangChain knows of no parent.
        in_thread = parent_id is None
        parent_id = parent_id or caller()
        tags = event.get("tags") or ()
        with self._lock:
            found = self._runs.get(parent_id) if parent_id else None
            if found is not None and kind == "chain" and _HIDDEN in tags:
                self._know(run_id, *found)  # its children are its parent's
                return
            run = SeenRun(
                id=str(run_id),
                parent=None if found is None else found[0].id,
                kind=kind,
                name=_name(serialized, event),
                started=now,
                metadata=event.get("metadata") or {},
                parameters=event.get("invocation_params") or {},
                call_id=event.get("tool_call_id") or "",
            )
            if found is None:
                trace = SeenTrace(run, stranger=str(parent_id) if parent_id else "")
                run.tags = tuple(tags)
                run.metadata = dict(run.metadata)
            else:
                trace = found[1]
                if in_thread:
                    run.metadata = {**found[0].metadata, **run.metadata}
            if kind != "chain" or found is None:
                run.given = snapshot(given) if kind == "chain" else given
            self._know(run_id, run, trace)
            trace.add(run)

    def _know(self, run_id: UUID, run: SeenRun, trace: SeenTrace) -> None:
        self._runs[run_id] = (run, trace)
        trace.keys.append(run_id)

    def _end(self, run_id: UUID, got: Any, ending: Ending | None = None) -> None:  # noqa: ANN401
        now = time.time()
        with self._lock:
            run, trace = self._runs.get(run_id, (None, None))
            if run is None or trace is None or run.id != str(run_id):
                return
            run.ended = now
            run.ending = ending
            is_root = run is trace.root
            if run.kind != "chain" or is_root:
                run.got = snapshot(got) if is_root else got
            if is_root:
                for key in trace.keys:
                    self._runs.pop(key, None)
            deliver = self._deliver
        # Outside the lock, since it may wait for room.
        if is_root and deliver is not None:
            deliver(trace)


def _name(serialized: Mapping[str, Any] | None, event: Mapping[str, Any]) -> str:
    name = event.get("name")
    if not name and serialized:
        name = serialized.get("name") or (serialized.get("id") or [""])[-1]
    return str(name or "")


def _answer(response: LLMResult) -> Any:  # noqa: ANN401 - of the message and what the provider said
    """The first generation and the provider's count of tokens."""
    generation = response.generations[0][0] if response.generations and response.generations[0] else None  # fmt: skip
    message = getattr(generation, "message", None)
    text = getattr(generation, "text", "")
    said = snapshot(message) if isinstance(message, BaseMessage) else text
    return said, response.llm_output or {}
