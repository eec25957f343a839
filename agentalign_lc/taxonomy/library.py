"""The chain library: behavior chains with the language in which people ask for them."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, JsonValue

from agentalign_lc.documents import find_line, load_document
from agentalign_lc.environment.catalog import Catalog
from agentalign_lc.environment.slots import SlotSpec
from agentalign_lc.errors import ConfigError, DocumentError
from agentalign_lc.records import BehaviorChain, Intent, Record, Step
from agentalign_lc.taxonomy.harms import load_harms

__all__ = ["ChainScript", "Library", "Reading", "Refusal", "load_library"]


def _to_step(source: Any) -> Any:  # noqa: ANN401 - raw YAML
    if isinstance(source, str) and ":" in source:
        capability, _, action = source.partition(":")
        return {"capability": capability, "action": action}
    return source


_Step = Annotated[Step, BeforeValidator(_to_step)]


class Refusal(Record):
    """What the refusal of a harmful reading is about."""

    object: str
    """What will not be done, as in "I won't help with ...": a gerund or a noun."""
    because: str
    """Why, as a sentence of its own, about this request and these people."""
    offer: str
    """The nearest legitimate help, as in "I can ...": a verb phrase."""


class Reading(Record):
    """One reading of a chain: what it means, how people say it, with what values."""

    reading: str = Field(max_length=200)
    slots: dict[str, SlotSpec] = Field(default_factory=dict)
    """Slots of this reading besides the chain's."""
    phrasings: tuple[str, ...] = Field(min_length=3)
    arguments: tuple[dict[str, JsonValue], ...]
    """For each step, the values of its action's fields."""
    refusal: Refusal | None = None
    """Given for the harmful reading."""


class ChainScript(Record):
    """A chain as its author wrote it."""

    name: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    subcategory: str
    steps: Annotated[tuple[_Step, ...], Field(min_length=1, max_length=6)]
    slots: dict[str, SlotSpec] = Field(default_factory=dict)
    harmful: Reading
    borderline: Reading
    benign: Reading

    def reading(self, intent: Intent) -> Reading:
        """The reading for an intent."""
        reading: Reading = getattr(self, intent.value)
        return reading

    def given(self, position: int) -> set[str]:
        """The fields that any reading gives a step (from 0)."""
        return {field for intent in Intent for field in self.reading(intent).arguments[position]}

    def awaited(self, position: int) -> set[str]:
        """The places in a step's answer that later steps point into, as ``results.0.url``."""
        said = str([self.reading(intent).arguments for intent in Intent])
        return set(re.findall(rf"\{{step{position + 1}\.([\w.]+)\}}", said))

    def slots_for(self, intents: Iterable[Intent] = Intent) -> dict[str, SlotSpec]:
        """The chain's slots, then those of its readings; all fill one world."""
        specs = dict(self.slots)
        for intent in intents:
            specs |= self.reading(intent).slots
        return specs


class _ChainFile(Record):
    category: str
    chains: tuple[ChainScript, ...] = Field(min_length=1)


class Library:
    """Chains by name, in the order of their files.

    Example:
        >>> from agentalign_lc.environment.catalog import load_catalog
        >>> library = load_library(load_catalog())
        >>> len(library.chains) >= 30
        True
    """

    def __init__(self, scripts: Iterable[tuple[str, ChainScript]]) -> None:
        self.scripts: dict[str, ChainScript] = {}
        self.chains: dict[str, BehaviorChain] = {}
        for category, script in scripts:
            self.scripts[script.name] = script
            self.chains[script.name] = BehaviorChain(
                name=script.name,
                category=category,
                subcategory=script.subcategory,
                steps=script.steps,
                harmful=script.harmful.reading,
                borderline=script.borderline.reading,
                benign=script.benign.reading,
            )

    def __iter__(self) -> Iterator[BehaviorChain]:
        return iter(self.chains.values())

    def within(self, categories: Iterable[str]) -> tuple[BehaviorChain, ...]:
        """The chains of some categories or subcategories; of all, if none is named.

        Raises:
            ConfigError: a name is no category, or no chain is left.
        """
        wanted = list(categories)
        harms = load_harms()
        known = set(harms) | {s.name for category in harms.values() for s in category.subcategories}
        for name in wanted:
            if name not in known:
                raise ConfigError(
                    f"unknown category {name!r}; the categories are {', '.join(harms)}"
                )
        chains = tuple(
            c for c in self if not wanted or c.category in wanted or c.subcategory in wanted
        )
        if not chains:
            having = sorted({chain.category for chain in self})
            raise ConfigError(
                f"no chain yet in {', '.join(wanted)}; there are chains in {', '.join(having)}"
            )
        return chains


