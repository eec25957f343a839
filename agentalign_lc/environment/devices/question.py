"""What a query asks: its intent, and its topic as a phrase that fits into a sentence."""

import re
from functools import lru_cache
from pathlib import Path

from agentalign_lc.documents import load_document
from agentalign_lc.records import Record

__all__ = ["Material", "Question", "capital", "keywords", "material"]

_WORD = re.compile(r"\w[\w'.-]*\w|\w")
_ERRAND = re.compile(
    r"^(?:(?:please|can you|could you|i want to know|i need|search(?: the web)?(?: for)?|look up|"
    r"look for|find out|find|google|show me|tell me|give me|information|info|articles?|pages?|on|"
    r"about|for)\s+)+(?=\S)",
    re.IGNORECASE,
)
_HOW_TO = re.compile(
    r"^(?:how (?:to|do i|do you|do we|can i|can you|can we|should i|should we)|"
    r"(?:the )?(?:steps|ways|instructions|guide|best way) to)\s+",
    re.IGNORECASE,
)
_QUESTION = re.compile(
    r"^(?:how (?:much|many|long|far|old|often)|how|what|where|when|which|"
    r"who(?= (?:is|are|was|were)\b)|who's|what's)"
    r"(?:\s+(?:is|are|was|were|does|do|did|can|will|should|would|could|has|have)\b)?"
    r"(?:\s+(?:i|you|we)\b(?:\s+(?:find|buy|get|see)\b)?)?\s*",
    re.IGNORECASE,
)
_AUXILIARY = re.compile(r"^(why) (?:is|are|do|does|did|was|were) ", re.IGNORECASE)
_WORKS = re.compile(r"^(how (?:does|do|did) .+?) works?\b", re.IGNORECASE)
_FIRM = re.compile(
    r"(?:[A-Z][\w&'-]+ )+(?:Ltd|Inc|GmbH|Corp|Corporation|LLC|PLC|Holdings|Industries|Logistics|"
    r"Dental|Bakery|Labs|Insurance|Travel|Systems|Foods|Books|Motors|Credit Union|Garden Centre|"
    r"Pharmacy|Studios|Energy|Housing|Academy|Fitness|Bank|Utilities)\b(?: (?:Ltd|Inc|LLC)\b)?"
)
_WHO_IS = re.compile(r"(?i:who is) ([A-Z][\w'-]+ [A-Z][\w'-]+)\W*$")
_NEAR_ME = re.compile(r"\bnear me\b", re.IGNORECASE)
_KEYWORDS_SHOWN = 8
_LETTERS_SHOWN = 90


class Material(Record):
    """The phrases of `web.yaml`, each list by intent or by kind of page."""

    signs: dict[str, tuple[str, ...]]
    asking: dict[str, frozenset[str]]
    kinds: dict[str, tuple[str, ...]]
    sites: dict[str, tuple[str, ...]]
    titles: dict[str, tuple[str, ...]]
    openings: dict[str, tuple[str, ...]]
    answers: dict[str, tuple[str, ...]]
    closings: dict[str, tuple[str, ...]]
    facts: dict[str, tuple[str, ...]]
    verbs: frozenset[str]
    doubled: frozenset[str]
    first_names: tuple[str, ...]
    stop_words: frozenset[str]


@lru_cache(maxsize=1)
def material() -> Material:
    """Read the phrases, once."""
    return load_document(Path(__file__).with_name("web.yaml"), Material)


@lru_cache(maxsize=1)
def _signs() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """One expression for the signs of each intent."""
    signs = material().signs.items()
    return tuple((intent, re.compile("|".join(f"(?:{s})" for s in each))) for intent, each in signs)


@lru_cache(maxsize=1)
def _asking() -> frozenset[str]:
    return frozenset[str]().union(*material().asking.values())


@lru_cache(maxsize=1)
def _full_name() -> re.Pattern[str]:
    first = "|".join(material().first_names)
    return re.compile(rf"\b(?:{first})(?: [A-Z]\.)?(?: [A-Z][\w'-]+)+")


