"""Export for TRL's DPOTrainer: what was asked, the response to prefer, the one to avoid.

``{"prompt": [...], "chosen": [{"role": "assistant", "content": "I can't ..."}],
"rejected": [{"role": "assistant", "content": "", "tool_calls": [...]}], "tools": "[...]"}``

Chosen and rejected are the one turn in which the responses part: TRL counts
everything after the prompt as the model's own words, tool results included.
"""

from collections.abc import Iterator
from typing import Any

from agentalign_lc.dataset.conversation import Conversation, diverging_turns
from agentalign_lc.dataset.export.origin import origin
from agentalign_lc.dataset.export.trl import trl_messages
from agentalign_lc.seeds import canonical_json

__all__ = ["trl_dpo_rows"]


def trl_dpo_rows(conversation: Conversation) -> Iterator[dict[str, Any]]:
    """One row, or none without a rejected response."""
    parts = diverging_turns(conversation)
    if parts is not None:
        prompt, chosen, rejected = parts
        yield {
            "prompt": trl_messages(prompt),
            "chosen": trl_messages([chosen]),
            "rejected": trl_messages([rejected]),
            "tools": canonical_json(conversation.tools),
            **origin(conversation),
        }
