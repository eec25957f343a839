"""LangChain messages inside records: lossless in JSON, and what a message says."""

from typing import Annotated, Any

from langchain_core.messages import BaseMessage, message_to_dict, messages_from_dict
from pydantic import BeforeValidator, PlainSerializer

__all__ = ["Message", "message_text"]


def _read_message(value: object) -> BaseMessage:
    if isinstance(value, BaseMessage):
        return value
    if isinstance(value, dict):
        return messages_from_dict([value])[0]
    raise ValueError("a message is a LangChain message or its dict form")


Message = Annotated[
    BaseMessage,
    BeforeValidator(_read_message),
    PlainSerializer(message_to_dict, return_type=dict[str, Any]),
]
"""A LangChain message that survives a round trip through JSON."""


def message_text(message: BaseMessage) -> str:
    """Return what a message says, a provider's own refusal included.

    OpenAI puts a refusal beside an empty content
    (``additional_kwargs["refusal"]``); to a reader it is the answer.

    Example:
        >>> from langchain_core.messages import AIMessage
        >>> message_text(AIMessage("", additional_kwargs={"refusal": "No."}))
        'No.'
    """
    text = str(message.text)
    return text or str(message.additional_kwargs.get("refusal") or "")
