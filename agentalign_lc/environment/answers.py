"""Answers of tools that declare no effect: a seeded value of their output schema.

The same call in the same world gives the same answer. Names that the call or
what it did to the world has agree with the answer's: ``get_user(user_id=7)``
is answered with ``id: 7``, not with a stranger.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from random import Random
from typing import Any

from pydantic import JsonValue

from agentalign_lc.environment.people import draw_city, draw_company, draw_person
from agentalign_lc.environment.spec import ToolSpec
from agentalign_lc.records import Person
from agentalign_lc.seeds import VirtualClock, canonical_json, stream

__all__ = ["answer_call", "schema_value"]

_DEPTH = 6
_JSON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
_TITLES = (
    "Quarterly review", "Harbour walk", "Notes on the draft", "Spring fair", "Delivery plan",
    "Meeting room", "Second reading", "Budget figures", "Open questions", "Garden shed",
)  # fmt: skip


def answer_call(
    spec: ToolSpec,
    seed: str,
    arguments: Mapping[str, Any],
    results: Sequence[JsonValue] = (),
) -> JsonValue:
    """Answer a call for a tool that does not say what it returns.

    Args:
        spec: The tool; without an ``output`` schema the arguments are echoed.
        seed: Seed of the world.
        arguments: What the call was given.
        results: What its operations gave; their names agree with the answer's too.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    if spec.output is None:
        return {"status": "ok", **given}
    known: dict[str, JsonValue] = {}
    for result in results:
        known |= result if isinstance(result, dict) else {}
    return schema_value(spec.output, f"{seed} {spec.name} {canonical_json(given)}", known | given)


def schema_value(
    schema: Mapping[str, Any], seed: str, known: Mapping[str, JsonValue] | None = None
) -> JsonValue:
    """Draw a value of a JSON Schema.

    Args:
        schema: JSON Schema whose references are resolved.
        seed: Same seed, same value.
        known: Values to repeat where the names of the schema agree with theirs.

    Example:
        >>> user = {"type": "object", "properties": {
        ...     "id": {"type": "integer"}, "email": {"type": "string", "format": "email"}}}
        >>> answer = schema_value(user, "a world", {"user_id": 7})
        >>> answer["id"], answer["email"] == schema_value(user, "a world")["email"]
        (7, True)
    """
    return _Answer(seed, known or {}).value(schema, "", known or {}, 0)


