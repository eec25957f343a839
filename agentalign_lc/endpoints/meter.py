"""The meter of an endpoint: what calls use, and what the next one may use at most."""

from langchain_core.messages import AIMessage

from agentalign_lc.endpoints.journal import Spend
from agentalign_lc.endpoints.price import Price
from agentalign_lc.endpoints.question import Question

__all__ = ["Meter"]

_UNKNOWN_ANSWER = 1000
"""Tokens of an answer before any was seen, of a model without a maximum."""


class Meter:
    """Counts the tokens of calls, and learns how large they get.

    Args:
        price: What the tokens cost, if that is known.
        max_tokens: Tokens of the longest answer that the model may give, if that is set.

    Example:
        >>> meter = Meter(Price(input=1, output=2))
        >>> asked = Question("k", 400)
        >>> meter.most(asked).output_tokens
        1000
        >>> meter.read(asked, AIMessage("Yes."))[0].input_tokens  # nothing said: estimated
        101
    """

    def __init__(self, price: Price | None = None, max_tokens: int | None = None) -> None:
        self._price = price
        self._max_tokens = max_tokens if isinstance(max_tokens, int) and max_tokens > 0 else None
        self._largest = 0
        self._ratio = 1.0
        """How many times more tokens questions had than was estimated, at most."""

    def most(self, asked: Question) -> Spend:
        """What a call may use at most, as far as can be known before."""
        allowed = asked.longest or self._max_tokens
        largest = self._largest or allowed or _UNKNOWN_ANSWER
        return self._spend(
            int(asked.tokens * self._ratio) + 1, min(largest, allowed) if allowed else largest
        )

    def read(self, asked: Question, answer: AIMessage | None) -> tuple[Spend, bool]:
        """What a call used, and whether that had to be estimated."""
        self.learn(asked, answer)
        usage = answer.usage_metadata if answer is not None else None
        if not usage:
            said = 0 if answer is None else len(str(answer.content)) + len(str(answer.tool_calls))
            return self._spend(asked.tokens, 1 + said // 4), True
        cached = (usage.get("input_token_details") or {}).get("cache_read") or 0
        return self._spend(usage["input_tokens"], usage["output_tokens"], cached), False

    def learn(self, asked: Question, answer: AIMessage | None) -> None:
        """Take the size of a call into account."""
        usage = answer.usage_metadata if answer is not None else None
        if usage:
            self._largest = max(self._largest, usage["output_tokens"])
            self._ratio = max(self._ratio, usage["input_tokens"] / asked.tokens)

    def beyond(self, asked: Question, answer: object) -> int:
        """Tokens that a call used beyond those of its question (its answer, mostly)."""
        usage = answer.usage_metadata if isinstance(answer, AIMessage) else None
        return usage["total_tokens"] - asked.tokens if usage else 0

    def _spend(self, input_tokens: int, output_tokens: int, cached: int = 0) -> Spend:
        cost = self._price.cost(input_tokens, output_tokens, cached) if self._price else 0.0
        return Spend(input_tokens=input_tokens, output_tokens=output_tokens, cost=cost)
