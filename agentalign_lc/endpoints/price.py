"""Prices: what the tokens of a model cost, by a file of the user's own."""

from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path

from pydantic import Field, RootModel

from agentalign_lc.documents import load_document
from agentalign_lc.records import Record

__all__ = ["Price", "PriceTable"]


class Price(Record):
    """US dollars for a million tokens.

    Example:
        >>> round(Price(input=0.4, output=1.6).cost(2_000, 500), 6)
        0.0016
    """

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cached_input: float | None = Field(None, ge=0)
    """For input that the provider had in its cache; as any input if not given."""

    def cost(self, input_tokens: int, output_tokens: int, cached_tokens: int = 0) -> float:
        """US dollars for a call; the cached tokens are among the input tokens."""
        cached = self.input if self.cached_input is None else self.cached_input
        fresh = max(0, input_tokens - cached_tokens)
        return (fresh * self.input + cached_tokens * cached + output_tokens * self.output) / 1e6


class _Table(RootModel[dict[str, Price]]):
    pass


class PriceTable:
    """Prices by model; a name may have wildcards, and an exact name goes before them.

    Example:
        >>> table = PriceTable({"openai:gpt-5*": Price(input=1, output=8)})
        >>> table.find("openai:gpt-5.4").output
        8.0
        >>> table.find("openai:o9") is None
        True
    """

    def __init__(self, prices: dict[str, Price]) -> None:
        self._prices = prices

    @classmethod
    def load(cls, path: Path) -> "PriceTable":
        """Read a YAML file such as ``openai:gpt-5.4-mini: {input: 0.4, output: 1.6}``.

        Raises:
            DocumentError: it is no such file; the message says file and line.
        """
        return cls(load_document(path, _Table).root)

    def find(self, model: str) -> Price | None:
        """The price of a model, by ``provider:name`` or by the bare name."""
        names = [model, *([model.partition(":")[2]] if ":" in model else [])]
        for name in names:
            if name in self._prices:
                return self._prices[name]
        globs = (price for glob, price in self._globs if any(fnmatchcase(n, glob) for n in names))
        return next(globs, None)

    @cached_property
    def _globs(self) -> list[tuple[str, Price]]:
        """Patterns, the most specific first."""
        patterns = [(glob, price) for glob, price in self._prices.items() if set(glob) & set("*?[")]
        return sorted(patterns, key=lambda pattern: -len(pattern[0]))
