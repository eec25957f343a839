"""The library: behavior chains and everyday requests, with the language in which people ask."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from pydantic import Field

from agentalign_lc.documents import load_document, mistake
from agentalign_lc.environment.catalog import Catalog
from agentalign_lc.errors import ConfigError, DocumentError
from agentalign_lc.garbage import uncollected
from agentalign_lc.records import BehaviorChain, Intent, Record
from agentalign_lc.taxonomy.harms import load_harms, load_kinds
from agentalign_lc.taxonomy.script import ChainScript, Errand, Reading

__all__ = ["EVERYDAY", "Library", "chain_files", "load_library"]

EVERYDAY = "everyday"
"""The category of requests that have no harmful twin."""
_PHRASINGS = 3


class _ChainFile(Record):
    category: str
    chains: tuple[ChainScript, ...] = Field(min_length=1)


class _EverydayFile(Record):
    suite: str
    requests: tuple[Errand, ...] = Field(min_length=1)


_Place = tuple[str | int, ...]


class Library:
    """Chains and errands by name, in the order of their files.

    Args:
        scripts: Category and script of each chain.
        errands: Suite and script of each everyday request.

    Example:
        >>> from agentalign_lc.environment.catalog import load_catalog
        >>> library = load_library(load_catalog())
        >>> len(library.chains) >= 30
        True
    """

    def __init__(
        self,
        scripts: Iterable[tuple[str, ChainScript]],
        errands: Iterable[tuple[str, Errand]] = (),
    ) -> None:
        self.scripts: dict[str, ChainScript | Errand] = {}
        self.chains: dict[str, BehaviorChain] = {}
        self.everyday: dict[str, BehaviorChain] = {}
        """Everyday requests; of the three readings they have the benign one."""
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
        for suite, errand in errands:
            self.scripts[errand.name] = errand
            self.everyday[errand.name] = BehaviorChain(
                name=errand.name,
                category=EVERYDAY,
                subcategory=suite,
                steps=errand.steps,
                harmful="",
                borderline="",
                benign=errand.reading,
            )

    def reading(self, chain: BehaviorChain, intent: Intent) -> Reading:
        """How people ask for a chain with an intent.

        Raises:
            KeyError: the chain is not in the library, or has no such reading.
        """
        return self.scripts[chain.name].readings[intent]

    def candidates(self, chain: BehaviorChain, position: int, catalog: Catalog) -> tuple[str, ...]:
        """The tools that can take a step (from 0): the user's own, where there are any."""
        script = self.scripts[chain.name]
        found = catalog.serving(
            chain.steps[position], script.given(position), script.awaited(position)
        )
        return tuple(name for name in found if name in catalog.own) or found

    def __iter__(self) -> Iterator[BehaviorChain]:
        return iter(self.chains.values())

    def joined(self, scripts: Iterable[tuple[str, ChainScript]]) -> "Library":
        """A library with further chains, each with its category."""
        own = [(c.category, s) for c in self if isinstance(s := self.scripts[c.name], ChainScript)]
        everyday = self.everyday.values()
        errands = [
            (c.subcategory, s) for c in everyday if isinstance(s := self.scripts[c.name], Errand)
        ]
        return Library([*own, *scripts], errands)

    def within(self, categories: Iterable[str]) -> tuple[BehaviorChain, ...]:
        """The chains of some categories or subcategories; of all, if none is named.

        Raises:
            ConfigError: a name is no category, or no chain is left.
        """
        wanted = list(categories)
        harms = load_harms()
        known = {*harms, *load_kinds()}
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


def load_library(catalog: Catalog, folder: Path | None = None, own: Iterable[Path] = ()) -> Library:
    """Read every chain file of a folder (by default the shipped ones), and the user's own.

    Args:
        catalog: The tools that take the steps.
        folder: Where the chain files are, in folders of any depth.
        own: Files, or folders of files, with chains of the user's.

    Raises:
        DocumentError: a file has a mistake; the message names file and line.
        ConfigError: a path holds no chain file.
    """
    here = Path(__file__).parent
    base = (folder or here / "chains").resolve()
    everyday = here / "everyday" if folder is None else None
    shipped = _load(catalog, base, everyday)
    brought = list(own)
    if not brought:
        return shipped
    seen = set(shipped.scripts)
    files = (file for path in brought for file in chain_files(path))
    return shipped.joined([pair for file in files for pair in _chains(file, catalog, seen)])


def chain_files(path: Path) -> list[Path]:
    """The chain files at a path: the file itself, or every ``*.yaml`` below a folder.

    Raises:
        ConfigError: there is none.
    """
    if not path.exists():
        raise ConfigError(f"{path}: no such file or folder; chains are in files (*.yaml)")
    files = sorted(path.rglob("*.yaml")) if path.is_dir() else [path]
    if not files:
        raise ConfigError(f"{path}: no chain file (*.yaml) in this folder")
    return files


