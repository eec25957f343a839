"""The data set: the run's store, conversations, and their exports."""

from agentalign_lc.dataset.conversation import Conversation
from agentalign_lc.dataset.export import FORMATS, Exported, export_conversations, export_run
from agentalign_lc.dataset.source import open_conversations
from agentalign_lc.dataset.store import RunStore

__all__ = [
    "FORMATS",
    "Conversation",
    "Exported",
    "RunStore",
    "export_conversations",
    "export_run",
    "open_conversations",
]