class _Answer:
    def __init__(self, seed: str, known: Mapping[str, JsonValue]) -> None:
        self.random: Random = stream(seed, "answer")
        self.person: Person = draw_person(self.random)
        self.now = VirtualClock(seed).now()
        keys = [name for name in known if _key(name).endswith("id") and _key(name) != "id"]
        self.id = known[keys[0]] if len(keys) == 1 else None

    def value(
        self, schema: object, name: str, known: Mapping[str, JsonValue], depth: int
    ) -> JsonValue:
        """Draw a value; ``known`` holds what names at this place should agree with."""
        if not isinstance(schema, Mapping):
            return self._text(name, {})
        schema = _one(schema)
        fitting = self._known(schema, name, known)
        if fitting is not None and not isinstance(fitting, dict | list):
            return fitting
        listed = [schema[key] for key in ("const", "example") if key in schema] or next(
            (schema[k] for k in ("enum", "examples") if isinstance(schema.get(k), list)), []
        )
        if listed:
            choice: JsonValue = self.random.choice(listed)
            return choice
        match _kind(schema):
            case "object":
                inner = fitting if isinstance(fitting, dict) else known
                made: JsonValue = self._object(schema, inner, depth)
            case "array":
                made = self._array(schema, name, fitting, depth)
            case "integer" | "number" as kind:
                made = self._number(schema, whole=kind == "integer")
            case "boolean":
                made = True
            case "null":
                made = None
            case _:
                made = self._text(name, schema)
        return made

    def _known(
        self, schema: Mapping[str, Any], name: str, known: Mapping[str, JsonValue]
    ) -> JsonValue:
        wanted = _key(name)
        found = next((v for k, v in known.items() if wanted and _key(k) == wanted), None)
        if found is None and wanted == "id":
            found = self.id
        types = _JSON_TYPES.get(_kind(schema), (object,))
        if isinstance(found, bool) and bool not in types and object not in types:
            return None
        return found if isinstance(found, types) else None

    def _object(
        self, schema: Mapping[str, Any], known: Mapping[str, JsonValue], depth: int
    ) -> JsonValue:
        parts = schema.get("properties")
        if not isinstance(parts, Mapping) or depth >= _DEPTH:
            return {}
        return {
            str(key): self.value(part, str(key), known, depth + 1) for key, part in parts.items()
        }

    def _array(
        self, schema: Mapping[str, Any], name: str, fitting: JsonValue, depth: int
    ) -> JsonValue:
        items = schema.get("items", {})
        if isinstance(fitting, list):
            rows = [row if isinstance(row, dict) else {name: row} for row in fitting]
            return [self.value(items, name, row, depth + 1) for row in rows]
        low, high = (_size(schema, "minItems", 0), _size(schema, "maxItems", 2))
        count = min(max(low, min(2, high)), 20) if depth < _DEPTH else 0
        # Each item is somebody else; after them the answer is about the same person again.
        person, own = self.person, self.id
        made = []
        for _ in range(count):
            self.person, self.id = draw_person(self.random), None
            made.append(self.value(items, name.removesuffix("s"), {}, depth + 1))
        self.person, self.id = person, own
        return made

    def _number(self, schema: Mapping[str, Any], *, whole: bool) -> JsonValue:
        low, high = _bound(schema, "inimum", 1), _bound(schema, "aximum", -1)
        if low is None:
            low = 1 if high is None or high > 1 else high - 100
        if high is None:
            high = low + 99
        if whole:
            return self.random.randint(int(low), max(int(low), int(high)))
        return min(max(round(self.random.uniform(low, max(low, high)), 2), low), max(low, high))

    def _text(self, name: str, schema: Mapping[str, Any]) -> str:
        text = self._named(_key(name), str(schema.get("format", "")))
        low, high = _size(schema, "minLength", 0), _size(schema, "maxLength", 100_000)
        if len(text) < low <= 10_000:
            text = (text + " " + "x" * low)[:low]
        return text[:high]

    def _named(self, key: str, form: str) -> str:  # noqa: PLR0911 - a table of names
        random, person = self.random, self.person
        moment = self.now - timedelta(seconds=random.randrange(60, 2_000_000))
        tail = "".join(random.choice("0123456789abcdef") for _ in range(12))
        if form == "uuid":
            return f"{tail[:8]}-{tail[8:]}-4{tail[1:4]}-8{tail[4:7]}-{tail}"
        if form == "date-time" or (key.endswith(("at", "time", "timestamp")) and len(key) > 3):
            return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
        if form == "date" or key.endswith("date"):
            return f"{moment:%Y-%m-%d}"
        if form in ("uri", "url") or key.endswith(("url", "uri", "link", "href")):
            return f"https://{draw_company(random)['domain']}/{tail}"
        if form in ("ipv4", "hostname"):
            return f"192.0.2.{random.randint(1, 254)}" if form == "ipv4" else f"h{tail}.example"
        if form == "email" or key.endswith(("email", "mail")):
            return person.email
        if key.endswith("id") or key in ("key", "token", "code", "number", "reference"):
            return tail
        return self._worded(key)

    def _worded(self, key: str) -> str:
        person, company = self.person, draw_company(self.random)
        known = {
            "name": person.name, "fullname": person.name, "firstname": person.first,
            "lastname": person.last, "phone": person.phone, "username": person.handle,
            "handle": person.handle, "user": person.handle, "author": person.name,
            "city": person.city, "location": draw_city(self.random), "company": company["name"],
            "organization": company["name"], "status": "ok", "state": "active", "currency": "EUR",
            "language": "en", "country": "NO", "message": "Done.",
        }  # fmt: skip
        title = self.random.choice(_TITLES)
        return known.get(key) or (title if key in ("title", "subject", "label") else f"{title}.")


def _one(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """One way of meeting a schema that has several: not null, and the first."""
    for key in ("anyOf", "oneOf"):
        options = schema.get(key)
        if isinstance(options, list) and options:
            real = [o for o in options if isinstance(o, Mapping) and o.get("type") != "null"]
            return _one({**{k: v for k, v in schema.items() if k != key}, **(real or [{}])[0]})
    parts = schema.get("allOf")
    if isinstance(parts, list) and parts:
        merged = {k: v for k, v in schema.items() if k != "allOf"}
        for part in (_one(part) for part in parts if isinstance(part, Mapping)):
            properties = {**_parts(merged), **_parts(part)}
            merged = {**part, **merged} | ({"properties": properties} if properties else {})
        return merged
    return schema


def _parts(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    parts = schema.get("properties")
    return parts if isinstance(parts, Mapping) else {}


def _kind(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((k for k in kind if k != "null"), "null")
    if isinstance(kind, str):
        return kind
    return "object" if "properties" in schema else "array" if "items" in schema else "string"


def _size(schema: Mapping[str, Any], name: str, usual: int) -> int:
    value = schema.get(name)
    return value if isinstance(value, int) and value >= 0 else usual


def _bound(schema: Mapping[str, Any], name: str, inward: int) -> float | None:
    plain, strict = schema.get(f"m{name}"), schema.get(f"exclusiveM{name}")
    if isinstance(strict, int | float) and not isinstance(strict, bool):
        return strict + inward
    return plain if isinstance(plain, int | float) else None


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
