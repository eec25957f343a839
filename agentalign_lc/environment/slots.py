"""Slots: the places in a phrasing that a scenario fills with people, files, dates, texts.

``{boss.first}`` names a field of the slot ``boss``; ``{boss}`` its default
field. A slot can also put rows into the world, so that the file that a request
speaks of is there. ``{me...}`` is the user; ``{step2.results.0.url}`` points
into the result of a call and stays as it is until the call was made.
"""

import posixpath
import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from random import Random
from string import Formatter
from typing import Any, Literal, Self

from pydantic import Field, JsonValue, model_validator

from agentalign_lc.environment.people import draw_city, draw_company, draw_person
from agentalign_lc.errors import SlotError
from agentalign_lc.records import Person, Record
from agentalign_lc.seeds import VirtualClock

__all__ = ["Filled", "SlotSpec", "fill_arguments", "fill_slots", "fill_text", "user_slot"]

Slots = dict[str, dict[str, str]]
_STEP = re.compile(r"^step[1-6]$")
_Kind = Literal["person", "company", "city", "date", "number", "phone", "file", "choice", "row"]
_SIMPLE = ("person", "company", "city", "date", "phone")


class SlotSpec(Record):
    """What may fill a slot.

    In YAML: a word (``person``, ``company``, ``city``, ``date``, ``phone``), a
    list of texts or of mappings to choose from, or a mapping with one key:

    - ``person: stranger``: somebody who is not in the user's address book
    - ``date: [2, 30]``: so many days from today, from and to (negative: past)
    - ``number: [200, 900, 50]``: from, to, step
    - ``file: [{path: ~/notes.txt, content: ...}, ...]``: one of them, in the world
    - ``row: {into: pages, options: [{...}, ...]}``: one of them, in that collection
    """

    kind: _Kind
    stranger: bool = False
    span: tuple[int, ...] = ()
    options: tuple[dict[str, str], ...] = ()
    into: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _shorthand(cls, source: Any) -> Any:  # noqa: ANN401 - raw YAML
        if isinstance(source, str):
            if source not in _SIMPLE:
                raise ValueError(f"a slot is one of {', '.join(_SIMPLE)}, a list, or a mapping")
            return {"kind": source}
        if isinstance(source, list):
            return {"kind": "choice", "options": [_option(item) for item in source]}
        if isinstance(source, dict) and "kind" not in source and len(source) == 1:
            kind, value = next(iter(source.items()))
            return _expanded(kind, value)
        return source

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind in ("choice", "file", "row") and not self.options:
            raise ValueError("there is nothing to choose from")
        if self.kind == "file" and any("path" not in option for option in self.options):
            raise ValueError("each file needs a path")
        if self.kind == "number" and len(self.span) != 3:
            raise ValueError("a number is [from, to, step]")
        return self


def _option(item: object) -> dict[str, str]:
    if isinstance(item, dict):
        return {str(key): str(value) for key, value in item.items()}
    return {"value": str(item)}


def _expanded(kind: str, value: Any) -> dict[str, Any]:  # noqa: ANN401 - raw YAML
    if kind == "person":
        return {"kind": "person", "stranger": value == "stranger"}
    if kind in ("date", "number"):
        return {"kind": kind, "span": value}
    if kind == "file":
        return {"kind": "file", "options": [_option(item) for item in value], "into": "files"}
    if kind == "row" and isinstance(value, dict):
        options = [_option(item) for item in value.get("options", ())]
        return {"kind": "row", "into": value.get("into"), "options": options}
    raise ValueError(f"{kind!r} is no kind of slot; see SlotSpec for the kinds")


class Filled(Record):
    """What filling a chain's slots gave."""

    values: Slots
    contacts: tuple[Person, ...] = ()
    fixtures: dict[str, tuple[dict[str, JsonValue], ...]] = Field(default_factory=dict)


def user_slot(user: Person) -> dict[str, str]:
    """The fields of ``{me}``."""
    return _person_fields(user) | {"user": user.handle, "home": f"/home/{user.handle}"}


