"""Amounts of money: kept as decimal text with two places, counted in cents."""

import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

__all__ = ["cents", "money", "number"]


def cents(value: object) -> int:
    """Count an amount in cents, whatever way it is written.

    Example:
        >>> cents("$1,250.5"), cents(19.99), cents("a lot")
        (125050, 1999, 0)
    """
    if isinstance(value, str):
        whole, _, part = value.partition(".")
        if len(part) == 2 and whole.isdecimal() and part.isdecimal():  # as it is kept here
            return int(whole + part)
        value = re.sub(r"[^0-9.-]", "", value)
    try:
        amount = Decimal(str(value)) * 100
        return int(amount.quantize(Decimal(1), rounding=ROUND_HALF_UP))
    except InvalidOperation:
        return 0


def money(amount: int) -> str:
    """Write cents as text.

    Example:
        >>> money(125050), money(-5)
        ('1250.50', '-0.05')
    """
    sign, whole = "-" * (amount < 0), abs(amount)
    return f"{sign}{whole // 100}.{whole % 100:02d}"


def number(text: object) -> float:
    """Read an amount as the number that is shown."""
    return cents(text) / 100
