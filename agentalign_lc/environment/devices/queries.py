"""Queries for lines of code, in the syntax that hosts of source code share."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from agentalign_lc.environment.world import Row

__all__ = ["CodeQuery"]

_QUALIFIER = re.compile(r"""(?<!\S)(-?\w+):("[^"]*"|\S+)""")
_QUALIFIERS = ("extension", "filename", "in", "language", "org", "path", "repo", "size", "user")


class CodeQuery(NamedTuple):
    """What to look for, and where.

    Example:
        >>> asked = CodeQuery.read("repo:vasterby/website extension:py def main")
        >>> asked.repository, asked.text
        ('vasterby/website', 'def main')
    """

    text: str
    said: dict[str, str]
    """The qualifiers and their values."""

    @classmethod
    def read(cls, query: str) -> "CodeQuery":
        """Tell the words of a query from its qualifiers."""
        said = {name: value.strip('"') for name, value in _QUALIFIER.findall(query)}
        said = {name: value for name, value in said.items() if name in _QUALIFIERS}
        text = _QUALIFIER.sub(lambda m: "" if m[1] in said else m[0], query).strip().strip('"')
        return cls(text, said)

    @property
    def repository(self) -> str | None:
        """The repository that the query names."""
        return self.said.get("repo")

    def lines(self, rows: Iterable[Row]) -> list[tuple[Row, str, int, str]]:
        """The lines that contain the text, or else all of its words: row, path, number, line."""
        phrase = self.text.casefold()
        lines = [
            (row, path, number, line)
            for row in rows
            for path, content in row.get("files", {}).items()
            if self._fits(path)
            for number, line in enumerate(str(content).splitlines(), 1)
        ]
        hits = [hit for hit in lines if phrase in hit[3].casefold()] if phrase else []
        if hits:
            return hits
        words = re.findall(r"\w+", phrase)
        return [
            hit for hit in lines
            if words and all(word in f"{hit[1]} {hit[3]}".casefold() for word in words)
        ]  # fmt: skip

    def _fits(self, path: str) -> bool:
        wanted = self.said.get("path", ""), self.said.get("filename", "")
        return all(
            part.strip("*").casefold() in path.casefold() for part in wanted
        ) and path.endswith(self.said.get("extension", ""))
