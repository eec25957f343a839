"""Export for TRL's SFTTrainer: one conversation a line, arguments as objects, tools beside it.

Before, a message of the trajectory as LangChain keeps it:
``AIMessage("", tool_calls=[{"name": "send_gmail", "args": {"to": ["ana@example.com"]}, "id": "call_1"}])``

After: ``{"role": "assistant", "content": "", "tool_calls": [{"type": "function",
"function": {"name": "send_gmail", "arguments": {"to": ["ana@example.com"]}}}]}``

TRL wants arguments as objects (with strings its shipped templates crash or
encode twice). ``tools`` is a JSON string, which TRL reads as well as a list:
Arrow would fill one tool's schema with the nulls of all the others.
"""

from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from agentalign_lc.messages import message_text
from agentalign_lc.records import CANARY, Example
from agentalign_lc.seeds import canonical_json

__all__ = ["trl_row"]


def trl_row(example: Example) -> dict[str, Any]:
    """Turn an example into a row with ``messages``, ``tools`` and where it comes from.

    Example:
        >>> _message(AIMessage("", tool_calls=[{"name": "f", "args": {"a": 1}, "id": "c"}]))["tool_calls"]
        [{'type': 'function', 'function': {'name': 'f', 'arguments': {'a': 1}}}]
    """
    return {
        "messages": [_message(message) for message in example.response.messages],
        "tools": canonical_json(list(example.response.tools)),
        "id": example.id,
        "intent": example.instruction.intent.value,
        "category": example.scenario.chain.category,
        "subcategory": example.scenario.chain.subcategory,
        "canary": CANARY,
    }


def _message(message: BaseMessage) -> dict[str, Any]:
    content = message_text(message)
    if isinstance(message, SystemMessage):
        return {"role": "system", "content": content}
    if isinstance(message, HumanMessage):
        return {"role": "user", "content": content}
    if isinstance(message, ToolMessage):
        return {"role": "tool", "name": message.name, "content": content}
    row: dict[str, Any] = {"role": "assistant", "content": content}
    if isinstance(message, AIMessage) and message.tool_calls:
        row["tool_calls"] = [
            {"type": "function", "function": {"name": call["name"], "arguments": call["args"]}}
            for call in message.tool_calls
        ]
    return row
