"""Where a row comes from: the columns that every format carries, or keeps beside its rows."""

from agentalign_lc.dataset.conversation import Conversation
from agentalign_lc.records import CANARY

__all__ = ["origin"]


def origin(conversation: Conversation) -> dict[str, str]:
    """Id, intent, category, subcategory, split, source and canary; empty where nobody said.

    All are strings, so that a reader that guesses types from the first rows
    guesses right.

    Example:
        >>> list(origin(Conversation(id="1", messages=[], tools=[])))
        ['id', 'intent', 'category', 'subcategory', 'split', 'source', 'canary']
    """
    return {
        "id": conversation.id,
        "intent": conversation.intent,
        "category": str(conversation.about.get("category") or ""),
        "subcategory": str(conversation.about.get("subcategory") or ""),
        "split": conversation.split,
        "source": conversation.source,
        "canary": CANARY,
    }
