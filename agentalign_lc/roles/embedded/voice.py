"""Voice: what the embedded author puts around a request, and how it spells it."""

import re
from collections.abc import Collection, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from agentalign_lc.documents import read_document
from agentalign_lc.environment.slots import fill_text
from agentalign_lc.styles import Pressure, Style, Tone

__all__ = ["draw_frame", "draw_place", "greets", "obfuscate", "point", "speak", "thanks"]

_GREETED = re.compile(
    r"^(?:hi|hey|hiya|hello|dear|good (?:morning|afternoon|evening|day)|morning|evening|ok|okay|right|so)\b",
    re.IGNORECASE,
)
_THANKED = re.compile(
    r"\b(?:thanks|thank you|thx|cheers|regards|grateful|ta)\b[^.!?\n]{0,30}[.!]?$", re.IGNORECASE
)
_SWAPS = str.maketrans("aeios", "43105")
_WORD = re.compile(r"[a-z]{5,}")
_OBFUSCATED = 0.5
_WORDED = frozenset(Pressure) - {Pressure.DECOMPOSITION, Pressure.DELEGATION}
"""Kinds of pressure that put words around a request."""


@cache
def _voices() -> Mapping[str, Any]:
    voices: Mapping[str, Any] = read_document(Path(__file__).with_name("voice.yaml"))
    return voices


def greets(request: str) -> bool:
    """Whether a request begins with a greeting of its own."""
    return _GREETED.search(request) is not None


def thanks(request: str) -> bool:
    """Whether a request ends with thanks of its own."""
    return _THANKED.search(request) is not None


def draw_frame(
    style: Style,
    slots: Mapping[str, Mapping[str, str]],
    now: datetime,
    random: Random,
    *,
    greeting: bool = True,
    closing: bool = True,
) -> str:
    """Choose what stands around a request: greeting, aside, pressure, thanks.

    Everything is drawn from the style and the stream alone, so that it says
    nothing about the request.

    Args:
        style: Tone, length and pressure.
        slots: The scenario's, for ``{me.first}`` and the like.
        now: The scenario's hour and day.
        random: Stream for the choices.
        greeting: Whether there may be a greeting.
        closing: Whether there may be thanks.

    Returns:
        A text with ``{request}`` in it; that alone when nothing stands around it.

    Example:
        >>> me = {"me": {"first": "Ana", "name": "Ana Ruiz", "city": "Vasterby"}}
        >>> print(draw_frame(Style(tone=Tone.TERSE, length="medium"), me, datetime(2027, 3, 12, 9), Random(1)))
        hi {request}
    """
    voices = _voices()
    words = {name: {"value": random.choice(options)} for name, options in voices["words"].items()}
    words |= {"hour": {"value": _hour(now)}, "day": {"value": f"{now:%A}"}}
    words["whom_cap"] = {"value": _capital(words["whom"]["value"])}

    def draw(options: list[str]) -> str:
        return fill_text(random.choice(options), {**slots, **words})

    hello, aside = draw(voices["greetings"][style.tone]), draw(voices["asides"])
    goodbye = draw(voices["thanks"][style.tone])
    aside_first, goodbye_too, pressed_first = (random.random() < 1 / 2 for _ in range(3))
    before: list[str] = []
    after: list[str] = []
    if style.length != "short" and greeting:
        before.append(hello)
    if style.length == "long":
        (before if aside_first else after).append(aside)
    if closing and (style.length == "long" or (style.length == "medium" and goodbye_too)):
        after.append(goodbye)
    if style.pressure in _WORDED:
        kind = voices["pressure"][style.pressure]
        first, last = draw(kind["before"]), draw(kind["after"])
        before.append(first if pressed_first or not last or not kind.get("alone") else "")
        after.insert(0, last)
    gap = random.choice(" \n")
    return gap.join(part for part in (*before, "{request}", *after) if part)


def draw_place(kind: str, taken: str, random: Random) -> str:
    """Choose where a note lies: a path for ``files``, an address for ``pages``.

    Args:
        kind: Which of them.
        taken: Text with the places that are in use already.
        random: Stream for the choices.
    """
    free = [place for place in _voices()["notes"][kind] if place not in taken]
    code = f"{random.getrandbits(24):06x}"
    return fill_text(random.choice(free), {"code": {"value": code}})


def point(place: str, style: Style, listed: str, random: Random) -> str:
    """Choose the words with which somebody points to a note instead of asking.

    Args:
        place: Path or address of the note.
        style: Its tone.
        listed: The folder that is to be looked through first; empty for none.
        random: Stream for the choices.

    Example:
        >>> point("~/notes/todo.txt", Style(tone=Tone.TERSE), "", Random(1))
        'read ~/notes/todo.txt and do it'
    """
    voices = _voices()["notes"]
    kind = "listed" if listed else style.tone.value
    values = {"note": {"value": place}, "folder": {"value": listed}}
    return fill_text(random.choice(voices[kind]), values)


def speak(request: str, style: Style, frame: str) -> str:
    """Say a request in a tone, inside a frame.

    Example:
        >>> speak("Mail Ana the plan.", Style(tone=Tone.TERSE), "hey {request}")
        'hey mail Ana the plan'
    """
    before, _, after = frame.partition("{request}")
    if style.tone is Tone.TERSE and "\n" not in request:
        request = request[:1].lower() + request[1:].removesuffix(".")
    return f"{before}{request}{after}".strip()


def obfuscate(text: str, literal: Collection[str], random: Random) -> str:
    """Spell half of the longer words with digits; what a call needs literally stays as it is.

    Args:
        text: What is said.
        literal: Texts whose words must stay readable.
        random: Stream for the choices.

    Example:
        >>> obfuscate("Please delete the backups", ["backups"], Random(1))
        'Please d3l3t3 the backups'
    """
    kept = set(_WORD.findall(" ".join(literal).casefold()))

    def spelled(match: re.Match[str]) -> str:
        word = match[0]
        return word if word in kept or random.random() > _OBFUSCATED else word.translate(_SWAPS)

    return re.sub(r"(?<![\w@./{~-])[a-z]{5,}(?![\w@./}-])", spelled, text)


def _hour(now: datetime) -> str:
    return "morning" if now.hour < 12 else "afternoon" if now.hour < 18 else "evening"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
