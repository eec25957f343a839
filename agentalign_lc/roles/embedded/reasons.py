"""Reasons: what a refusal is about, in all the ways that its grammar needs."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from agentalign_lc.documents import read_document
from agentalign_lc.environment.slots import fill_text
from agentalign_lc.errors import RoleError
from agentalign_lc.taxonomy.script import ChainScript

__all__ = ["describe", "infinitive", "refusal_file"]

Slots = Mapping[str, Mapping[str, str]]

_BRIEF = 14
"""Number of words of an offer that may stand inside a longer sentence."""
_TOPIC = 10
"""Number of words of an object that may be a sentence's subject."""
_WHOLE = 0.15
"""Share of refusals that offer all that the chain's author thought of."""
_REWORDED = 0.5
_CLEAR = 7
"""Number of words that a reason has at least."""
_CLAUSE = re.compile(r", (?:and|with|while|so that|since|because) |; ")
_WOULD = re.compile(r"\b(?:would|could|might|may)\b")
_REASON = re.compile(r"\b(?:because|since)\b")
_COORDINATED = re.compile(r"(^|\band |, )(\w+ing)\b")
_SECOND = re.compile(r"(?:\band|,) \w+s\b")
"""Perhaps a second verb, which would have to change with the first."""
_SELF = re.compile(r"\b(?:one's|oneself|writer|speaker)\b")
"""Whoever does it, which is not the one who refuses to."""
_POINTING = re.compile(
    r"^(?:It|They|These|Those|What|Each)\b|\b(?:it|them|there|this|those|these)\b"
)
_BACKWARD = re.compile(r"\b(?:its?|them|those|ones?|there|both|too|as well)\b")


def describe(chain: ChainScript, slots: Slots, random: Random) -> dict[str, str]:
    """Say what a chain's refusal is about in all the ways that the grammar needs.

    Args:
        chain: A chain with a refusal.
        slots: The scenario's.
        random: Stream for the choice among what is offered.

    Raises:
        RoleError: the chain has no refusal.
    """
    refusal = chain.harmful.refusal
    if refusal is None:
        raise RoleError(f"chain {chain.name!r} has no refusal")
    because = _shortened(refusal.because, random)
    words = {"object": refusal.object, "Because": because}
    if len(refusal.object.split()) <= _TOPIC and "," not in refusal.object:
        words |= {"topic": refusal.object, "Object": refusal.object}
    act = infinitive(refusal.object)
    if act is not None:
        words |= {"act": act, "gerund": ""}
    first, _, rest = chain.harmful.reading.partition(" ")
    if first.casefold() in _forms("s"):
        words["does"] = f"{first.lower()} {rest}"
        if not _SECOND.search(rest) and not _SELF.search(rest):
            words["deed"] = f"{_forms('s')[first.casefold()]} {rest}"
    first, _, rest = because.removesuffix(".").partition(" ")
    small = first.casefold() in _listed("small")
    if not _REASON.search(refusal.object + rest) and (small or first.startswith("{")):
        words["because"] = f"{first.lower() if small else first} {rest}"
    if not _POINTING.search(because):
        words["First"] = because
    words |= _offered(refusal.offer, random)
    filled = {name: fill_text(_reword(text, random), slots) for name, text in words.items()}
    return {name: _capital(text) if name[0].isupper() else text for name, text in filled.items()}


def _shortened(because: str, random: Random) -> str:
    """A reason, or its first clause, if that says what would happen."""
    first = _CLAUSE.split(because)[0]
    whole = not _WOULD.search(first) or len(first.split()) < _CLEAR
    return because if whole or random.random() < 1 / 2 else f"{first.removesuffix('.')}."


def _offered(offer: str, random: Random) -> dict[str, str]:
    """Some of the alternatives that an offer lists, as they can stand alone."""
    every = _between().split(offer)
    free = [every[0], *(other for other in every[1:] if not _BACKWARD.search(other))]
    chosen = random.sample(free, min(len(free), random.choice((1, 1, 2, 2))))
    words = {"offer": offer if random.random() < _WHOLE else ", or ".join(chosen)}
    short = [other for other in free if len(other.split()) <= _BRIEF]
    return words | ({"brief": random.choice(short)} if short else {})


def infinitive(target: str) -> str | None:
    """Turn the gerunds that are not inside a clause into infinitives.

    Example:
        >>> infinitive("hiding the letter and telling Ana that nothing came")
        'hide the letter and tell Ana that nothing came'
        >>> infinitive("a false letter") is None
        True
    """
    gerunds = _forms("ing")
    found = _COORDINATED.findall(target)
    if not found or found[0][0] or any(verb not in gerunds for _, verb in found):
        return None
    return _COORDINATED.sub(lambda match: match[1] + gerunds[match[2]], target)


@cache
def _forms(ending: str) -> Mapping[str, str]:
    """Every spelling that a form of a verb might have, to its infinitive."""
    forms: dict[str, str] = {}
    for verb in sorted(_listed("verbs")):
        if ending == "s":
            stems = [verb, f"{verb}e", f"{verb[:-1]}ie"]
        else:
            stems = [verb[:-1]] if verb.endswith("e") else [verb, verb + verb[-1]]
        forms |= {stem + ending: verb for stem in stems}
    return forms | ({"has": "have"} if ending == "s" else {})


@cache
def _between() -> re.Pattern[str]:
    """What stands between two alternatives: a comma, and a verb behind it."""
    return re.compile(rf", (?:or |and )?(?=(?:{'|'.join(sorted(_listed('verbs')))})\b)")


@cache
def _listed(name: str) -> frozenset[str]:
    return frozenset(str(refusal_file()[name]).split())


@cache
def _wording() -> tuple[tuple[re.Pattern[str], tuple[str, ...]], ...]:
    rules = refusal_file()["wording"]
    return tuple(
        (re.compile(rf"(?<![\w{{.]){old}(?![\w}}.])"), tuple(new)) for old, new in rules.items()
    )


def _reword(text: str, random: Random) -> str:
    """Put other words for some that mean the same, before the slots are filled."""
    for pattern, options in _wording():
        if pattern.search(text) and random.random() < _REWORDED:
            text = pattern.sub(random.choice(options), text)
    return text


@cache
def refusal_file() -> Mapping[str, Any]:
    """The grammar and its word lists, as ``refusals.yaml`` has them."""
    content: Mapping[str, Any] = read_document(Path(__file__).with_name("refusals.yaml"))
    return content


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
