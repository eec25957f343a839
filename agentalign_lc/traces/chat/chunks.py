"""Streamed answers: chunks of OpenAI's chat API, events of its Responses API and of Anthropic's, put together."""

from collections.abc import Mapping, Sequence
from typing import Any

from agentalign_lc.traces.chat.values import entry, mapping, text

__all__ = ["joined_chunks"]


def joined_chunks(value: object) -> Mapping[str, Any] | None:
    """The whole answer that a list of chunks streamed; None if it is no such list.

    Example:
        >>> joined_chunks([
        ...     {"choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hel"}}]},
        ...     {"choices": [{"index": 0, "delta": {"content": "lo"}}]}])
        {'role': 'assistant', 'content': 'Hello'}
    """
    if not isinstance(value, list) or not value:
        return None
    chunks = [mapping(one) for one in value]
    if any("delta" in mapping(entry(one, "choices", 0)) for one in chunks):
        return _chat(chunks)
    kinds = [str(one.get("type", "")) for one in chunks]
    for kind, one in zip(reversed(kinds), reversed(chunks), strict=True):
        if kind in ("response.completed", "response.incomplete"):
            return mapping(one.get("response"))
    if "message_start" in kinds or "content_block_start" in kinds:
        return _anthropic(chunks)
    return None


def _chat(chunks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": ""}
    calls: dict[int, dict[str, Any]] = {}
    for chunk in chunks:
        delta = mapping(entry(chunk, "choices", 0, "delta"))
        for name in ("content", "refusal", "reasoning_content"):
            if isinstance(delta.get(name), str):
                message[name] = message.get(name, "") + delta[name]
        for raw in delta.get("tool_calls") or ():
            part = mapping(raw)
            at = _index(part, len(calls))
            call = calls.setdefault(at, {"id": "", "function": {"name": "", "arguments": ""}})
            function = mapping(part.get("function"))
            call["id"] = call["id"] or text(part.get("id"))
            call["function"]["name"] += text(function.get("name"))
            call["function"]["arguments"] += text(function.get("arguments"))
    if calls:
        message["tool_calls"] = [calls[at] for at in sorted(calls)]
    return message


def _anthropic(events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    blocks: dict[int, dict[str, Any]] = {}
    for event in events:
        at = _index(event, 0)
        if event.get("type") == "content_block_start":
            blocks[at] = dict(mapping(event.get("content_block")))
        delta = mapping(event.get("delta"))
        block = blocks.get(at)
        if block is None:
            continue
        for name in ("text", "thinking"):
            if isinstance(delta.get(name), str):
                block[name] = text(block.get(name)) + delta[name]
        if isinstance(delta.get("partial_json"), str):
            before = block.get("input")
            block["input"] = (before if isinstance(before, str) else "") + delta["partial_json"]
    return {"role": "assistant", "content": [blocks[at] for at in sorted(blocks)]}


def _index(value: Mapping[str, Any], otherwise: int) -> int:
    at = value.get("index")
    return at if isinstance(at, int) else otherwise
