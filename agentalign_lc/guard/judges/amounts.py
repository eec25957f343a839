"""Amounts and receivers in a call's arguments, found by the names that such arguments have."""

import math
import re
from collections.abc import Mapping
from typing import Any

from agentalign_lc.guard.policy.texts import argument_texts

__all__ = ["amounts", "receivers"]

_AMOUNT = frozenset(("amount", "amounts", "value", "price", "total", "sum", "cost", "budget", "payment", "deposit", "fee", "quantity", "qty"))  # fmt: skip
_RECEIVER = frozenset(("to", "cc", "bcc", "recipient", "recipients", "receiver", "receivers", "payee", "payees",
    "beneficiary", "addressee", "attendees", "attendee", "phone", "handle", "account", "iban", "email",
    "emails", "channel", "chat_id", "invitees", "payer"))  # fmt: skip
_NUMBER = re.compile(r"[-+]?\d[\d_,. ']{0,40}(?:e[-+]?\d{1,3})?|\binf(?:inity)?\b|\bnan\b")


def _parts(path: str) -> set[str]:
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", path.rpartition(".")[2]).lower()
    return {name, *re.split(r"[^a-z0-9]+", name)}


def amounts(arguments: Mapping[str, Any]) -> list[float]:
    """Numbers in arguments that are amounts by their names.

    Example:
        >>> amounts({"amount": "1,250.50 USD", "totalPrice": 3, "page": 9000})
        [1250.5, 3.0]
    """
    found: list[float] = []
    for path, text in argument_texts(arguments):
        if _parts(path) & _AMOUNT:
            found += map(_number, _NUMBER.findall(text.lower()))
    return found


def _number(text: str) -> float:
    """A number as people write it; the last of ``,`` and ``.`` is the decimal sign."""
    kept = re.sub(r"[_ ']", "", text).rstrip(".,")
    if re.fullmatch(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d*)?", kept):
        kept = kept.replace(",", "")
    elif (
        re.fullmatch(r"[-+]?\d{1,3}(?:\.\d{3})+(?:,\d*)?", kept)
        and kept.count(".") + ("," in kept) > 1
    ):
        kept = kept.replace(".", "").replace(",", ".")
    else:
        kept = kept.replace(",", ".")
    try:
        number = float(kept)
    except ValueError:
        number = math.nan
    # "1.2.3" and the like: nobody knows, so it counts as the largest there is.
    return math.inf if math.isnan(number) else number


def receivers(arguments: Mapping[str, Any]) -> list[str]:
    """Whom something goes to, by the names of the arguments; lists in a text are split.

    Example:
        >>> receivers({"to": "Ana <ana@example.com>, ben@example.com", "body": "to eve@example.net"})
        ['ana@example.com', 'ben@example.com']
    """
    found: list[str] = []
    for path, text in argument_texts(arguments):
        if _parts(path) & _RECEIVER:
            for part in re.split(r"[,;\n]", text):
                address = re.search(r"<([^<>]{1,300})>\s*$", part)
                found.append((address.group(1) if address else part).strip())
    return [one for one in found if one]
