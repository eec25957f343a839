"""Lazy names: a package's public face, whose modules load when a name of theirs is used."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

__all__ = ["lazily"]


def lazily(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Make the ``__getattr__`` of a package.

    Args:
        package: Its name.
        homes: For each public name the module that has it, as seen from the package.

    Example:
        >>> find = lazily("agentalign_lc", {"content_id": "seeds"})
        >>> find("content_id").__name__
        'content_id'
        >>> find("nothing")
        Traceback (most recent call last):
        AttributeError: module 'agentalign_lc' has no attribute 'nothing'
    """

    def find(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{homes[name]}"), name)

    return find