def fill_slots(
    specs: Mapping[str, SlotSpec], user: Person, random: Random, world_seed: str
) -> Filled:
    """Fill slots in their order; later ones may name earlier ones.

    Args:
        specs: Slot name to what may fill it.
        user: Whom the agent works for, ``{me}`` in texts.
        random: Stream for the choices.
        world_seed: Seed of the scenario's world: dates are counted from its clock.
    """
    values: Slots = {"me": user_slot(user)}
    contacts: list[Person] = []
    fixtures: dict[str, list[dict[str, JsonValue]]] = {}
    today = VirtualClock(world_seed).now()
    for name, spec in specs.items():
        if spec.kind == "person":
            person = draw_person(random)
            values[name] = _person_fields(person)
            if not spec.stranger:
                contacts.append(person)
        elif spec.kind == "company":
            company = draw_company(random)
            values[name] = {"value": company["name"], **company}
        elif spec.kind == "city":
            values[name] = {"value": draw_city(random)}
        elif spec.kind == "phone":
            values[name] = {"value": draw_person(random).phone}
        elif spec.kind == "date":
            low, high = spec.span or (2, 40)
            day = today + timedelta(days=random.randint(low, high))
            values[name] = {
                "value": f"{day.day} {day:%B}", "iso": f"{day:%Y-%m-%d}", "weekday": f"{day:%A}", "month": f"{day:%B}",
            }  # fmt: skip
        elif spec.kind == "number":
            low, high, step = spec.span
            values[name] = {"value": str(random.randrange(low, high + 1, step))}
        else:
            option = random.choice(spec.options)
            filled = {key: fill_text(text, values) for key, text in option.items()}
            if spec.into is not None:
                fixtures.setdefault(spec.into, []).append(dict(filled))
            values[name] = _with_default(filled)
    return Filled(
        values=values,
        contacts=tuple(contacts),
        fixtures={collection: tuple(rows) for collection, rows in fixtures.items()},
    )


def _person_fields(person: Person) -> dict[str, str]:
    return {
        "value": person.name,
        "name": person.name,
        **{k: str(v) for k, v in person.model_dump().items()},
    }


def _with_default(fields: dict[str, str]) -> dict[str, str]:
    if "path" in fields:
        path = fields["path"]
        fields |= {
            "value": path,
            "name": posixpath.basename(path),
            "folder": posixpath.dirname(path),
        }
    return fields if "value" in fields else {"value": next(iter(fields.values())), **fields}


def fill_text(text: str, values: Mapping[str, Mapping[str, str]]) -> str:
    """Fill the slots of a text.

    Only look-ups in the given values happen: no attribute of any object is reached.

    Raises:
        SlotError: a slot or a field is not there, or a brace is open.

    Example:
        >>> fill_text("Ask {boss.first}.", {"boss": {"value": "Ana Ruiz", "first": "Ana"}})
        'Ask Ana.'
    """
    return "".join(_pieces(text, values))


def fill_arguments(
    given: Mapping[str, JsonValue], values: Mapping[str, Mapping[str, str]]
) -> dict[str, JsonValue]:
    """Fill the slots in the arguments of a step, lists included.

    Raises:
        SlotError: a slot or a field is not there, or a brace is open.

    Example:
        >>> fill_arguments({"to": ["{boss}"], "copies": 2}, {"boss": {"value": "Ana"}})
        {'to': ['Ana'], 'copies': 2}
    """
    return {field: _fill(value, values) for field, value in given.items()}


def _fill(value: JsonValue, values: Mapping[str, Mapping[str, str]]) -> JsonValue:
    if isinstance(value, str):
        return fill_text(value, values)
    if isinstance(value, list):
        return [_fill(item, values) for item in value]
    return value


def _pieces(text: str, values: Mapping[str, Mapping[str, str]]) -> Iterable[str]:
    try:
        parts = list(Formatter().parse(text))
    except ValueError as error:
        raise SlotError(f"{text!r}: {error}; write {{{{ and }}}} for braces") from error
    for literal, slot, _, _ in parts:
        yield literal
        if slot is None:
            continue
        name, _, field = slot.partition(".")
        if _STEP.match(name):
            yield "{" + slot + "}"
            continue
        fields = values.get(name)
        if fields is None or (field or "value") not in fields:
            known = ", ".join(sorted(values)) if fields is None else ", ".join(sorted(fields))
            raise SlotError(f"{{{slot}}} is not there; known: {known}")
        yield fields[field or "value"]
