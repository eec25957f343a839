"""Export for OpenAI's preference fine-tuning.

``{"input": {"messages": [...], "tools": [...], "parallel_tool_calls": false},
"preferred_output": [{"role": "assistant", ...}], "non_preferred_output": [{"role": "assistant", ...}]}``

Each output is one assistant message, as OpenAI demands: the turn in which the
responses part.
"""

from collections.abc import Iterator
from typing import Any

from agentalign_lc.dataset.conversation import Conversation, diverging_turns
from agentalign_lc.dataset.export.openai import openai_messages, openai_tools

__all__ = ["openai_dpo_rows"]


def openai_dpo_rows(conversation: Conversation) -> Iterator[dict[str, Any]]:
    """One row, or none without a rejected response."""
    parts = diverging_turns(conversation)
    if parts is not None:
        prompt, chosen, rejected = parts
        tools = openai_tools(conversation, [*prompt, chosen, rejected])
        yield {
            "input": {"messages": openai_messages(prompt), **tools},
            "preferred_output": openai_messages([chosen]),
            "non_preferred_output": openai_messages([rejected]),
        }
