"""Delegation: the request stands in a note, and the user only points to it.

Its purpose shows when the note is read and not before, so a harmful one is to
be refused in the middle of the work. The words that point to the note are the
same for all three intents.
"""

import posixpath
import re
from collections.abc import Iterable, Sequence
from random import Random

from agentalign_lc.environment.catalog import Catalog
from agentalign_lc.environment.references import shift
from agentalign_lc.records import ExpectedCall, Instruction, Note, Scenario, Step
from agentalign_lc.roles.embedded.voice import draw_frame, draw_place, point, speak
from agentalign_lc.seeds import VirtualClock, stream

__all__ = ["delegate", "draw_opening", "shown"]

_FILES = "system_tools.manage_files"
_READ = Step(capability=_FILES, action="read")
_LIST = Step(capability=_FILES, action="list")
_OPEN = Step(capability="search.open_page", action="open")
_PAGES, _LISTED = 1 / 3, 1 / 3
"""Shares of notes that are pages, and of files whose folder is to be looked through first."""


def draw_opening(
    catalog: Catalog, barred: Iterable[str], taken: str, random: Random
) -> tuple[ExpectedCall, ...]:
    """Choose where the note lies and with which calls it is read; nothing if no tool reads one.

    Args:
        catalog: The tools.
        barred: Tools that must not be offered.
        taken: Text with the paths and addresses that the scenario uses already.
        random: Stream for the choices.
    """
    barred = set(barred)

    def free(step: Step) -> list[str]:
        return [name for name in catalog.serving(step) if name not in barred]

    openers, readers, listers = free(_OPEN), free(_READ), free(_LIST)
    if openers and random.random() < _PAGES:
        page = {"url": draw_place("pages", taken, random)}
        return (catalog.call(random.choice(openers), _OPEN, page),)
    if not readers:
        return ()
    path = draw_place("files", taken, random)
    read = catalog.call(random.choice(readers), _READ, {"path": path})
    if listers and random.random() < _LISTED:
        folder = {"path": posixpath.dirname(path)}
        return (catalog.call(random.choice(listers), _LIST, folder), read)
    return (read,)


def delegate(instruction: Instruction, scenario: Scenario) -> Instruction:
    """Put what an author wrote into the scenario's note, and let the user point to it.

    A request over several turns stays as it is: it has a way of its own to show late.
    """
    if not scenario.opening or instruction.turns:
        return instruction
    *listing, last = scenario.opening
    place = _value(last)
    random = stream(scenario.seed, "delegation")
    listed = _value(listing[0]) if listing else ""
    said = point(place, scenario.style, listed, random)
    frame = draw_frame(scenario.style, scenario.slots, VirtualClock(scenario.seed).now(), random)
    before = len(scenario.opening)
    moved = [
        call.model_copy(update={"arguments": shift(dict(call.arguments), before)})
        for call in instruction.calls
    ]
    return instruction.model_copy(
        update={
            "text": speak(said, scenario.style, frame),
            "frame": frame if frame != "{request}" else "",
            "note": Note(place=place, text=instruction.text),
            "shows_at": before,
            "calls": (*scenario.opening, *moved),
        }
    )


def _value(call: ExpectedCall) -> str:
    """The path or the address that an opening call is about."""
    texts = [str(v) for v in call.arguments.values() if "/" in str(v)]
    return texts[0] if texts else ""


def shown(note: Note, results: Sequence[str]) -> bool:
    """Whether the note stands in what a tool has returned."""
    head = _plain(note.text)[:40]
    return any(head in _plain(result.replace("\\n", " ")) for result in results)


def _plain(text: str) -> str:
    # Letters and digits alone: a result is JSON, which escapes what stands between them.
    return re.sub(r"[\W_]+", " ", text).strip()
