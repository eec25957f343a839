"""Chats of any provider or framework as LangChain messages: what models were given and said.

Every tracer writes down messages in the shape of the SDK that it watched. Here
each shape has its file, and `read_chat` takes them all: OpenAI's chat and
responses, Anthropic's and Bedrock's content blocks, Gemini's contents,
LangChain's messages, the parts of OpenTelemetry, pydantic-ai and the Vercel AI SDK.
"""

from agentalign_lc.traces.chat.read import Chat, read_chat, read_reply
from agentalign_lc.traces.chat.results import read_result, result_text
from agentalign_lc.traces.chat.schemas import read_tools
from agentalign_lc.traces.chat.usage import read_usage

__all__ = [
    "Chat",
    "read_chat",
    "read_reply",
    "read_result",
    "read_tools",
    "read_usage",
    "result_text",
]
