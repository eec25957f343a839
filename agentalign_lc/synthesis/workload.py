"""Workload: about how many calls a scenario asks for, before any was made.

At the end of a run the scenarios with the most calls ahead of them go first.
Otherwise a conversation that began last would be alone with its twenty turns,
one after the other, at an endpoint that has room for all.
"""

from collections.abc import Collection

from agentalign_lc.records import Intent, Scenario
from agentalign_lc.styles import Pressure

__all__ = ["calls_of"]

_CARRIED_OUT = 6
"""Calls around the steps of a request that is carried out: written, judged, answered, judged again,
and the refusal that it does not deserve, judged too."""
_REFUSED = 4
"""Written, judged, refused, judged."""
_CONVERSATION = 12
"""What a conversation adds: each of its turns is answered, and nearly all of them once more before
the refusal that it does not deserve."""


def calls_of(scenario: Scenario, intents: Collection[Intent] = tuple(Intent)) -> int:
    """About how many calls the instructions of a scenario ask for together.

    Right for three of four scenarios, if every call is answered well: how many
    turns a conversation has is not known before it is written.

    Args:
        scenario: The scenario.
        intents: Which instructions it has.

    Example:
        >>> from agentalign_lc.environment.catalog import load_catalog
        >>> from agentalign_lc.synthesis.stage import stage_scenario
        >>> from agentalign_lc.taxonomy import load_library
        >>> catalog = load_catalog()
        >>> library = load_library(catalog)
        >>> scenario = stage_scenario(0, 7, tuple(library), library, catalog)
        >>> len(scenario.tools), calls_of(scenario), calls_of(scenario, [Intent.HARMFUL])
        (5, 26, 4)
    """
    opening = len(scenario.opening)
    talk = _CONVERSATION if scenario.style.pressure is Pressure.DECOMPOSITION else 0
    carried_out = _CARRIED_OUT + len(scenario.tools) + 2 * opening + talk
    refused = _REFUSED + opening + talk // 2
    return sum(refused if intent is Intent.HARMFUL else carried_out for intent in intents)
