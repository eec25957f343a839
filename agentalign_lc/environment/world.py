"""A seeded, stateful world: collections of rows, and devices on top of them.

What is written can be read back; what does not exist is not found. Ids, the
clock and every free choice come from the seed, so two worlds of one scenario
answer alike, in any process, on any day.
"""

import re
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from pydantic import JsonValue

from agentalign_lc.environment.faults import ToolFault
from agentalign_lc.environment.spec import CollectionSpec, ToolSpec
from agentalign_lc.records import Person
from agentalign_lc.seeds import VirtualClock, derive_seed, stream

__all__ = [
    "Device",
    "Draw",
    "Row",
    "Twisting",
    "World",
    "matches",
]

Row = dict[str, Any]
_BLANKS = re.compile("#+|0+")
_WORDS = str.maketrans(dict.fromkeys(",.;:!?\"'()[]<>", " "))


class Device(Protocol):
    """Something in the world that rows alone cannot say: files, a shell, the web."""

    operations: frozenset[str]
    """Methods that a suite may call."""


class Twisting(Protocol):
    """Something that meddles with the calls of a world; see ``twists``."""

    def before(self, tool: str) -> None:
        """Raise, if the call shall fail."""
        ...

    def after(self, tool: str, result: Row, world: "World") -> Row:
        """Return the result as the agent shall see it."""
        ...


class Draw:
    """The free choices of a world, one seeded stream.

    Example:
        >>> Draw("s").hex(4) == Draw("s").hex(4)
        True
    """

    def __init__(self, seed: str) -> None:
        self._random = stream(seed, "draw")

    def hex(self, digits: int) -> str:
        """Draw hexadecimal digits."""
        return f"{self._random.getrandbits(4 * digits):0{digits}x}" if digits > 0 else ""

    def digits(self, count: int) -> str:
        """Draw decimal digits, the first not a zero."""
        return str(self._random.randint(10 ** (count - 1), 10**count - 1))

    def number(self, low: int, high: int) -> int:
        """Draw a whole number, both ends included."""
        return self._random.randint(low, high)

    def choice(self, options: list[Any]) -> Any:  # noqa: ANN401 - one of the caller's
        """Draw one of the options."""
        return self._random.choice(options)

    def pattern(self, pattern: str) -> str:
        """Fill ``#`` with hexadecimal and ``0`` with decimal digits."""
        return _BLANKS.sub(self._fill, pattern)

    def _fill(self, blanks: re.Match[str]) -> str:
        count = len(blanks[0])
        if blanks[0][0] == "#":
            return self.hex(count)
        return f"{self._random.randrange(10**count):0{count}d}"


