"""The embedded author: a grammar over the phrasings of a chain's readings."""

from collections.abc import Mapping

from pydantic import JsonValue

from agentalign_lc.environment.catalog import Catalog
from agentalign_lc.environment.slots import fill_text
from agentalign_lc.records import Instruction, Provenance
from agentalign_lc.roles.base import Brief
from agentalign_lc.seeds import stream
from agentalign_lc.taxonomy import Library

__all__ = ["EmbeddedAuthor"]


class EmbeddedAuthor:
    """Says a reading in one of its phrasings, slots filled from the scenario.

    Phrasings rotate with the scenario's ordinal, so that a run uses all of
    them before it repeats one; a try that was turned down moves on to the next.
    """

    def __init__(self, library: Library, catalog: Catalog) -> None:
        self.source = Provenance(role="author", writer="embedded")
        self._library = library
        self._catalog = catalog

    async def write(self, brief: Brief) -> Instruction:
        """Write the instruction for the brief's intent.

        Raises:
            SlotError: the phrasing names a slot that the scenario does not have.
        """
        scenario = brief.scenario
        reading = self._library.scripts[scenario.chain.name].reading(brief.intent)
        order = list(reading.phrasings)
        stream(scenario.chain.name, brief.intent.value).shuffle(order)
        phrasing = order[(scenario.ordinal + len(brief.feedback)) % len(order)]
        calls = tuple(
            self._catalog.call(tool, step, _filled(given, scenario.slots), scenario.slots)
            for tool, step, given in zip(
                scenario.tools, scenario.chain.steps, reading.arguments, strict=True
            )
        )
        return Instruction(
            scenario=scenario.id,
            intent=brief.intent,
            text=fill_text(phrasing, scenario.slots).strip(),
            calls=calls,
            author=self.source,
        )


def _filled(
    given: Mapping[str, JsonValue], slots: Mapping[str, Mapping[str, str]]
) -> dict[str, JsonValue]:
    return {field: _fill(value, slots) for field, value in given.items()}


def _fill(value: JsonValue, slots: Mapping[str, Mapping[str, str]]) -> JsonValue:
    if isinstance(value, str):
        return fill_text(value, slots)
    if isinstance(value, list):
        return [_fill(item, slots) for item in value]
    return value
