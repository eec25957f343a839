"""What is wrong with rows of a file: the first lines in full, then a count."""

from typing import Self

import typer

__all__ = ["Problems"]

_SHOWN = 20


class Problems:
    """Says problems on stderr as they come up; a context that ends with the count of the others.

    Args:
        more: Where the others can be found, for the last line.

    Example:
        >>> with Problems("see there") as problems:
        ...     problems.say("pets.jsonl:3: no JSON")
        >>> problems.count
        1
    """

    def __init__(self, more: str = "") -> None:
        self._more = more
        self.count = 0

    def say(self, line: str) -> None:
        """Say a problem, or count it if there were many."""
        self.count += 1
        if self.count <= _SHOWN:
            typer.echo(line, err=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if self.count > _SHOWN and kind is None:
            rest = f"and {self.count - _SHOWN:,} more rows that were left out"
            typer.echo(f"{rest}; {self._more}" if self._more else rest, err=True)
