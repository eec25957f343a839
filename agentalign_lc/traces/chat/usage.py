"""Token counts, whatever a provider calls them."""

from collections.abc import Mapping
from typing import Any

from agentalign_lc.traces.chat.values import first

__all__ = ["read_usage"]

_INPUT = (
    "input_tokens",
    "prompt_tokens",
    "inputTokens",
    "promptTokens",
    "prompt_token_count",
    "promptTokenCount",
    "prompt",
    "input",
)
_OUTPUT = (
    "output_tokens",
    "completion_tokens",
    "outputTokens",
    "completionTokens",
    "candidates_token_count",
    "candidatesTokenCount",
    "completion",
    "output",
)
_TOTAL = ("total_tokens", "totalTokens", "total_token_count", "totalTokenCount", "total")


def read_usage(value: object) -> dict[str, int]:
    """Tokens of one model call; those that were not told are left out.

    Example:
        >>> read_usage({"prompt_tokens": 3, "completion_tokens": "2"})
        {'input_tokens': 3, 'output_tokens': 2, 'total_tokens': 5}
    """
    if not isinstance(value, Mapping):
        return {}
    given, said = _count(value, _INPUT), _count(value, _OUTPUT)
    total = _count(value, _TOTAL)
    if total is None and given is not None and said is not None:
        total = given + said
    counts = {"input_tokens": given, "output_tokens": said, "total_tokens": total}
    return {name: count for name, count in counts.items() if count is not None}


def _count(value: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    found = first(value, *names)
    try:
        count = int(found) if isinstance(found, int | float | str) else -1
    except (ValueError, OverflowError):
        return None
    return count if 0 <= count < 2**53 else None
