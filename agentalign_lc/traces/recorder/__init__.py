"""The recorder: what a LangChain or LangGraph app does becomes traces, with no change in the app.

Example:
    >>> from tempfile import TemporaryDirectory
    >>> from langchain_core.runnables import RunnableLambda
    >>> from agentalign_lc.traces.recorder import record
    >>> from agentalign_lc.traces.store import TraceStore
    >>> with TemporaryDirectory() as folder, TraceStore.open(f"{folder}/t.sqlite") as store:
    ...     with record(store):
    ...         RunnableLambda(lambda text: text.upper(), name="app").invoke("hello")
    ...     [trace.name for trace in store.traces()]
    'HELLO'
    ['app']
"""

from agentalign_lc.traces.recorder.recorder import Recorder, install, record
from agentalign_lc.traces.recorder.writer import Counts, Full

__all__ = ["Counts", "Full", "Recorder", "install", "record"]