@lru_cache(maxsize=8)
@uncollected()
def _load(catalog: Catalog, folder: Path, everyday: Path | None) -> Library:
    errands: list[tuple[str, Errand]] = []
    seen: set[str] = set()
    scripts = [pair for file in chain_files(folder) for pair in _chains(file, catalog, seen)]
    for file in chain_files(everyday) if everyday is not None else ():
        requests = load_document(file, _EverydayFile)
        for number, errand in enumerate(requests.requests):
            place = ("requests", number)
            _check_name(file, place, errand.name, seen)
            _check_steps(file, place, errand, catalog)
            errands.append((requests.suite, errand))
    return Library(scripts, errands)


def _chains(file: Path, catalog: Catalog, seen: set[str]) -> Iterator[tuple[str, ChainScript]]:
    """The chains of one file, checked, each with its category."""
    document = load_document(file, _ChainFile)
    for number, script in enumerate(document.chains):
        place = ("chains", number)
        _check_name(file, place, script.name, seen)
        _check_chain(file, place, document.category, script, catalog)
        yield document.category, script


def _check_name(file: Path, place: _Place, name: str, seen: set[str]) -> None:
    if name in seen:
        raise _wrong(file, (*place, "name"), f"{name!r} exists already; choose another name")
    seen.add(name)


def _check_chain(
    file: Path, place: _Place, category: str, script: ChainScript, catalog: Catalog
) -> None:
    harms = load_harms()
    if category not in harms:
        raise _wrong(
            file, ("category",), f"unknown category {category!r}; there are {', '.join(harms)}"
        )
    names = [subcategory.name for subcategory in harms[category].subcategories]
    if script.subcategory not in names:
        raise _wrong(
            file,
            (*place, "subcategory"),
            f"{category} has no subcategory {script.subcategory!r}; it has {', '.join(names)}",
        )
    if not any(r.phrasings or r.arguments for r in script.readings.values()):
        return _check_steps(file, place, script, catalog)  # only a model can word it
    if script.harmful.refusal is None:
        raise _wrong(
            file,
            (*place, "harmful"),
            "the harmful reading needs a `refusal`: object, because, offer",
        )
    for intent, reading in script.readings.items():
        if len(reading.phrasings) < _PHRASINGS:
            where = (*place, intent.value, "phrasings")
            raise _wrong(file, where, f"{_PHRASINGS} phrasings, at least")
        if len(reading.conversation) > len(script.steps):
            where = (*place, intent.value, "conversation")
            raise _wrong(file, where, f"{len(script.steps)} steps have as many turns, at most")
    if len({bool(reading.conversation) for reading in script.readings.values()}) > 1:
        raise _wrong(file, place, "all three readings have a conversation, or none has")
    return _check_steps(file, place, script, catalog)


def _check_steps(file: Path, place: _Place, script: ChainScript | Errand, catalog: Catalog) -> None:
    for position, step in enumerate(script.steps):
        if not catalog.serving(step):
            raise _wrong(file, (*place, "steps", position), f"no tool serves {step}")
    seen = set(script.slots)
    for intent, reading in script.readings.items():
        inside = place if isinstance(script, Errand) else (*place, intent.value)
        for slot in reading.slots:
            if slot in seen:
                raise _wrong(
                    file,
                    (*inside, "slots", slot),
                    f"slot {slot!r} exists already in this chain; all readings fill one world",
                )
            seen.add(slot)
        if reading.phrasings or reading.arguments:
            _check_arguments(file, inside, script, reading, catalog)


def _check_arguments(
    file: Path, place: _Place, script: ChainScript | Errand, reading: Reading, catalog: Catalog
) -> None:
    steps, arguments = script.steps, reading.arguments
    if len(arguments) != len(steps):
        raise _wrong(
            file,
            (*place, "arguments"),
            f"{len(steps)} steps need {len(steps)} sets of arguments, not {len(arguments)}",
        )
    for position, (step, given) in enumerate(zip(steps, arguments, strict=True)):
        capability = catalog.capabilities[step.capability]
        if not capability.needed(step.action) <= set(given) <= capability.accepted(step.action):
            takes = ", ".join(capability.actions[step.action]) or "nothing"
            has = ", ".join(given) or "nothing"
            raise _wrong(file, (*place, "arguments", position), f"{step} takes {takes}, not {has}")


def _wrong(file: Path, place: _Place, message: str) -> DocumentError:
    return DocumentError(mistake(file, place, message))