class Question:
    """A query, understood as far as writing pages about it needs.

    Args:
        text: The query without its syntax.
        people: Names of people whom the world knows.

    Example:
        >>> question = Question("how much does a plumber cost in Oslo", set())
        >>> question.intent, question.topic
        ('price', 'a plumber in Oslo')
    """

    def __init__(self, text: str, people: set[str]) -> None:
        self.text = text
        self.person = _person(text, people)
        self.firm = found[0] if (found := _FIRM.search(text)) else None
        self.intent = self._intent()
        self.topic = self._topic()
        subject = sorted({w.rstrip("s") for w in keywords(self.topic) if w not in _asking()})
        self.subject = " ".join(subject) or self.topic.casefold()
        """What it is about, in whatever words: the facts of a world hang on this."""

    def names(self, *, brief: bool = False) -> dict[str, str]:
        """What sentences call the topic; briefly, where it is long and has been named before."""
        name = {"person": self.person, "company": self.firm}.get(self.intent) or self.topic
        topic = "this" if brief and len(self.topic.split()) > 4 else self.topic
        name = topic if name == self.topic else name
        return {"topic": topic, "Topic": capital(topic), "name": name, "Name": capital(name)}

    def _intent(self) -> str:
        plain = _ERRAND.sub("", self.text).casefold()
        for intent, sign in _signs():
            if self.person and intent not in ("care", "sensitive", "howto"):
                return "person"
            if sign.search(plain):
                return intent
        return "company" if self.firm else "topic"

    def _topic(self) -> str:
        if self.intent == "person" and self.person:
            return self.person
        every = self._tokens()
        asked = material().asking.get(self.intent, frozenset())
        tokens = (
            _trimmed([t for t in every if t.casefold() not in asked]) or _trimmed(every) or every
        )
        if self._doing(tokens[0].casefold()):
            tokens = [_gerund(tokens[0].casefold()), *tokens[1:]]
        stop = material().stop_words
        if len([t for t in tokens if t.casefold() not in stop]) > _KEYWORDS_SHOWN:
            tokens = [t for t in tokens if t.casefold() not in stop][:_KEYWORDS_SHOWN]
        while len(tokens) > 1 and len(" ".join(tokens)) > _LETTERS_SHOWN:
            tokens = tokens[:-1]
        topic = " ".join(tokens)
        return topic if len(topic) <= _LETTERS_SHOWN else "this question"

    def _tokens(self) -> list[str]:
        plain = _NEAR_ME.sub("", _ERRAND.sub("", self.text)).strip()
        if self.intent == "sensitive":
            plain = re.sub(r"(?<=\S) without .*", "", plain)
        plain = _AUXILIARY.sub(r"\1 ", _WORKS.sub(r"\1", plain))
        plain = (_HOW_TO if _HOW_TO.match(plain) else _QUESTION).sub("", plain)
        return _WORD.findall(plain) or _WORD.findall(self.text)

    def _doing(self, first: str) -> bool:
        asked_how = _HOW_TO.match(_ERRAND.sub("", self.text)) is not None
        return asked_how or (self.intent in ("howto", "sensitive") and first in material().verbs)


def keywords(query: str) -> list[str]:
    """The words of a query that say something; all of them, if none does.

    Example:
        >>> keywords("Where is the town hall?")
        ['town', 'hall']
    """
    words = _WORD.findall(query.casefold())
    return list(dict.fromkeys([w for w in words if w not in material().stop_words] or words))


def capital(text: str) -> str:
    """Begin a text with a capital, and leave the rest as it is."""
    return text[:1].upper() + text[1:]


def _person(text: str, people: set[str]) -> str | None:
    plain = text.casefold()
    known = sorted(name for name in people if name.casefold() in plain)
    found = _full_name().search(text)
    asked = _WHO_IS.match(text)
    return known[0] if known else found[0] if found else asked[1] if asked else None


def _trimmed(tokens: list[str]) -> list[str]:
    """Leave out small words at both ends, but for an article or a question word at the front."""
    kept = [n for n, token in enumerate(tokens) if token.casefold() not in material().stop_words]
    if not kept:
        return []
    first = kept[0]
    fronts = ("the", "a", "an", "who", "why")
    first -= first > 0 and tokens[first - 1].casefold() in fronts
    return tokens[first : kept[-1] + 1]


def _gerund(verb: str) -> str:
    if verb.endswith("ie"):
        return f"{verb[:-2]}ying"
    if verb.endswith("e") and not verb.endswith(("ee", "oe", "ye")) and len(verb) > 2:
        return f"{verb[:-1]}ing"
    short = re.fullmatch(r"(?:qu|[^aeiou])*[aeiou][^aeiouwxy]", verb)
    return f"{verb}{verb[-1]}ing" if short or verb in material().doubled else f"{verb}ing"
