"""The two-tier taxonomy of harm: 8 categories, 64 subcategories.

Names after AgentAlign (arXiv 2505.23020); the descriptions are ours.
"""

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from pydantic import Field

from agentalign_lc.documents import load_document
from agentalign_lc.errors import ConfigError
from agentalign_lc.records import HarmCategory, Record

__all__ = ["Kind", "find_kind", "load_harms", "load_kinds"]


class Kind(NamedTuple):
    """A subcategory, looked up by its name."""

    category: str
    description: str


class _Harms(Record):
    categories: tuple[HarmCategory, ...] = Field(min_length=1)


@lru_cache(maxsize=1)
def load_harms() -> dict[str, HarmCategory]:
    """Read the taxonomy, by category name.

    Example:
        >>> sum(len(category.subcategories) for category in load_harms().values())
        64
    """
    document = load_document(Path(__file__).with_name("harms.yaml"), _Harms)
    return {category.name: category for category in document.categories}


@lru_cache(maxsize=1)
def load_kinds() -> dict[str, Kind]:
    """The subcategories, by name and in the taxonomy's order.

    Example:
        >>> load_kinds()["phishing"].category
        'online_fraud'
    """
    return {
        kind.name: Kind(category.name, kind.description)
        for category in load_harms().values()
        for kind in category.subcategories
    }


def find_kind(subcategory: str) -> Kind:
    """The subcategory of a name that a person has given.

    Raises:
        ConfigError: there is none; the message says which there are.
    """
    kinds = load_kinds()
    if subcategory not in kinds:
        raise ConfigError(f"unknown subcategory {subcategory!r}; there are {', '.join(kinds)}")
    return kinds[subcategory]
