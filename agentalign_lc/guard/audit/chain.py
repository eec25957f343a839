"""The chain of hashes: lines of JSON, each with its number, the hash of the line before and its own.

The chain shows that a line was changed; it cannot stop somebody who may write
everything from hashing everything anew. Note the last hash down elsewhere from
time to time, and give it to ``verify``.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["START", "Head", "Verification", "following", "sealed", "verified"]

START = "0" * 64
"""What the first line has for the hash of the line before it."""


@dataclass(frozen=True, slots=True)
class Head:
    """How far a ledger goes."""

    count: int = 0
    size: int = 0
    """Bytes up to here."""
    hash: str = START

    def text(self) -> str:
        """What a file keeps of it."""
        # Always as long, so that it is written over in place, in one piece.
        return f"{self.count:015d} {self.size:018d} {self.hash}\n"


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found in a ledger."""

    entries: int
    """Lines that are as they were written, from the first on."""
    end: str
    """Hash of the last of them."""
    line: int | None = None
    """The first line that is wrong, from 1; None if none is."""
    problem: str = ""

    @property
    def intact(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problem


def verified(lines: Iterable[bytes], known: Head | None, noted: str | None) -> Verification:
    """Find the first line that is not as it was written.

    Args:
        lines: All of them, in order.
        known: How far they should go; None if nobody knows any more.
        noted: A hash that some line must have.
    """
    before, head = Head(), Head()
    hashes = {noted} if noted else set()
    for number, line in enumerate(lines, 1):
        after = following(line, head)
        if after is None:
            at, problem = _why_not(line, number, head, before)
            return Verification(head.count, head.hash, at, problem)
        if known and after.count == known.count and after.hash != known.hash:
            return _wrong(after, f"line {number} is not the one that was written there", -1)
        before, head = head, after
        hashes.discard(head.hash)
    if hashes:
        return _wrong(
            head, f"no line has the hash {noted}: lines are gone, or all was written anew"
        )
    if noted is None and known is None:
        return _wrong(head, "its head is missing, so lines may be gone from the end")
    if known and known.count > head.count:
        return _wrong(head, f"{_lines(known.count - head.count)} gone from the end")
    return Verification(head.count, head.hash)


def _wrong(head: Head, problem: str, offset: int = 0) -> Verification:
    return Verification(head.count + min(offset, 0), head.hash, head.count + 1 + offset, problem)


def _why_not(line: bytes, number: int, head: Head, before: Head) -> tuple[int, str]:
    """The line that is to blame, and what is wrong."""
    entry = _entry(line)
    if entry is None:
        torn = "is torn: its writer was cut off, or its end was removed"
        changed = "was changed, or is none of this log"
        return number, f"line {number} " + (changed if line.endswith(b"\n") else torn)
    if entry["hash"] == head.hash:
        return number, f"line {number} is there twice"
    if number > 1 and entry["prev"] == before.hash:
        return number - 1, f"line {number - 1} was inserted or replaced"
    gone = entry["n"] - head.count - 1
    if gone == 0:
        blamed = max(1, number - 1)
        return blamed, f"line {blamed} was replaced: the next does not follow from it"
    if gone > 0:
        return number, f"{_lines(gone)} gone, or moved away, before line {number}"
    return number, f"line {number} stands in the wrong place"


def following(line: bytes, head: Head) -> Head | None:
    """The head after a line; None if the line does not follow."""
    entry = _entry(line)
    if entry is None or (entry["n"], entry["prev"]) != (head.count + 1, head.hash):
        return None
    return Head(head.count + 1, head.size + len(line), entry["hash"])


def _entry(line: bytes) -> dict[str, Any] | None:
    """Read a line; None if it is not exactly what would have been written."""
    try:
        entry = json.loads(line)
        written = entry.pop("hash"), entry.pop("n"), entry.pop("prev")
        digest, n, prev = written
        if type(n) is not int or sealed(entry, n, prev) != (line, digest):
            return None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return {"n": n, "prev": prev, "hash": digest}


def sealed(entry: Mapping[str, Any], n: int, prev: str) -> tuple[bytes, str]:
    """The line of an entry, and its hash."""
    body = {**entry, "n": n, "prev": prev}
    digest = hashlib.sha256(_json(body)).hexdigest()
    return _json({**body, "hash": digest}) + b"\n", digest


def _json(value: object) -> bytes:
    # ASCII, so that no reader can take a character inside a text for the end of a line.
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _lines(count: int) -> str:
    return "1 line is" if count == 1 else f"{count:,} lines are"
