"""Export for preference training with LLaMA-Factory (``ranking: true``).

``{"conversations": [...], "chosen": {"from": "gpt", "value": "I can't ..."}, "rejected":
{"from": "function_call", "value": "{...}"}, "system": "...", "tools": "[...]"}``

``conversations`` ends with the person or a tool, so their number is odd.
Chosen and rejected are the one turn in which the responses part.
"""

from collections.abc import Iterator
from typing import Any

from agentalign_lc.dataset.conversation import Conversation, diverging_turns
from agentalign_lc.dataset.export.origin import origin
from agentalign_lc.dataset.export.sharegpt import sharegpt_part, sharegpt_turns

__all__ = ["sharegpt_dpo_rows"]


def sharegpt_dpo_rows(conversation: Conversation) -> Iterator[dict[str, Any]]:
    """One row, or none without a rejected response or if the turns cannot alternate."""
    parts = diverging_turns(conversation)
    part = sharegpt_part(conversation, parts[0]) if parts else None
    if parts is None or part is None or len(part["conversations"]) % 2 == 0:
        return
    chosen, rejected = (sharegpt_turns([turn]) for turn in parts[1:])
    if chosen and rejected:
        yield {**part, "chosen": chosen[0], "rejected": rejected[0], **origin(conversation)}
