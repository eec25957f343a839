"""Traces: what live apps do, recorded, collected, imported, kept, labelled and learnt from.

Example:
    >>> from langchain_core.runnables import RunnableLambda
    >>> from tempfile import TemporaryDirectory
    >>> from agentalign_lc.traces import TraceStore, record
    >>> with TemporaryDirectory() as folder, TraceStore.open(f"{folder}/t.sqlite") as store:
    ...     with record(store):
    ...         _ = RunnableLambda(len, name="count").invoke("four")
    ...     [trace.name for trace in store.traces()]
    ['count']
"""

from typing import TYPE_CHECKING

from agentalign_lc.lazy import lazily

if TYPE_CHECKING:
    from agentalign_lc.traces.assembly import trajectories, trajectory
    from agentalign_lc.traces.harvesting import harvest
    from agentalign_lc.traces.importers.read import read_traces
    from agentalign_lc.traces.labelling import GuardLabeller, JudgeLabeller, settled
    from agentalign_lc.traces.lessons import trace_lessons
    from agentalign_lc.traces.recorder.recorder import install, record
    from agentalign_lc.traces.store import TraceStore
    from agentalign_lc.traces.trace import Label, Span, Trace
    from agentalign_lc.traces.wild import propose_chains

__all__ = [
    "GuardLabeller",
    "JudgeLabeller",
    "Label",
    "Span",
    "Trace",
    "TraceStore",
    "harvest",
    "install",
    "propose_chains",
    "read_traces",
    "record",
    "settled",
    "trace_lessons",
    "trajectories",
    "trajectory",
]

_HOMES = {
    "GuardLabeller": "labelling",
    "JudgeLabeller": "labelling",
    "Label": "trace",
    "Span": "trace",
    "Trace": "trace",
    "TraceStore": "store",
    "harvest": "harvesting",
    "install": "recorder.recorder",
    "propose_chains": "wild",
    "read_traces": "importers.read",
    "record": "recorder.recorder",
    "settled": "labelling",
    "trace_lessons": "lessons",
    "trajectories": "assembly",
    "trajectory": "assembly",
}

__getattr__ = lazily(__name__, _HOMES)
