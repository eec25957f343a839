"""Gate: the calls take every step of the chain."""

from collections import Counter
from collections.abc import Iterable

from agentalign_lc.records import Outcome, Verdict

__all__ = ["check_coverage"]


def check_coverage(expected: Iterable[str], called: Iterable[str]) -> Verdict:
    """Check that every capability of the chain is used, as often as the chain has it.

    Capabilities and not tools: where two tools on offer do the same, either will do.

    Example:
        >>> check_coverage(["communication.send_email"], ["search.web_search"]).reason
        'never used communication.send_email'
    """
    missing = Counter(expected) - Counter(called)
    if missing:
        reason = f"never used {', '.join(sorted(missing))}"
        return Verdict(gate="coverage", outcome=Outcome.FAIL, reason=reason)
    return Verdict(gate="coverage", outcome=Outcome.PASS)
