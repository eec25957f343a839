"""Money as commands say it."""

__all__ = ["dollars"]


def dollars(amount: float) -> str:
    """US dollars, with cents, or with as many digits as it takes to see anything.

    Example:
        >>> dollars(1234.5), dollars(0.25), dollars(0.00123), dollars(0)
        ('$1,234.50', '$0.25', '$0.0012', '$0.00')
    """
    if 0 < amount < 0.1:
        return f"${amount:.2g}" if amount >= 0.0001 else "less than $0.0001"
    return f"${amount:,.2f}"
