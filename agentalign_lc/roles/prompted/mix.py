"""A mix of models: which of them speaks is decided by what is worked on, never by chance."""

from collections.abc import Iterator, Sequence
from typing import Generic, TypeAlias, TypeVar, Union

from langchain_core.language_models import BaseChatModel

from agentalign_lc.endpoints.endpoint import Endpoint
from agentalign_lc.endpoints.loading import model_name
from agentalign_lc.seeds import stream

__all__ = ["Mix", "Models", "Speaker", "mixed", "names"]

ItemT = TypeVar("ItemT")


class Mix(Generic[ItemT]):
    """Models with their weights.

    The same keys pick the same model, in whatever order and however often they
    are asked for; over many keys each comes up by its weight.

    Example:
        >>> mix = Mix([("large", 1), ("small", 3)])
        >>> [mix.pick("scenario", number) for number in range(6)]
        ['small', 'large', 'small', 'small', 'small', 'large']
        >>> dict(mix.shares())
        {'large': 0.25, 'small': 0.75}
    """

    def __init__(self, pairs: Sequence[tuple[ItemT, float]]) -> None:
        if not pairs or any(weight <= 0 for _, weight in pairs):
            raise ValueError("a mix needs at least one item, each with a weight above 0")
        self.items = tuple(item for item, _ in pairs)
        self._weights = tuple(weight for _, weight in pairs)

    def pick(self, key: str | int, *further: str | int) -> ItemT:
        """The item that falls to these keys."""
        if len(self.items) == 1:
            return self.items[0]
        return stream(key, *further).choices(self.items, self._weights)[0]

    def shares(self) -> Iterator[tuple[ItemT, float]]:
        """Each item with its share of the whole."""
        total = sum(self._weights)
        for item, weight in zip(self.items, self._weights, strict=True):
            yield item, weight / total


Speaker: TypeAlias = Endpoint | BaseChatModel
"""Who can fill a role: a chat model, or an endpoint that minds its limits and its journal."""

Models: TypeAlias = Union[Speaker, Sequence[tuple[Speaker, float]], "Mix[Speaker]"]
"""What a prompted role takes: a model, several with their weights, or a mix."""


def mixed(models: Models) -> Mix[Speaker]:
    """What a prompted role was given, as a mix."""
    if isinstance(models, Mix):
        return models
    return Mix(models if isinstance(models, Sequence) else [(models, 1.0)])


def names(mix: Mix[Speaker]) -> str:
    """The names of a mix's models, for the provenance of a whole run."""
    return ", ".join(dict.fromkeys(map(model_name, mix.items)))
