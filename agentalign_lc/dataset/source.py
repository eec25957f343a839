"""Where conversations to export come from."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agentalign_lc.dataset.conversation import Conversation, run_conversations
from agentalign_lc.dataset.mixing.mixture import holds_mixture, mix_conversations
from agentalign_lc.dataset.store import RunStore

__all__ = ["Source", "open_conversations"]


@dataclass(frozen=True, slots=True)
class Source:
    """An opened folder of conversations."""

    conversations: Iterator[Conversation]
    """One at a time, in the folder's order; can be gone through once."""
    complete: bool = True
    """Whether all that was planned is there."""


@contextmanager
def open_conversations(folder: Path) -> Iterator[Source]:
    """Open the folder of a run, or of a mix.

    Raises:
        StoreError: the folder holds no conversations, or they cannot be read.
    """
    if holds_mixture(folder):
        yield Source(mix_conversations(folder))
        return
    with RunStore.read(folder) as store:
        yield Source(run_conversations(store), store.complete)
