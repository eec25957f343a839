"""Results as rows of a run's database."""

import json
from collections.abc import Iterable

from agentalign_lc.records import Example, Result
from agentalign_lc.seeds import canonical_json

__all__ = ["ResultRow", "read_example", "result_rows"]

ResultRow = tuple[int, str, str, str, str, str | None, str | None]
"""A result as it is stored: scenario, intent, status, gate, reason, id and JSON of the example."""


def result_rows(results: Iterable[Result]) -> list[ResultRow]:
    """Serialise results, which takes longer than to write them, and can be done elsewhere.

    Example:
        >>> from agentalign_lc.records import Intent
        >>> result_rows([Result.failed(3, Intent.BENIGN, "stage", "no chain")])
        [(3, 'benign', 'failed', 'stage', 'no chain', None, None)]
    """
    return [
        (
            result.index,
            result.intent.value,
            result.status.value,
            result.gate,
            result.reason,
            result.example.id if result.example else None,
            canonical_json(result.example.model_dump(mode="json")) if result.example else None,
        )
        for result in results
    ]


def read_example(text: str) -> Example:
    """Read the JSON of an example."""
    data = json.loads(text)
    # Computed from the content; stored for readers of the file, not read back.
    for record in (data, data["scenario"], data["scenario"]["chain"], data["instruction"]):
        record.pop("id", None)
    return Example.model_validate(data)
