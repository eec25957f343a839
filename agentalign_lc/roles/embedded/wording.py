"""Wording: the same phrasing in other words, as another person would have put it."""

import re
from collections.abc import Callable, Collection, Mapping
from functools import cache
from itertools import groupby
from pathlib import Path
from random import Random

from agentalign_lc.documents import read_document
from agentalign_lc.styles import Tone

__all__ = ["mistype", "reword"]

_SLOT = re.compile(r"(\{[^{}]*\}|\S*[/@~]\S*|\"[^\"]*\"|'[^' ][^']*')")
"""What stays as it is: slots, paths, addresses, quotations."""
_BEHIND = re.compile(r"(?:\(\?<[!=][^()]*\)|\(\?:(?:\(\?<=[^()]*\)\|?)+\))*")
"""What a rule wants to stand before it, or not."""
_LONG = re.compile(r"\b[a-z]{6,}\b")
_REWORDED = 0.65
_AMERICAN = 0.4
"""Share of rules that are followed where they fit; share of people with American spelling."""


@cache
def _rules() -> Mapping[str, Mapping[str, list[str]]]:
    rules: Mapping[str, Mapping[str, list[str]]] = read_document(
        Path(__file__).with_name("wording.yaml")
    )
    return rules


@cache
def _compiled(tone: str, american: bool) -> tuple[re.Pattern[str], list[list[str]]]:
    """All rules of a tone as one expression, a group each; of those with one initial, the longest first."""
    rules = dict(_rules()["any"]) | dict(_rules().get(tone, {}))
    if american:
        rules |= _rules()["american"]
    ordered = sorted(rules.items(), key=lambda rule: (_initial(rule[0]), -len(rule[0]), rule[0]))
    # Rules by the letter that they begin with: at most words only a few of hundreds are tried.
    letters = (
        f"(?={letter})(?:{'|'.join(f'({found})' for found, _ in same)})"
        for letter, same in groupby(ordered, key=lambda rule: _initial(rule[0]))
    )
    pattern = re.compile(rf"\b(?:{'|'.join(letters)})\b(?!['’])", re.IGNORECASE)
    return pattern, [put for _, put in ordered]


def _initial(rule: str) -> str:
    """The letter with which all that a rule finds begins."""
    return _BEHIND.sub("", rule, count=1)[0].lower()


def reword(template: str, tone: Tone, kept: Collection[str], random: Random) -> str:
    """Put other words for some that mean the same; slots, paths and quotations stay.

    Args:
        template: A phrasing, with its slots open.
        tone: Whose words to use.
        kept: Texts whose words must stay, since calls need them literally.
        random: Stream for the choices.

    Example:
        >>> reword("Tell everybody right away.", Tone.PLAIN, [], Random(4))
        'Tell everyone straight away.'
    """
    pattern, options = _compiled(tone.value, random.random() < _AMERICAN)
    literal = " ".join(kept).casefold()

    def put(match: re.Match[str]) -> str:
        found = match[0]
        if random.random() > _REWORDED or found.casefold() in literal or found.isupper():
            return found  # a POST is no post
        assert match.lastindex is not None  # noqa: S101 - one group a rule
        chosen = random.choice(options[match.lastindex - 1])
        return chosen[:1].upper() + chosen[1:] if found[:1].isupper() and found != "I" else chosen

    return _outside_slots(template, lambda part: pattern.sub(put, part)).replace("  ", " ")


def mistype(template: str, kept: Collection[str], random: Random, share: float = 0.06) -> str:
    """Type some of the longer words wrong: two letters swapped, one left out or doubled.

    Example:
        >>> mistype("Please cancel tomorrow's delivery", [], Random(1), share=0.5)
        "Please cncel tomorow's delivery"
    """
    literal = " ".join(kept).casefold()

    def typed(match: re.Match[str]) -> str:
        word = match[0]
        if random.random() > share or word in literal:
            return word
        at = random.randrange(1, len(word) - 2)
        return random.choice(
            (
                word[:at] + word[at + 1] + word[at] + word[at + 2 :],
                word[:at] + word[at + 1 :],
                word[: at + 1] + word[at:],
            )
        )

    return _outside_slots(template, lambda part: _LONG.sub(typed, part))


def _outside_slots(template: str, change: Callable[[str], str]) -> str:
    parts = _SLOT.split(template)
    return "".join(part if number % 2 else change(part) for number, part in enumerate(parts))
