"""Closing a run: what is said twice in it is rejected, in the run's order."""

from collections.abc import Collection, Iterable, Iterator

from agentalign_lc.quality import Duplicates, NearDuplicates
from agentalign_lc.records import Verdict

__all__ = ["find_repeats"]

_Kept = tuple[int, str, str, str | None, str]
"""Scenario, intent, id of the example, the note that holds the request if one does, and the text."""


def find_repeats(
    kept: Iterable[_Kept], gates: Collection[str]
) -> Iterator[tuple[int, str, Verdict]]:
    """Find the requests that say what an earlier one says, one row at a time.

    Args:
        kept: What was kept so far, in the run's order.
        gates: Which gates of the run there are; those over a whole run ask, in this order.

    Example:
        >>> rows = [(0, "benign", "a", None, "Mail Ana!"), (1, "benign", "b", None, "mail Ana")]
        >>> [(scenario, verdict.reason) for scenario, _, verdict in find_repeats(rows, ["duplicates"])]
        [(1, 'says the same as a')]
    """
    exact, near = Duplicates(), NearDuplicates()
    asked = [gate for gate in gates if gate in ("duplicates", "near_duplicates")]
    for scenario, intent, name, note, text in kept:
        request = note or text
        verdicts = (
            exact.check(request, name)
            if gate == "duplicates"
            else near.check(request, name, scenario)
            for gate in asked
        )
        verdict = next((verdict for verdict in verdicts if not verdict.passed), None)
        if verdict is not None:
            yield scenario, intent, verdict
