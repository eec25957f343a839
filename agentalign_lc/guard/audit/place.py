"""The place of a decision: which run, thread and node of an app it belongs to."""

from contextvars import ContextVar

from langchain_core.callbacks import BaseCallbackManager
from langchain_core.runnables import RunnableConfig, ensure_config

__all__ = ["RUN", "place", "run_config"]

RUN: ContextVar[RunnableConfig | None] = ContextVar("agentalign_run", default=None)
"""The config of the run that is judged, where the judges themselves run outside of it."""


def run_config() -> RunnableConfig:
    """The config of the run that the current code decides about.

    Example:
        >>> run_config()["callbacks"] is None
        True
    """
    return RUN.get() or ensure_config()


def place() -> dict[str, str]:
    """Thread, run, node and step, as far as LangGraph says.

    Example:
        >>> token = RUN.set({"configurable": {"thread_id": "T-1"}})
        >>> place()
        {'thread': 'T-1'}
        >>> RUN.reset(token)
    """
    config = run_config()
    known = {**(config.get("metadata") or {}), **(config.get("configurable") or {})}
    callbacks = config.get("callbacks")
    found = {
        "thread": known.get("thread_id"),
        "run": known.get("run_id"),
        "node": known.get("langgraph_node"),
        "step": known.get("langgraph_step"),
        "trace": callbacks.parent_run_id if isinstance(callbacks, BaseCallbackManager) else None,
    }
    return {key: str(value)[:200] for key, value in found.items() if value is not None}