def load_library(catalog: Catalog, folder: Path | None = None) -> Library:
    """Read every chain file of a folder (by default the shipped ones).

    Raises:
        DocumentError: a file has a mistake; the message names file and line.
    """
    return _load(catalog, (folder or Path(__file__).with_name("chains")).resolve())


@lru_cache(maxsize=8)
def _load(catalog: Catalog, folder: Path) -> Library:
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise ConfigError(f"{folder}: no chain file (*.yaml) in this folder")
    scripts: list[tuple[str, ChainScript]] = []
    seen: set[str] = set()
    for file in files:
        document = load_document(file, _ChainFile)
        for number, script in enumerate(document.chains):
            if script.name in seen:
                raise _mistake(
                    file, ("chains", number, "name"), f"chain {script.name!r} exists already"
                )
            seen.add(script.name)
            _check(file, number, document.category, script, catalog)
            scripts.append((document.category, script))
    return Library(scripts)


def _check(file: Path, number: int, category: str, script: ChainScript, catalog: Catalog) -> None:
    place: tuple[str | int, ...] = ("chains", number)
    harms = load_harms()
    if category not in harms:
        raise _mistake(
            file, ("category",), f"unknown category {category!r}; there are {', '.join(harms)}"
        )
    names = [subcategory.name for subcategory in harms[category].subcategories]
    if script.subcategory not in names:
        raise _mistake(
            file,
            (*place, "subcategory"),
            f"{category} has no subcategory {script.subcategory!r}; it has {', '.join(names)}",
        )
    for position, step in enumerate(script.steps):
        if not catalog.serving(step):
            raise _mistake(file, (*place, "steps", position), f"no tool serves {step}")
    seen = set(script.slots)
    for intent in Intent:
        for slot in script.reading(intent).slots:
            if slot in seen:
                raise _mistake(
                    file,
                    (*place, intent.value, "slots", slot),
                    f"slot {slot!r} exists already in this chain; all readings fill one world",
                )
            seen.add(slot)
    if script.harmful.refusal is None:
        raise _mistake(
            file,
            (*place, "harmful"),
            "the harmful reading needs a `refusal`: object, because, offer",
        )
    for intent in Intent:
        _check_arguments(file, (*place, intent.value), script, intent, catalog)


def _check_arguments(
    file: Path, place: tuple[str | int, ...], script: ChainScript, intent: Intent, catalog: Catalog
) -> None:
    arguments = script.reading(intent).arguments
    if len(arguments) != len(script.steps):
        raise _mistake(
            file,
            (*place, "arguments"),
            f"{len(script.steps)} steps need {len(script.steps)} sets of arguments, not {len(arguments)}",
        )
    for position, (step, given) in enumerate(zip(script.steps, arguments, strict=True)):
        capability = catalog.capabilities[step.capability]
        fields = capability.actions[step.action]
        if not capability.needed(step.action) <= set(given) <= capability.accepted(step.action):
            takes, has = ", ".join(fields) or "nothing", ", ".join(given) or "nothing"
            raise _mistake(
                file, (*place, "arguments", position), f"{step} takes {takes}, not {has}"
            )


def _mistake(file: Path, place: tuple[str | int, ...], message: str) -> DocumentError:
    return DocumentError(f"{file}:{find_line(file, place)}: {'.'.join(map(str, place))}: {message}")
