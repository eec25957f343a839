"""What must not stand in a log or a trace: secrets, e-mail addresses, card and phone numbers.

Patterns find what has the look of one; nothing finds them all. Each function
takes a text and returns it without what it looks for.
"""

import hashlib
import re

__all__ = [
    "digest",
    "hide_cards",
    "hide_emails",
    "hide_phones",
    "hide_secrets",
    "is_secret_name",
]

_NAMES = (
    r"passw(?:or)?d|passphrase|passcode|secret|token(?!s)|credential|api_?key|private_?key|access_?key"
    r"|authori[sz]ation|cookie|session_?id|\b(?:pin|otp|cvv|cvc|ssn|iban)\b|card_?number"
)
_SECRET_NAME = re.compile(_NAMES, re.IGNORECASE)
_KINDS = (
    *("sk", "pk", "rk", "ghp", "gho", "ghs", "ghu", "github_pat", "glpat"),
    *("xoxa", "xoxb", "xoxp", "xoxr", "xoxs", "hf", "lsv2"),
)
_SECRETS = (  # What a text must hold for a pattern to be tried: looking for that is many times faster.
    (
        ("-----begin",),
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    ),
    (("eyj",), r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"),  # a JSON web token
    (
        tuple(f"{kind}{sign}" for kind in _KINDS for sign in "-_"),
        r"\b(?:[spr]k|gh[posu]|github_pat|glpat|xox[abprs]|hf|lsv2)[-_][\w-]{12,}",
    ),
    (("akia", "asia"), r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    (("aiza",), r"\bAIza[\w-]{30,}"),
    (("bearer ",), r"(?<=bearer )[\w.~+/=-]{8,}"),
    (("://",), r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"),  # user:password in an address
    (
        ("password=", "password: ", "token=", "secret=", "api_key="),
        r"(?:(?<=password=)|(?<=password: )|(?<=token=)|(?<=secret=)|(?<=api_key=))[^\s&\"']+",
    ),
)
_PATTERNS = tuple(
    (signs, re.compile(pattern, re.IGNORECASE | re.DOTALL)) for signs, pattern in _SECRETS
)
_QUOTED = re.compile(  # "password": "...", in JSON or Python, however often it is escaped
    rf"""(\\*["'][\w .-]{{0,40}}?(?:{_NAMES})[\w .-]{{0,40}}\\*["']\s*:\s*(\\*["']))"""
    r"(?:(?!\2)(?:\\.|.))*",
    re.IGNORECASE | re.DOTALL,
)
_EMAIL = re.compile(r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_NUMBER = re.compile(r"[\d(+][\d ().+/-]{8,}")
"""What any card or phone number looks like: cheap to look for."""
_CARD = re.compile(r"(?<!\w)(?<!\d\.)(?:\d[ -]?){12,18}\d(?!\w|\.\d)")
_PHONE = re.compile(
    r"(?<![\w.+/-])(?:"
    r"\+\d{1,3}(?:[ .-]?\(\d{1,4}\))?(?:[ .-]?\d){6,12}"  # +44 20 7946 0958
    r"|(?:1[ .-])?\(\d{3}\)[ .-]?\d{3}[ .-]?\d{4}"  # (212) 555-0143
    r"|(?:1[ .-])?\d{3}[ .-]\d{3}[ .-]\d{4}"  # 212-555-0143
    r"|\(?0\d{2,4}\)?[ /-]\d{3,4}[ -]?\d{3,5}"  # 020 7946 0958
    r")(?![\w-]|\.\d)"
)


def is_secret_name(name: str) -> bool:
    """Whether what goes by this name is a secret, whatever it looks like.

    Example:
        >>> is_secret_name("db_password"), is_secret_name("total_tokens")
        (True, False)
    """
    return _SECRET_NAME.search(name) is not None


def hide_secrets(text: str) -> str:
    """Take out keys, tokens and passwords: what has the look of one, and what is called one.

    Example:
        >>> hide_secrets('key sk-abcdefghijklmnop, {"password": "hunter2"}')
        'key [secret], {"password": "[secret]"}'
    """
    lower = text.lower()
    for signs, pattern in _PATTERNS:
        if any(sign in lower for sign in signs):
            text = pattern.sub("[secret]", text)
    return _QUOTED.sub(r"\1[secret]", text) if ":" in text else text


def hide_emails(text: str) -> str:
    """Replace addresses by the first digits of their SHA-256, so that equal ones are recognised.

    Who can guess an address can confirm the guess.

    Example:
        >>> hide_emails("to ana@example.com")
        'to [e-mail 8e43ca37]'
    """
    if "@" not in text:
        return text
    return _EMAIL.sub(lambda found: f"[e-mail {digest(found[0].lower(), 8)}]", text)


def hide_cards(text: str) -> str:
    """Take out numbers of payment cards: 13 to 19 digits whose check digit is right.

    Example:
        >>> hide_cards("4111 1111 1111 1111, order 4111 1111 1111 1112")
        '[card], order 4111 1111 1111 1112'
    """
    if not _NUMBER.search(text):
        return text
    return _CARD.sub(lambda found: "[card]" if _luhn(found[0]) else found[0], text)


def hide_phones(text: str) -> str:
    """Take out phone numbers that are written as such: with a plus, an area code, or in groups.

    Example:
        >>> hide_phones("call +44 20 7946 0958 or (212) 555-0143 by 2026-11-21")
        'call [phone] or [phone] by 2026-11-21'
    """
    return _PHONE.sub("[phone]", text) if _NUMBER.search(text) else text


def digest(text: str, digits: int) -> str:
    """The first digits of a text's SHA-256."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:digits]


def _luhn(number: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1)."""
    digits = [int(sign) for sign in reversed(number) if sign.isdigit()]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
