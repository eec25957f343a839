"""JSON values of a file: one a line, one for all, or one after the other; packed or not."""

import gzip
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from agentalign_lc.rows import reported
from agentalign_lc.traces.chat.values import DECODER, cleaned, loads

__all__ = ["LONGEST", "Value", "read_values"]

LONGEST = 2**28
"""Bytes that a line may have; a longer one is a problem and is never held whole."""

_GZIP = b"\x1f\x8b"
_DEEPEST = 8
_TRIED = 50


@dataclass(frozen=True, slots=True)
class Value:
    """A JSON value of a file."""

    line: int
    """Where it starts, from 1."""
    value: Any = None
    problem: str = ""
    """Why it is missing, or why there is only a part of it."""


def read_values(file: Path) -> Iterator[Value]:
    r"""Read the JSON values of a file; JSON Lines are read line by line.

    Of a document that ends in the middle the whole elements are kept.

    Raises:
        ConfigError: the file cannot be opened, or reading it fails.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder, "spans")
        ...     _ = file.write_text('[{"a": 1},\n {"a": 2}, {"a"')
        ...     for value in read_values(file):
        ...         print(value.line, value.value, value.problem)
        1 [{'a': 1}, {'a': 2}] the JSON ends or breaks in line 2
    """
    with reported(file), _opened(file) as stream:
        head = _Head(stream)
        if head.lines_of_json:
            yield from _lines(head)
        else:
            yield from _documents(head.rest())


class _Head:
    """The first lines of a stream, looked at to tell what it is."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.first: list[tuple[int, bytes]] = []
        self.broken = ""
        self._number = 0
        self.lines_of_json = self._look()

    def _look(self) -> bool:
        """Whether a line near the top is a JSON object or array by itself, and not the only one."""
        looked = 0
        for number, part in self._next():
            self.first.append((number, part))
            if not part.strip():
                continue
            looked += 1
            if part.lstrip(b"\xef\xbb\xbf \t")[:1] in b"{[" and _whole(part):
                # A document may have such a line too, inside; but then it does not start with it.
                return looked == 1 or self._starts_broken()
            if looked >= _TRIED:
                return False
        return False

    def _starts_broken(self) -> bool:
        """Whether the text so far is no beginning of a document."""
        before = b"".join(part for _, part in self.first[:-1]).strip()
        try:
            DECODER.decode(before.decode("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            at = getattr(error, "pos", 0)
            return bool(at < len(before) - 1 and before[-1:] not in b",[{:")
        return True

    def _next(self) -> Iterator[tuple[int, bytes]]:
        try:
            while part := self._stream.readline(LONGEST + 1):
                self._number += 1
                yield self._number, part
        except (EOFError, zlib.error, gzip.BadGzipFile):
            self.broken = "the compressed data are damaged from here on"

    def lines(self) -> Iterator[tuple[int, bytes]]:
        yield from self.first
        self.first = []
        yield from self._next()

    def rest(self) -> Iterator[Value]:
        """Everything in one piece of text, as a value that is a string."""
        try:
            whole = b"".join([*(part for _, part in self.first), self._stream.read()])
        except (EOFError, zlib.error, gzip.BadGzipFile):
            yield Value(1, problem="the compressed data are damaged")
            return
        try:
            yield Value(1, whole.decode("utf-8-sig"))
        except UnicodeDecodeError:
            yield Value(1, problem="no UTF-8")

    def skip(self, part: bytes) -> None:
        """Leave a line that is too long behind."""
        while part and not part.endswith(b"\n"):
            part = self._stream.readline(2**20)


def _whole(part: bytes) -> bool:
    try:
        loads(part.decode("utf-8-sig"))
    except ValueError as error:
        return str(error) == "nested too deeply"
    return True


def _lines(head: _Head) -> Iterator[Value]:
    number = 0
    for number, part in head.lines():
        if len(part) > LONGEST and not part.endswith(b"\n"):
            head.skip(part)
            yield Value(number, problem=f"longer than {LONGEST // 2**20} MiB")
        elif part.strip():
            try:
                yield Value(number, loads(part.decode("utf-8-sig" if number == 1 else "utf-8")))
            except UnicodeDecodeError:
                yield Value(number, problem="no UTF-8")
            except ValueError as error:
                yield Value(number, problem=str(error))
    if head.broken:
        yield Value(number + 1, problem=head.broken)


def _documents(whole: Iterator[Value]) -> Iterator[Value]:
    for text in whole:
        if text.problem:
            yield text
        else:
            yield from _values(text.value)


def _values(text: str) -> Iterator[Value]:
    """Values one after the other, as consoles print them, with blanks or commas between."""
    at, line, counted = 0, 1, 0
    while True:
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
        if at >= len(text):
            return
        line, counted = line + text.count("\n", counted, at), at
        try:
            value, end, broken = _decoded(text, at, 0)
            value = cleaned(value, text[at:end])
        except (RecursionError, ValueError) as error:
            deep = isinstance(error, RecursionError) or "deep" in str(error)
            yield Value(line, problem="nested too deeply" if deep else "no JSON")
            return
        if broken is not None:
            where = line + text.count("\n", at, broken)
            found = value or None
            yield Value(line, found, problem=f"the JSON ends or breaks in line {where}")
            return
        yield Value(line, value)
        at = end


def _decoded(text: str, at: int, depth: int) -> tuple[Any, int, int | None]:
    """A value, where it ends, and where it broke if it did; then it holds what came before."""
    try:
        value, end = DECODER.raw_decode(text, at)
    except ValueError as error:
        broken = getattr(error, "pos", at)
    else:
        return value, end, None
    opening = text[at : at + 1]
    if depth >= _DEEPEST or opening not in ("[", "{"):
        return None, broken, broken
    return _elements(text, at, depth) if opening == "[" else _members(text, at, depth)


def _elements(text: str, at: int, depth: int) -> tuple[list[Any], int, int]:
    found: list[Any] = []
    at += 1
    while True:
        at = _skip(text, at)
        if at >= len(text):
            return found, at, at
        value, end, broken = _decoded(text, at, depth + 1)
        if broken is not None:
            return ([*found, value] if value else found), broken, broken
        found.append(value)
        at = _skip(text, end, ",")


def _members(text: str, at: int, depth: int) -> tuple[dict[str, Any], int, int]:
    """Of a broken object what is whole, if the break is inside of a list that has something."""
    found: dict[str, Any] = {}
    at += 1
    while True:
        at = _skip(text, at)
        name, end, broken = _decoded(text, at, _DEEPEST)
        if broken is not None or not isinstance(name, str):
            return {}, at, at
        value, end, broken = _decoded(text, _skip(text, end, ":"), depth + 1)
        if broken is not None:
            kept = value and isinstance(value, list | Mapping)
            return ({**found, name: value} if kept else {}), broken, broken
        found[name] = value
        at = _skip(text, end, ",")


def _skip(text: str, at: int, mark: str = "") -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    if mark and text[at : at + 1] == mark:
        return _skip(text, at + 1)
    return at


def _opened(file: Path) -> IO[bytes]:
    with file.open("rb") as stream:
        packed = stream.read(2) == _GZIP
    return cast("IO[bytes]", gzip.open(file)) if packed else file.open("rb")
