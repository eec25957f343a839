"""Signals: a decision as an event for tracers, and as attributes of the current span."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

from langchain_core.callbacks import (
    BaseCallbackManager,
    adispatch_custom_event,
    dispatch_custom_event,
)
from langchain_core.runnables import RunnableConfig

from agentalign_lc.guard.audit.place import run_config
from agentalign_lc.guard.opinion import Finding, Opinion

__all__ = ["EVENT", "Decided", "asignal", "signal", "summary"]

EVENT = "guard_decision"
"""Name of the custom event and of the span's event."""


class Decided(Protocol):
    """A decision, as far as it is told to others."""

    @property
    def checkpoint(self) -> str:
        """Where it was made."""
        ...

    @property
    def action(self) -> str:
        """What becomes of it."""
        ...

    @property
    def opinions(self) -> Sequence[Opinion]:
        """What the judges said, in order."""
        ...

    @property
    def seconds(self) -> float:
        """How long they took."""
        ...

    @property
    def error(self) -> str:
        """What went wrong; empty if nothing did."""
        ...


def summary(decision: Decided) -> dict[str, str | float | bool]:
    """The few values of a decision that may leave the app: no reasons, no arguments.

    Reasons can quote what was refused, and custom events reach readers of
    ``astream_events``.

    Example:
        >>> from types import SimpleNamespace
        >>> from agentalign_lc.guard.opinion import refuse
        >>> said = (refuse("rules", "a payment to a stranger", category="phishing"),)
        >>> summary(SimpleNamespace(
        ...     checkpoint="calls", action="refuse_call", opinions=said, seconds=0.002, error=""))
        {'checkpoint': 'calls', 'action': 'refuse_call', 'seconds': 0.002, 'failed': False,
         'judge': 'rules', 'category': 'phishing'}
    """
    told: dict[str, str | float | bool] = {
        "checkpoint": decision.checkpoint,
        "action": decision.action,
        "seconds": round(decision.seconds, 6),
        "failed": bool(decision.error),
    }
    decisive = _decisive(decision.opinions)
    if decisive is not None:
        told["judge"] = decisive.judge
        if decisive.category:
            told["category"] = decisive.category
        if decisive.score is not None:
            told["score"] = decisive.score
    return told


def signal(decision: Decided) -> None:
    """Tell tracers of the current run, and the current OpenTelemetry span, if there are any."""
    told = summary(decision)
    _mark_span(told)
    config = _listened()
    if config is not None:
        _mark_run(config, told)
        dispatch_custom_event(EVENT, told, config=config)


async def asignal(decision: Decided) -> None:
    """Tell them, as ``signal`` does."""
    told = summary(decision)
    _mark_span(told)
    config = _listened()
    if config is not None:
        _mark_run(config, told)
        await adispatch_custom_event(EVENT, told, config=config)


def _decisive(opinions: Sequence[Opinion]) -> Opinion | None:
    """The last refusal, or else what the last judge said."""
    refusals = [opinion for opinion in opinions if opinion.finding == Finding.REFUSE]
    said = refusals or opinions
    return said[-1] if said else None


def _listened() -> RunnableConfig | None:
    """The config of the current run, if somebody listens to it."""
    config = run_config()
    callbacks = config.get("callbacks")
    # Outside a run there is nothing that the event could belong to, and dispatching raises.
    if isinstance(callbacks, BaseCallbackManager) and callbacks.parent_run_id is not None:
        return config if callbacks.handlers else None
    return None


def _mark_run(config: RunnableConfig, told: dict[str, str | float | bool]) -> None:
    # LangSmith's tracer hears no custom events; what it posts of the run has the run's own.
    tracing = sys.modules.get("langchain_core.tracers.langchain")
    callbacks = config.get("callbacks")
    if tracing is None or not isinstance(callbacks, BaseCallbackManager):
        return
    for handler in callbacks.handlers:
        if isinstance(handler, tracing.LangChainTracer):
            run = handler.run_map.get(str(callbacks.parent_run_id))
            if run is not None:
                now = datetime.now(UTC).isoformat()
                run.add_event({"name": EVENT, "time": now, "kwargs": told})


def _mark_span(told: dict[str, str | float | bool]) -> None:
    # A span can only be current where the app itself has imported OpenTelemetry.
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return
    span = trace.get_current_span()
    if span.is_recording():
        attributes = {f"agentalign.guard.{name}": value for name, value in told.items()}
        # The event keeps every decision; an attribute only the last of the span.
        span.add_event(EVENT, attributes)
        span.set_attributes(attributes)
