"""The two-tier taxonomy of harm: 8 categories, 64 subcategories.

Names after AgentAlign (arXiv 2505.23020); the descriptions are ours.
"""

from functools import lru_cache
from pathlib import Path

from pydantic import Field

from agentalign_lc.documents import load_document
from agentalign_lc.records import HarmCategory, Record

__all__ = ["load_harms"]


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
