"""Export for axolotl's ``chat_template`` data sets: TRL's messages, and tools as a JSON string.

```yaml
datasets:
  - path: train.jsonl
    ds_type: json
    type: chat_template
    field_messages: messages
    field_tools: tools
    roles_to_train: [assistant]
    train_on_eos: turn
```

axolotl reads the string back, as it reads a list; a list would get the nulls
that Arrow fills in. Every assistant turn is trained, tool calls included.
"""

from collections.abc import Iterator
from typing import Any

from agentalign_lc.dataset.conversation import Conversation
from agentalign_lc.dataset.export.trl import trl_rows

__all__ = ["axolotl_rows"]


def axolotl_rows(conversation: Conversation) -> Iterator[dict[str, Any]]:
    """One row: ``messages``, ``tools`` and where it comes from."""
    return trl_rows(conversation)
