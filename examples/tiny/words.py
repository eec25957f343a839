"""The words of the tiny agents: how a conversation is laid out, and how arguments point into the request."""

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from difflib import SequenceMatcher
from typing import Any

from langchain_core.messages import AIMessage
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast
from transformers.utils.chat_template_utils import render_jinja_template

from agentalign_lc.dataset.conversation import Conversation
from agentalign_lc.dataset.export.trl import trl_messages
from agentalign_lc.evaluation.local_model import LocalChatModel

LONGEST = 256
"""Tokens of a conversation that are trained on; what a long one has beyond that is cut off."""
SPLIT = pre_tokenizers.Split(
    Regex(r"\d| ?[\p{L}_][\p{L}\p{M}_0-9]*| ?[^\s\p{L}\d_]|\s"), "isolated"
)
MARKS = [
    "<|pad|>",
    "<|end|>",
    "<|unknown|>",
    "<|user|>",
    "<|tool|>",
    "<|assistant|>",
    "<|call|>",
    "<|words|>",
    "<|argument|>",
    "<|value|>",
]
PAD, END, UNKNOWN, USER, TOOL, ASSISTANT, CALL, WORDS, ARGUMENT, VALUE = range(len(MARKS))
NUMBERS = [f"<|{number}|>" for number in range(160)]
"""What an argument is written in: the first and the last of its words in the request."""
FIRST_WORD = len(MARKS) + len(NUMBERS)
CHAT_TEMPLATE = """
{%- for tool in tools or [] %} {{ tool.function.name }}{% endfor %}
{%- for message in messages %}
    {%- if message.role == 'user' %}<|user|> {{ message.content | lower }}<|end|>
    {%- elif message.role == 'tool' %}<|tool|> {{ message.content[:8] }}<|end|>
    {%- elif message.role == 'assistant' %}<|assistant|>{% generation %}
        {%- if message.content %}<|words|> {{ message.content[:120] }}{% endif %}
        {%- for call in message.tool_calls or [] %}<|call|> {{ call.function.name }}
            {%- for name, value in call.function.arguments.items() %}<|argument|> {{ name }}<|value|>{{ value }}
            {%- endfor %}
        {%- endfor %}<|end|>{% endgeneration %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}<|assistant|>{% endif %}"""
RESPONSE_TEMPLATE = {
    "defaults": {"role": "assistant"},
    "start_anchor": "<|assistant|>",
    "fields": {
        "tool_calls": {
            "open_pattern": r"<\|call\|>\s*(?P<name>[^\s<]+)",
            "close_pattern": r"(?=<\|call\|>)",
            "repeats": True,
            "content": "xml-inline",
            "content_args": {
                "tag_pattern": r"<\|argument\|>\s*(?P<key>[^<]+)<\|value\|>\s?(?P<value>.*?)(?=<\|argument\|>|$)",
                "value_parser": {"name": "text"},
            },
            "transform": {
                "type": "function",
                "function": {"name": "{name}", "arguments": "{content}"},
            },
        },
        "content": {"open_pattern": r"<\|words\|>\s?", "content": "text"},
    },
}
"""How transformers reads a message back out of what the model writes."""


def pieces(text: str) -> list[str]:
    """The words of a text, each with the space before it."""
    return [piece for piece, _ in SPLIT.pre_tokenize_str(" " + text)]


