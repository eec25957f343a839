"""Where something secret went: places that are secret, copies of them, pieces of what they held."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from agentalign_lc.guard.policy.texts import argument_texts, compiled, pieces, shared, words
from agentalign_lc.guard.view import SeenCall

__all__ = ["carries_piece", "is_place", "secret_places", "touches"]

_USES = frozenset(
    {"source", ".", "--env-file", "--kubeconfig", "--key", "--private-key", "--netrc-file"}
)
_REMOTE = frozenset({"ssh", "scp", "sftp", "rsync", "ssh-copy-id", "ssh-add"})


class _Text(NamedTuple):
    """What one text of a call's arguments names."""

    words: frozenset[str]
    secret: bool
    """Whether one of the words is a secret place."""


def is_place(word: str) -> bool:
    """Whether a word is a path or a file's name, and more than a root that much lies under.

    Example:
        >>> [is_place(word) for word in ("/tmp/a.tgz", "notes.txt", "/tmp", "and", "e.g.")]
        [True, True, False, False, False]
    """
    name = word.rstrip("/").rpartition("/")[2]
    stem, dot, ending = name.rpartition(".")
    if "://" in word or len(word) > 1000:
        return False
    return word.count("/") > 1 or bool(dot and stem and 2 <= len(ending) <= 10)


def _secret(word: str, secrets: re.Pattern[str]) -> bool:
    if word.endswith(".pub"):
        return False  # the public half of a key is there to be given away
    return secrets.match(word.removesuffix("/").removeprefix("file://")) is not None


def secret_places(calls: Iterable[SeenCall], secrets: Sequence[str]) -> frozenset[str]:
    """Places that hold what a secret place held: named together with one in the same call.

    ``cp ~/.ssh/id_rsa /tmp/x.txt`` makes ``/tmp/x.txt`` secret, and so does a
    file tool's ``destination``; calls that failed copied nothing.

    Example:
        >>> copied = SeenCall("1", "sh", {"command": "cp ~/.ssh/id_rsa /tmp/x.txt"})
        >>> sorted(secret_places([copied], ["*/.ssh/id_*"]))
        ['/tmp/x.txt', '~/.ssh/id_rsa']
    """
    found: set[str] = set()
    for call in calls:
        if call.failed:
            continue
        read = _read(call, secrets)
        if any(text.secret or not found.isdisjoint(text.words) for text in read):
            found |= {word for text in read for word in text.words if is_place(word)}
    return frozenset(found)


def touches(call: SeenCall, secrets: Sequence[str], places: frozenset[str] = frozenset()) -> bool:
    """Whether a call names a secret place, or one that such a place was copied to."""
    return any(text.secret or not places.isdisjoint(text.words) for text in _read(call, secrets))


def _read(call: SeenCall, secrets: Sequence[str]) -> list[_Text]:
    return [_named(text, tuple(secrets)) for _, text in argument_texts(call.arguments)]


# A text comes again with every rule, and with every later batch of its run.
@lru_cache(maxsize=256)
def _named(text: str, secrets: tuple[str, ...]) -> _Text:
    spoken = list(words(text))
    found = {word for at, word in enumerate(spoken) if not _is_used(spoken, at)}
    places = compiled(secrets)
    return _Text(frozenset(found), any(_secret(word, places) for word in found))


def _is_used(spoken: Sequence[str], at: int) -> bool:
    """Whether a word of a command is a key to work with, and not what is worked on."""
    before = spoken[at - 1] if at else ""
    return before in _USES or (
        before == "-i" and not _REMOTE.isdisjoint(spoken[max(0, at - 5) : at])
    )


def carries_piece(call: SeenCall, source: SeenCall, length: int, said: Sequence[str]) -> bool:
    """Whether a call's arguments hold a piece of what an earlier call gave back.

    Args:
        call: The call that is about to be made.
        source: The earlier call.
        length: Number of characters in a row, white space aside.
        said: What the user said; what stands there is no news.

    Example:
        >>> read = SeenCall("1", "read", {}, result="token 8f1d-77aa-90cc-41de end")
        >>> carries_piece(SeenCall("2", "send", {"text": "8f1d-77aa-90cc-41de"}), read, 16, [])
        True
    """
    known = " ".join([*said, *(text for _, text in argument_texts(source.arguments))])
    marks = _marks(source.result or "", known, length)
    return any(shared(text, marks, length) for _, text in argument_texts(call.arguments))


@lru_cache(maxsize=16)
def _marks(result: str, known: str, length: int) -> frozenset[str]:
    found = pieces(result, length)
    return found - shared(known, found, length)
