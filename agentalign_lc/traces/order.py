"""The order of spans: parents before their children, then by start, whatever came in."""

import heapq
from collections.abc import Iterable

from agentalign_lc.traces.trace import Span

__all__ = ["ordered"]


def ordered(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Order spans; none is lost.

    A span that has no start of its own stands where its parent does. Of spans
    that are each other's ancestors the first loses its parent. Two spans with
    one id are one if they are equal; otherwise the second gets an id of its own.

    Example:
        >>> [span.id for span in ordered([
        ...     Span(id="tool", parent="agent", started=3), Span(id="model", parent="agent", started=2),
        ...     Span(id="agent", started=1)])]
        ['agent', 'model', 'tool']
    """
    known = _distinct(spans)
    parents = _without_cycles(known)
    children: dict[str, list[str]] = {}
    waiting: list[tuple[float, int, str]] = []
    place = {id: number for number, id in enumerate(known)}
    for id, span in known.items():
        parent = parents[id]
        if parent in known:
            children.setdefault(parent, []).append(id)
        else:
            waiting.append((span.started, place[id], id))
    heapq.heapify(waiting)
    done: list[Span] = []
    while waiting:
        start, _, id = heapq.heappop(waiting)
        span = known[id]
        done.append(
            span if span.parent == parents[id] else span.model_copy(update={"parent": parents[id]})
        )
        for child in children.get(id, ()):
            heapq.heappush(waiting, (max(known[child].started, start), place[child], child))
    return tuple(done)


def _distinct(spans: Iterable[Span]) -> dict[str, Span]:
    known: dict[str, Span] = {}
    for span in spans:
        id, number = span.id, 1
        while id in known and known[id] != span.model_copy(update={"id": id}):
            number += 1
            id = f"{span.id}#{number}"
        known[id] = span if id == span.id else span.model_copy(update={"id": id})
    return known


def _without_cycles(known: dict[str, Span]) -> dict[str, str | None]:
    parents = {id: span.parent for id, span in known.items()}
    settled: set[str] = set()
    for start in known:
        path: dict[str, None] = {}
        at: str | None = start
        while at in known and at not in settled and at not in path:
            path[at] = None
            at = parents[at]
        if at is not None and at in path:
            members = list(path)[list(path).index(at) :]
            earliest = min(members, key=lambda id: (known[id].started, list(known).index(id)))
            parents[earliest] = None
        settled.update(path)
    return parents