def point(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Messages in which arguments are written as where they stand in the request.

    Example: after ``Mail ana@x.example now`` the argument ``ana@x.example`` is ``<|1|><|5|>``.
    """
    said = [piece.strip().lower() for piece in pieces(_request(messages))][: len(NUMBERS)]
    made = []
    for message in messages:
        calls = [_pointing(call["function"], said) for call in message.get("tool_calls", ())]
        made.append({**message, "tool_calls": [{"function": call} for call in calls]})
    return made


def _request(messages: list[dict[str, Any]]) -> str:
    return next(str(message["content"]) for message in messages if message["role"] == "user")


def _pointing(call: dict[str, Any], said: list[str]) -> dict[str, Any]:
    arguments = {}
    for name, value in call["arguments"].items():
        parts = value if isinstance(value, list) else [value]
        arguments[name] = "".join(_span(part, said) for part in parts)
    return {"name": call["name"], "arguments": arguments}


def _span(value: object, said: list[str]) -> str:
    """Where a value stands in what was said, or most of it; its own words, if it does not."""
    text = f"{value:g}" if isinstance(value, float) else str(value)
    wanted = [piece.strip().lower() for piece in pieces(text)]
    found = SequenceMatcher(None, said, wanted, autojunk=False).find_longest_match()
    if 3 * found.size < len(wanted) or not found.size:
        return " " + text[:40]
    return NUMBERS[found.a] + NUMBERS[found.a + found.size - 1]


class PointedModel(LocalChatModel):
    """The harness of these agents: puts the words of the request where they point at."""

    def _answers(self, prompts: Sequence[tuple[list[Any], list[Any]]]) -> list[AIMessage]:
        answers = super()._answers([(point(messages), tools) for messages, tools in prompts])
        for answer, (messages, tools) in zip(answers, prompts, strict=True):
            words = pieces(_request(messages))
            schemas = {tool["function"]["name"]: tool["function"]["parameters"] for tool in tools}
            for call in answer.tool_calls:
                kinds = schemas.get(call["name"], {}).get("properties", {})
                call["args"] = {
                    name: _value(text, words, kinds.get(name, {}).get("type"))
                    for name, text in call["args"].items()
                }
        return answers


def _value(text: str, words: list[str], kind: str | None) -> object:
    numbers = [int(number) for number in re.findall(r"<\|(\d+)\|>", text)]
    spans = [
        "".join(words[first : last + 1]).strip()
        for first, last in zip(numbers[::2], numbers[1::2], strict=False)
    ]
    if kind == "array":
        return spans or [text.strip()]
    value = " ".join(spans) or text.strip()
    if kind in ("number", "integer", "boolean"):
        with suppress(ValueError):
            return json.loads(value.lower())
    return value


def learn_words(seen: list[Conversation], size: int) -> PreTrainedTokenizerFast:
    """A tokenizer of whole words, among them the names of tools."""
    texts = (
        render_jinja_template(
            conversations=[point(trl_messages(conversation.messages))],
            tools=conversation.tools,
            chat_template=CHAT_TEMPLATE,
        )[0][0]
        for conversation in seen
    )
    tokenizer = Tokenizer(models.WordLevel(unk_token=MARKS[UNKNOWN]))
    tokenizer.pre_tokenizer = SPLIT
    tokenizer.decoder = decoders.Fuse()
    trainer = trainers.WordLevelTrainer(
        vocab_size=size, min_frequency=3, special_tokens=[*MARKS, *NUMBERS], show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    made = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=MARKS[PAD],
        eos_token=MARKS[END],
        unk_token=MARKS[UNKNOWN],
    )
    made.chat_template, made.response_template = CHAT_TEMPLATE, RESPONSE_TEMPLATE
    return made


def encode(conversation: Conversation, tokenizer: PreTrainedTokenizerFast) -> dict[str, list[int]]:
    """A conversation as tokens, with a label for each that the assistant says."""
    found = tokenizer.apply_chat_template(
        point(trl_messages(conversation.messages)),
        tools=conversation.tools,
        return_dict=True,
        return_assistant_tokens_mask=True,
    )
    ids, said = found["input_ids"][:LONGEST], found["assistant_masks"][:LONGEST]
    labels = [t if mine and t != UNKNOWN else -100 for t, mine in zip(ids, said, strict=True)]
    return {"input_ids": ids, "labels": labels}


def pointable(tokenizer: PreTrainedTokenizerFast, seen: list[Conversation]) -> list[int]:
    """The tokens that can only be said by pointing at something: numbers of words and names of tools."""
    names = {f" {tool['function']['name']}" for c in seen for tool in c.tools}
    known = tokenizer.get_vocab()
    return sorted(known[name] for name in [*NUMBERS, *names] if name in known)
