"""Labels of links, buttons and fields: which one is meant by what somebody says."""

import re
from collections.abc import Iterable

from agentalign_lc.environment.devices.sites import Form, FormField

__all__ = ["masked", "named_field", "named_label"]

_ATTRIBUTE = re.compile(r"""\[(?:name|id|placeholder|aria-label|type)=["']?([^"'\]]+)["']?\]""")
_SELECTOR = re.compile(
    r"^\s*(?:text|link|id|name|css|label|role)\s*=\s*|[#.](?=\w)|:has-text", re.IGNORECASE
)
# What people say around the text on a link or a field.
_AROUND = frozenset(
    {
        "a",
        "the",
        "your",
        "my",
        "field",
        "box",
        "input",
        "link",
        "button",
        "textbox",
        "on",
        "textarea",
    }
)
_ALSO = {
    "email": {"email", "mail", "address"},
    "message": {"message", "comment", "text", "body", "enquiry"},
    "name": {"name", "full"},
    "phone": {"phone", "number", "telephone"},
    "username": {"username", "user", "name", "login", "email", "account"},
    "password": {"password", "passcode"},
    "q": {"search", "query", "q", "keywords", "this", "site"},
}


def masked(name: str, value: str) -> str:
    """What a field shows of its value: of a password, only how long it is."""
    return "*" * len(value) if "password" in name else value


def named_label(said: str, labels: list[str]) -> str | None:
    """The label that is meant: as it is written, or else by words that one has and the other too."""
    wanted = _words(said)
    if not wanted:
        return None
    known = {label: _words(label) for label in labels}
    same = next((label for label, words in known.items() if words == wanted), None)
    if same is not None:
        return same
    return next((x for x, words in known.items() if words and set(wanted) <= set(words)), None)


def named_field(forms: Iterable[Form], said: str) -> tuple[Form, FormField] | None:
    """The field that is meant: by its label, its name, or a word that people use for it."""
    wanted = set(_words(said))
    every = [(form, field, set(_words(field.label))) for form in forms for field in form.fields]
    if not wanted:
        return None
    for form, field, words in every:
        if wanted in (words, {field.name}):
            return form, field
    for form, field, words in every:
        if wanted <= words | _ALSO.get(field.name, set()) or (words and words <= wanted):
            return form, field
    return None


def _words(said: str) -> list[str]:
    attribute = _ATTRIBUTE.search(said)
    plain = attribute[1] if attribute else _SELECTOR.sub(" ", said)
    words = re.findall(r"\w+", plain.casefold().replace("e-mail", "email").replace("_", " "))
    return [word for word in words if word not in _AROUND] or words
