"""Gate: the steps of the chain are taken in its order."""

from collections.abc import Iterable, Sequence

from agentalign_lc.records import Outcome, Verdict

__all__ = ["check_order"]


def check_order(expected: Sequence[str], called: Iterable[str]) -> Verdict:
    """Check that the chain's capabilities are a subsequence of those that were called.

    Other calls may stand between them: a look at the calendar, a second try.

    Example:
        >>> check_order(["a", "b"], ["a", "a", "c", "b"]).passed
        True
        >>> check_order(["a", "b"], ["b", "a"]).reason
        'b did not come after a'
    """
    waiting = iter(called)
    before = ""
    for capability in expected:
        if capability not in waiting:  # goes through the calls up to it, and no further
            after = f"after {before}" if before else "at all"
            return Verdict(
                gate="order", outcome=Outcome.FAIL, reason=f"{capability} did not come {after}"
            )
        before = capability
    return Verdict(gate="order", outcome=Outcome.PASS)
