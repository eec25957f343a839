"""Rows of other people's files: one at a time, each with its line, broken ones with a reason.

Nothing in such a file stops the reading: bytes that are no text, a line
without end, brackets nested a million deep are rows with a ``problem``.
"""

import csv
import gzip
import json
import zlib
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NoReturn, cast

from agentalign_lc.errors import ConfigError

__all__ = ["LONGEST", "Row", "parse_json", "read_rows", "reported"]

LONGEST = 16 * 2**20
"""Bytes that a line may have; a longer one is a broken row and is never held whole."""

_SPACE = " \t\r\n"


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file."""

    line: int
    """Where it starts, from 1."""
    value: Any = None
    """Any JSON value; of a CSV file a dictionary of its cells, of a text file the line."""
    problem: str = ""
    """Why there is no value; empty if there is one."""


def read_rows(file: Path) -> Iterator[Row]:
    r"""Read the rows of a file; blank lines are none.

    By its name: ``.csv`` and ``.tsv`` have a heading, ``.txt`` has a text a line,
    of ``.json`` the elements of the outermost array are rows (or of the arrays
    inside the outermost object), and everything else is JSON Lines. Each may be
    compressed (``.gz``). JSON Lines and texts are read line by line; the text of
    a ``.json`` file is in memory while it is read.

    Raises:
        ConfigError: the file cannot be opened, or reading it fails.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder, "pets.jsonl")
        ...     _ = file.write_bytes(b'{"name": "Rex"}\n{"name"\n\xff\n')
        ...     for row in read_rows(file):
        ...         print(row.line, row.value, row.problem)
        1 {'name': 'Rex'}
        2 None no JSON
        3 None no UTF-8
    """
    kinds = [suffix.lower() for suffix in file.suffixes[-2:]]
    packed = bool(kinds) and kinds[-1] == ".gz"
    kind = next(iter(kinds[-2:-1] if packed else kinds[-1:]), "")
    with reported(file), _opened(file, packed=packed) as stream:
        if kind == ".json":
            yield from _json_rows(stream)
        elif kind in {".csv", ".tsv"}:
            yield from _table_rows(_lines(stream), "," if kind == ".csv" else "\t")
        else:
            yield from _line_rows(_lines(stream), parse=kind != ".txt")


def _opened(file: Path, *, packed: bool) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(file)) if packed else file.open("rb")


def parse_json(text: str) -> Any:  # noqa: ANN401 - any JSON value
    """Parse JSON strictly: no NaN, no infinity.

    Raises:
        ValueError: it is no JSON, or nested too deeply.

    Example:
        >>> parse_json('{"a": NaN}')
        Traceback (most recent call last):
        ValueError: no JSON
    """
    try:
        return _DECODER.decode(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    except ValueError as error:
        raise ValueError("no JSON") from error


def _line_rows(lines: Iterable[Row], *, parse: bool) -> Iterator[Row]:
    for row in lines:
        if row.problem:
            yield row
        elif row.value.strip():
            try:
                yield Row(row.line, parse_json(row.value) if parse else row.value)
            except ValueError as error:
                yield Row(row.line, problem=str(error))


def _table_rows(lines: Iterable[Row], delimiter: str) -> Iterator[Row]:
    broken: list[Row] = []

    def texts() -> Iterator[str]:
        for row in lines:
            if row.problem:
                broken.append(row)
            # The reader counts lines, so that a broken one must be there, empty.
            yield row.value or "\n"

    reader = csv.DictReader(texts(), delimiter=delimiter, strict=True)
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield Row(reader.line_num, problem=f"no CSV, {error}")
            continue
        yield from broken
        broken.clear()
        if cells is None:
            return
        inside = sum(cell.count("\n") for cell in cells.values() if isinstance(cell, str))
        yield Row(reader.line_num - inside, cells)


def _json_rows(stream: IO[bytes]) -> Iterator[Row]:
    try:
        text = stream.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        yield Row(1, problem="no UTF-8")
        return
    except (EOFError, zlib.error, gzip.BadGzipFile):
        yield Row(1, problem="the compressed data are damaged")
        return
    if _is_json_lines(text):
        numbered = (Row(line, part) for line, part in enumerate(text.split("\n"), 1))
        yield from _line_rows(numbered, parse=True)
        return
    line, before = 1, 0
    try:
        for at, value in _elements(text):
            line, before = line + text.count("\n", before, at), at
            yield Row(line, value)
    except RecursionError:
        yield Row(line, problem="nested too deeply")
    except (ValueError, IndexError) as error:
        at = getattr(error, "pos", before)
        line += text.count("\n", before, max(at, before))
        yield Row(line, problem="no JSON from here on")


def _is_json_lines(text: str) -> bool:
    """Whether a file named ``.json`` holds one object a line, as many do."""
    first, _, rest = text.strip().partition("\n")
    if not first.startswith("{") or not rest:
        return False
    try:
        parse_json(first)
    except ValueError:
        return False
    return True


def _elements(text: str) -> Iterator[tuple[int, Any]]:
    """Where rows begin, and what they are."""
    end = yield from _inside(text, _after_space(text, 0))
    if _after_space(text, end) < len(text):
        raise json.JSONDecodeError("more than one value", text, end)


def _inside(text: str, at: int) -> Generator[tuple[int, Any], None, int]:
    """Elements of an array, or of an object's arrays; returns where it ends."""
    opening = text[at : at + 1]
    if opening not in {"[", "{"}:
        if opening:
            value, end = _DECODER.raw_decode(text, at)
            yield at, value
            at = end
        return at
    closing = "]" if opening == "[" else "}"
    at = _after_space(text, at + 1)
    while text[at] != closing:
        if opening == "{":
            _, at = _DECODER.raw_decode(text, at)
            at = _after_space(text, at)
            _expect(text, at, ":")
            at = _after_space(text, at + 1)
        start = at
        value, at = _DECODER.raw_decode(text, at)
        if opening == "{" and isinstance(value, list):
            yield from _inside(text, start)
        else:
            yield start, value
        at = _after_space(text, at)
        if text[at] == ",":
            at = _after_space(text, at + 1)
        else:
            _expect(text, at, closing)
    return at + 1


def _after_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def _expect(text: str, at: int, wanted: str) -> None:
    if text[at] != wanted:
        raise json.JSONDecodeError(f"expected {wanted}", text, at)


def _lines(stream: IO[bytes]) -> Iterator[Row]:
    """Lines as text, or why they are none; one that is too long is skipped in pieces."""
    number = 0
    try:
        while part := stream.readline(LONGEST + 1):
            number += 1
            if len(part) > LONGEST and not part.endswith(b"\n"):
                while part and not part.endswith(b"\n"):
                    part = stream.readline(LONGEST)
                yield Row(number, problem=f"longer than {LONGEST // 2**20} MiB")
                continue
            try:
                text = part.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError:
                yield Row(number, problem="no UTF-8")
            else:
                yield Row(number, text)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        yield Row(number + 1, problem="the compressed data are damaged from here on")


@contextmanager
def reported(file: Path) -> Iterator[None]:
    """Turn errors of the system into one line about the file.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        yield
    except OSError as error:
        raise ConfigError(f"{file} cannot be read ({error.strerror or error})") from error
