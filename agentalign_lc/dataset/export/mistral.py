"""Export for mistral-finetune: OpenAI's messages with Mistral's ids, one row for each assistant turn.

Where tools are offered, mistral-finetune trains the last assistant turn of a
row alone; so a conversation becomes a row up to its first assistant turn, one
up to its second, and so on. Without tools it trains all of them, and one row
is enough.

An id is nine letters or digits. A call has no text beside it (tokenizer v3
turns such a message down), so that text is left out.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

from agentalign_lc.dataset.conversation import Conversation
from agentalign_lc.dataset.export.call_ids import renamed
from agentalign_lc.dataset.export.openai import openai_messages

__all__ = ["mistral_rows"]


def mistral_rows(conversation: Conversation) -> Iterator[dict[str, Any]]:
    """One row for each assistant turn, ``messages`` and ``tools``; without tools one row.

    Example:
        >>> turns = [{"role": role, "content": "Hi"} for role in ("user", "assistant") * 2]
        >>> tool = {"type": "function", "function": {"name": "f", "parameters": {}}}
        >>> rows = mistral_rows(Conversation(id="1", messages=turns, tools=[tool]))
        >>> [len(row["messages"]) for row in rows]
        [2, 4]
    """
    # Five letters for the conversation and four for the call: unique in the conversation.
    digest = hashlib.sha256(conversation.id.encode("utf-8", "replace")).hexdigest()[:5]
    messages = _messages(conversation, digest)
    if not conversation.tools:
        yield {"messages": messages}
        return
    tools = [_tool(tool) for tool in conversation.tools]
    for number, message in enumerate(messages, start=1):
        if message["role"] == "assistant":
            yield {"messages": messages[:number], "tools": tools}


def _messages(conversation: Conversation, digest: str) -> list[dict[str, Any]]:
    messages = openai_messages(renamed(conversation.messages, lambda n: f"{digest}{n:04d}"))
    for message in messages:
        if "tool_calls" in message:
            message.pop("content", None)
    return messages


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    # All three are demanded.
    function = {"description": "", "parameters": {}} | tool["function"]
    return {"type": "function", "function": function}
