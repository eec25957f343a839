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
    message_property_mappings:
      {role: role, content: content, tool_calls: tool_calls, tool_call_id: tool_call_id, name: name}
```

The mappings matter: without them axolotl keeps what it finds in the template by
itself, and under several (GLM-4 MoE, Gemma 4) it drops every call.
(Gemma 4's template puts results inside the assistant's turn, where axolotl
trains them too.)

axolotl reads ``tools`` from the string as it reads a list; a list would get
the nulls that Arrow fills in. Every assistant turn is trained, tool calls included.
"""

from collections.abc import Iterator
from typing import Any

from agentalign_lc.dataset.conversation import Conversation
from agentalign_lc.dataset.export.trl import trl_rows

__all__ = ["axolotl_rows"]


def axolotl_rows(conversation: Conversation) -> Iterator[dict[str, Any]]:
    """One row: ``messages``, ``tools`` and where it comes from."""
    return trl_rows(conversation)
