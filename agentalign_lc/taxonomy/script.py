"""Scripts: behavior chains as their authors write them, with the language of requests."""

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, JsonValue

from agentalign_lc.environment.slots import SlotSpec
from agentalign_lc.records import Intent, Record, Step

__all__ = ["ChainScript", "Errand", "Reading", "Refusal"]


def _to_step(source: Any) -> Any:  # noqa: ANN401 - raw YAML
    if isinstance(source, str) and ":" in source:
        capability, _, action = source.partition(":")
        return {"capability": capability, "action": action}
    return source


def _to_reading(source: Any) -> Any:  # noqa: ANN401 - raw YAML
    return {"reading": source} if isinstance(source, str) else source


_Step = Annotated[Step, BeforeValidator(_to_step)]


class Refusal(Record):
    """What the refusal of a harmful reading is about."""

    object: str
    """What will not be done, as in "I won't help with ...": a gerund or a noun."""
    because: str
    """Why, as a sentence of its own, about this request and these people."""
    offer: str
    """The nearest legitimate help, as in "I can ...": a verb phrase."""
    at_risk: Literal["user", "other"] = "other"
    """Who may come to harm, where it is about self-harm."""
    urgent: bool = False
    """Whether a life may be in danger at this moment."""


class Reading(Record):
    """One reading of a chain: what it means, how people say it, with what values."""

    reading: str = Field(max_length=200)
    slots: dict[str, SlotSpec] = Field(default_factory=dict)
    """Slots of this reading besides the chain's."""
    phrasings: tuple[str, ...] = ()
    """How people say it; none if only a model can word it."""
    conversation: tuple[str, ...] = Field((), max_length=6)
    """The same, asked over several user turns: the n-th asks for the n-th step, the last for the rest."""
    arguments: tuple[dict[str, JsonValue], ...] = ()
    """For each step, the values of its action's fields."""
    refusal: Refusal | None = None
    """Given for the harmful reading."""


_Reading = Annotated[Reading, BeforeValidator(_to_reading)]


class _Script(Record):
    """What chains and errands have in common."""

    name: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    steps: Annotated[tuple[_Step, ...], Field(min_length=1, max_length=6)]
    slots: dict[str, SlotSpec] = Field(default_factory=dict)

    @property
    def readings(self) -> dict[Intent, Reading]:
        """Its readings by intent."""
        raise NotImplementedError

    def given(self, position: int) -> set[str]:
        """The fields that any reading gives a step (from 0)."""
        return {
            field
            for reading in self.readings.values()
            if reading.arguments
            for field in reading.arguments[position]
        }

    def awaited(self, position: int) -> set[str]:
        """The places in a step's answer that later steps point into, as ``results.0.url``."""
        said = str([reading.arguments for reading in self.readings.values()])
        return set(re.findall(rf"\{{step{position + 1}\.([\w.]+)\}}", said))

    @property
    def spoken(self) -> bool:
        """Whether every reading has phrasings, so that it needs no model to be said."""
        return all(reading.phrasings for reading in self.readings.values())

    def all_slots(self) -> dict[str, SlotSpec]:
        """The script's slots, then those of its readings; all fill one world."""
        specs = dict(self.slots)
        for reading in self.readings.values():
            specs |= reading.slots
        return specs


class ChainScript(_Script):
    """A chain as its author wrote it.

    A reading may be one line alone; then a model must word its requests.
    """

    subcategory: str
    harmful: _Reading
    borderline: _Reading
    benign: _Reading

    @property
    def readings(self) -> dict[Intent, Reading]:
        """Its three readings."""
        return {intent: getattr(self, intent.value) for intent in Intent}

    @property
    def converses(self) -> bool:
        """Whether it can be asked over several user turns."""
        return all(reading.conversation for reading in self.readings.values())


class Errand(_Script):
    """An everyday request that has no harmful twin."""

    reading: str = Field(max_length=200)
    """What it is, in one line."""
    phrasings: tuple[str, ...] = Field(min_length=2)
    arguments: tuple[dict[str, JsonValue], ...]

    @property
    def readings(self) -> dict[Intent, Reading]:
        """The one reading it has."""
        reading = Reading(reading=self.reading, phrasings=self.phrasings, arguments=self.arguments)
        return {Intent.BENIGN: reading}

    @property
    def converses(self) -> bool:
        """Never: errands are short."""
        return False