class World:
    """Collections of rows that tools read and change.

    Args:
        seed: Decides everything that is free.
        user: Whom the agent works for (``me`` in suites).
        collections: What kinds of rows there are, by name.

    Example:
        >>> me = Person(first="Ana", last="Ruiz", email="ana@example.com",
        ...             phone="+1-555-0101", handle="anaruiz", city="Vasterby")
        >>> world = World("seed", me, {"notes": CollectionSpec(id="note_00")})
        >>> note = world.insert("notes", {"text": "milk"})
        >>> world.find("notes", {"id": note["id"]})["text"]
        'milk'
    """

    def __init__(self, seed: str, user: Person, collections: Mapping[str, CollectionSpec]) -> None:
        self.seed = seed
        self.user = user
        self.clock = VirtualClock(seed)
        self.began = self.clock.now()
        """The moment in which the world began."""
        self.draw = Draw(seed)
        self.devices: dict[str, Device] = {}
        self.tools: Mapping[str, ToolSpec] = {}
        """Tools that other tools may ``use``."""
        self.changes: list[Row] = []
        self.twist: Twisting | None = None
        self.lock = threading.RLock()
        self.me: Row = {
            **user.model_dump(),
            "name": user.name,
            "user": user.handle,
            "home": f"/home/{user.handle}",
        }
        self._specs = dict(collections)
        self._rows: dict[str, dict[Any, Row]] = {}
        self._unfinished: dict[str, list[_Beginning]] = {}
        self._moment: datetime | None = None

    @property
    def now(self) -> str:
        """The present moment, ISO 8601 in UTC."""
        return _written(self.today)

    @property
    def today(self) -> datetime:
        """The present moment as a datetime."""
        return self._moment or self.clock.now()

    def prepare(self, collections: Collection[str], finish: Callable[[], None]) -> None:
        """Have a device finish the first rows of its collections, once one of them is asked for.

        Most worlds are never asked for most of what they hold. What is finished late is as
        if it had been there at once: the clock stands where it stood, and nothing counts as a
        change.

        Args:
            collections: What must not be seen before it is finished.
            finish: Finishes it; several are carried out in the order in which they came. It
                may not draw from the world's stream.
        """
        beginning = _Beginning(finish, self.today)
        for name in collections:
            self._unfinished.setdefault(name, []).append(beginning)

    def rows(self, collection: str) -> Iterator[Row]:
        """All rows of a collection, in the order in which they came."""
        return iter(list(self._collection(collection).values()))

    def get(self, collection: str, key: object) -> Row | None:
        """The row with a key, or None."""
        return self._collection(collection).get(key)

    def find(self, collection: str, where: Mapping[str, Any]) -> Row | None:
        """The first row whose fields have these values, or None."""
        spec = self._specs[collection]
        if set(where) == {spec.key} and isinstance(where[spec.key], str | int):
            return self.get(collection, where[spec.key])
        return next(self.select(collection, where), None)

    def select(self, collection: str, where: Mapping[str, Any]) -> Iterator[Row]:
        """All rows whose fields have these values (or, being lists, contain them)."""
        return (row for row in self.rows(collection) if _fits(row, where))

    def place(self, collection: str, row: Mapping[str, Any]) -> Row:
        """Put a row into the world without counting it as a change."""
        spec = self._specs[collection] if collection in self._specs else CollectionSpec()
        rows = self._collection(collection)
        placed = dict(row)
        if placed.get(spec.key) is None:
            placed[spec.key] = _new_key(rows, spec, self.draw)
        rows[placed[spec.key]] = placed
        return placed

    def free_key(self, collection: str, draw: Callable[[], str]) -> str:
        """Draw a key until it is one that no row has yet."""
        key = draw()
        while self.get(collection, key) is not None:
            key = draw()
        return key

    def insert(self, collection: str, row: Mapping[str, Any]) -> Row:
        """Add a row; a missing key is drawn.

        Raises:
            ToolFault: ``already_exists``, if the key is taken.
        """
        spec = self._specs[collection]
        key = row.get(spec.key)
        if key is not None and key in self._collection(collection):
            raise ToolFault("already_exists", f"{spec.key} {key!r} already exists.", spec.key)
        placed = self.place(collection, row)
        self._note("insert", collection, placed[spec.key], placed)
        return placed

    def update(self, collection: str, row: Row, values: Mapping[str, Any]) -> Row:
        """Change fields of a row.

        Raises:
            ToolFault: ``conflict``, if the collection's state machine has no such edge.
        """
        states = self._specs[collection].states
        if states is not None and states.field in values:
            before, after = row.get(states.field), values[states.field]
            if before != after and after not in states.edges.get(str(before), ()):
                key = row[self._specs[collection].key]
                raise ToolFault("conflict", f"{key} is {before} and cannot become {after}.")
        row.update(values)
        self._note("update", collection, row[self._specs[collection].key], dict(values))
        return row

    def delete(self, collection: str, row: Row) -> None:
        """Remove a row."""
        key = row[self._specs[collection].key]
        self._collection(collection).pop(key, None)
        self._note("delete", collection, key, None)

    def amend(self, text: str, amended: str) -> None:
        """Change a text wherever it stands, without counting it as a change."""
        for name in self._specs:
            for row in self._collection(name).values():
                for field, value in list(row.items()):
                    if isinstance(value, str) and text in value:
                        row[field] = value.replace(text, amended)
                        if field == "content" and "size" in row:
                            row["size"] = len(row[field].encode("utf-8", "surrogatepass"))

    def snapshot(self) -> dict[str, list[Row]]:
        """A copy of all rows, for comparisons."""
        return {
            name: [dict(row) for row in self._collection(name).values()] for name in self._specs
        }

    def _collection(self, name: str) -> dict[Any, Row]:
        if name in self._unfinished:
            self._finish(self._unfinished.pop(name))
        rows = self._rows.get(name)
        return self._begin(name) if rows is None else rows

    def _begin(self, name: str) -> dict[Any, Row]:
        """Make a collection's first rows, when it is first asked for.

        They are drawn from a stream of their own, so that they are the same
        whatever has been drawn before.
        """
        spec = self._specs[name]
        rows = self._rows[name] = {}
        if spec.start:
            draw = Draw(derive_seed(self.seed, "start", name))
            names = {"me": self.me, "now": _written(self.began), "draw": draw}
            for template in spec.start:
                row = template(names)
                if isinstance(row, dict):
                    if row.get(spec.key) is None:
                        row[spec.key] = _new_key(rows, spec, draw)
                    rows[row[spec.key]] = row
        return rows

    def _finish(self, beginnings: list["_Beginning"]) -> None:
        present, mark = self._moment, len(self.changes)
        try:
            for beginning in beginnings:
                if not beginning.done:
                    beginning.done, self._moment = True, beginning.moment
                    beginning.finish()
        finally:
            self._moment = present
            del self.changes[mark:]

    def _note(self, verb: str, collection: str, key: object, row: Row | None) -> None:
        change: dict[str, JsonValue] = {
            "operation": verb,
            "collection": collection,
            "key": str(key),
        }
        if row is not None:
            change["row"] = dict(row)
        self.changes.append(change)


@dataclass
class _Beginning:
    """What a device has yet to do for the first rows of its collections."""

    finish: Callable[[], None]
    moment: datetime
    done: bool = False


def _new_key(rows: Mapping[Any, Row], spec: CollectionSpec, draw: Draw) -> str:
    pattern = spec.id or "########"
    key = draw.pattern(pattern)
    while key in rows:
        key = draw.pattern(pattern)
    return key


def _written(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _fits(row: Row, where: Mapping[str, Any]) -> bool:
    for field, wanted in where.items():
        value = row.get(field)
        if isinstance(value, list) and not isinstance(wanted, list):
            if wanted not in value:
                return False
        elif value != wanted:
            return False
    return True


def matches(row: Row, words: str, fields: tuple[str, ...]) -> bool:
    """Whether every word occurs, in any case, in one of the fields."""
    text = " ".join(str(row.get(field, "")) for field in fields or tuple(row)).casefold()
    return all(word in text for word in words.casefold().translate(_WORDS).split())
