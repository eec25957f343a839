"""Moments as agents write them and as the world does: ISO 8601, in UTC."""

import re
from datetime import UTC, datetime, timedelta

from agentalign_lc.environment.faults import ToolFault

__all__ = ["end_of", "later", "moment_of", "stamp"]


def moment_of(text: str, field: str) -> datetime:
    """Read ISO 8601, with or without an offset, as a moment in UTC."""
    # RFC 3339 knows a 60th second and lower-case letters; Python's datetime does not.
    plain = re.sub(r":60(?=[.Z+-]|$)", ":59", text.strip().upper())
    try:
        moment = datetime.fromisoformat(plain)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        message = f"{text} is no date and time as 2026-03-14T15:00:00Z."
        raise ToolFault("invalid_argument", message, field) from error
    return moment.replace(microsecond=0)


def later(moment: datetime, minutes: int, field: str) -> datetime:
    """The moment some minutes on, as far as there is one."""
    try:
        return moment + timedelta(minutes=minutes)
    except OverflowError as error:
        raise ToolFault("invalid_argument", "This lies too far ahead.", field) from error


def end_of(begins: datetime, lasts: int | str, said: str) -> datetime:
    """When something ends that lasts so many minutes, or until the moment that is given."""
    field = said.replace("start", "end")  # vendors name the two alike
    ends = moment_of(lasts, field) if isinstance(lasts, str) else later(begins, lasts, said)
    if ends <= begins:
        raise ToolFault("invalid_argument", "An event ends after it begins.", field)
    return ends


def stamp(moment: datetime) -> str:
    """Write a moment in UTC as ISO 8601.

    Example:
        >>> stamp(moment_of("2026-03-14T16:00+01:00", "start"))
        '2026-03-14T15:00:00Z'
    """
    return moment.isoformat().replace("+00:00", "Z")
