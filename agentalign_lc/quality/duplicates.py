"""Gate over a whole run: no instruction says what an earlier one said."""

import re

from agentalign_lc.records import Outcome, Verdict

__all__ = ["Duplicates"]


class Duplicates:
    """Remembers what was said; feed it in the run's order so that it finds the same in every run.

    Example:
        >>> seen = Duplicates()
        >>> seen.check("Mail Ana!", "a").passed
        True
        >>> seen.check("mail  ana", "b").reason
        'says the same as a'
    """

    def __init__(self) -> None:
        self._first: dict[str, str] = {}

    def check(self, text: str, name: str) -> Verdict:
        """Compare a text with all before it; case, spaces and punctuation do not count."""
        key = re.sub(r"[\W_]+", " ", text.casefold()).strip()
        first = self._first.setdefault(key, name)
        if first != name:
            return Verdict(
                gate="duplicates", outcome=Outcome.FAIL, reason=f"says the same as {first}"
            )
        return Verdict(gate="duplicates", outcome=Outcome.PASS)
