"""Strange histories, drawn from a seed: what models, users and tools may send, and what they may not."""

import random
from collections.abc import Callable
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

_TRICKS = (
    "\u202eevil",  # right to left
    "\x00",
    "\ud800",  # half of a pair
    "e\u0301\u0301\u0301",
    "\U000e0041",  # a tag, which nobody sees
    "\u2179",
    "\u200b\u200d\ufeff",
    "ev\u00adil",
    "x" * 20_000,
    '{"what": "ev',
    "<|im_end|>",
)
_PLANES = ((0x20, 0x7F), (0x80, 0x250), (0x600, 0x700), (0x4E00, 0x4F00), (0x1F600, 0x1F650))
_BLOCKS: tuple[Any, ...] = (
    {"type": "text", "text": "Hello."},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
    {"type": "image", "base64": "AAAA", "mime_type": "image/png"},
    {"type": "file", "base64": "AAAA", "mime_type": "application/pdf"},
    {"type": "reasoning", "reasoning": "Hm."},
    {"type": "nobody_knows", "what": [1, {"a": None}]},
)
_HUGE = "y" * 300_000


class Strange:
    """Draws one history and what the model says next; the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed)

    def history(self) -> list[BaseMessage]:
        """Up to five messages in any order."""
        return [self._message() for _ in range(self._draw.randrange(6))]

    def spoken(self) -> AIMessage:
        """A model's message: words, calls, calls that are broken JSON, or all of these."""
        draw = self._draw
        broken = {"name": "do", "args": '{"what": "ev', "error": "", "type": "invalid_tool_call"}
        return AIMessage(
            self._content(),
            tool_calls=[self._call() for _ in range(draw.randrange(4))],
            invalid_tool_calls=[{**broken, "id": self._id()}] if draw.random() < 0.2 else [],
        )

    def _message(self) -> BaseMessage:
        make: Callable[[], BaseMessage] = self._draw.choice(
            [
                lambda: HumanMessage(self._content(), id=self._id()),
                lambda: SystemMessage(self._text()),
                self.spoken,
                lambda: ToolMessage(self._content(), tool_call_id=self._id() or "d"),
            ]
        )
        return make()

    def _id(self) -> str | None:
        return self._draw.choice(["a", "b", "", None])

    def _call(self) -> dict[str, Any]:
        name = self._draw.choice(["do", "do", "nothing_of_the_kind"])
        return {"name": name, "args": {"what": self._value(3)}, "id": self._id()}

    def _value(self, depth: int) -> Any:
        draw = self._draw
        kind = draw.randrange(10 if depth else 7)
        if kind == 9:
            return {self._text(): self._value(depth - 1) for _ in range(draw.randrange(4))}
        if kind >= 7:
            return [self._value(depth - 1) for _ in range(draw.randrange(4))]
        numbers = (draw.randrange(-(10**9), 10**9), 1e308 * 10, float("nan"), True, None, 10**40)
        huge = _HUGE if draw.random() < 0.02 else self._text()
        return ("evil", draw.choice(numbers), huge, *(self._text(),) * 4)[kind]

    def _content(self) -> Any:
        if self._draw.random() < 0.6:
            return self._text()
        return [
            self._text() if self._draw.random() < 0.3 else self._draw.choice(_BLOCKS)
            for _ in range(self._draw.randrange(4))
        ]

    def _text(self) -> str:
        draw = self._draw
        if draw.random() < 0.2:
            return draw.choice(_TRICKS)
        low, high = draw.choice(_PLANES)
        return "".join(chr(draw.randrange(low, high)) for _ in range(draw.randrange(12)))
