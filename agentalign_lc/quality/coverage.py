"""Gate: the run used the tools that the scenario is about."""

from collections import Counter
from collections.abc import Iterable

from agentalign_lc.records import Outcome, Verdict

__all__ = ["check_coverage"]


def check_coverage(expected: Iterable[str], called: Iterable[str]) -> Verdict:
    """Check that every expected tool was called, as often as the chain has it.

    Example:
        >>> check_coverage(["send_gmail"], ["search_bing"]).reason
        'never called send_gmail'
    """
    missing = Counter(expected) - Counter(called)
    if missing:
        return Verdict(
            gate="coverage",
            outcome=Outcome.FAIL,
            reason=f"never called {', '.join(sorted(missing))}",
        )
    return Verdict(gate="coverage", outcome=Outcome.PASS)
