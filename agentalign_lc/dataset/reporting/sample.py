"""A sample of a run: whole scenarios, drawn by the run's own seed, so that nobody chose them."""

from collections.abc import Callable, Container, Iterator
from itertools import groupby

from agentalign_lc.dataset.store import RunStore
from agentalign_lc.records import Result
from agentalign_lc.seeds import stream

__all__ = ["draw_scenarios"]

_SHARE_OF_LOSSES = 10


def draw_scenarios(store: RunStore, examples: int) -> tuple[list[list[Result]], int]:
    """Draw whole scenarios until there are so many results, and some more in which something was lost.

    Memory goes with the size of the sample and not with that of the run.

    Args:
        store: The run.
        examples: Number of results wanted; a scenario's are never divided.

    Returns:
        The results of each scenario drawn, in the order of the draw; and how
        many of these scenarios, the last ones, were drawn among losses.

    Raises:
        StoreError: the run cannot be read.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from agentalign_lc.records import Intent
        >>> with TemporaryDirectory() as folder:
        ...     with RunStore.create(Path(folder, "run"), {"scenarios": 9, "seed": 7}) as store:
        ...         for index in range(9):
        ...             store.save([Result.failed(index, intent, "stage", "-") for intent in Intent])
        ...         drawn, more = draw_scenarios(store, 6)
        >>> [len(results) for results in drawn], more
        ([3, 3, 3], 1)
    """
    config = store.config
    random = stream(config.get("seed", 0), "report")
    planned = int(config.get("scenarios", 0)) + int(config.get("everyday", 0))
    drawn: dict[int, list[Result]] = {}
    count = 0
    for index in _shuffled(planned, random.randrange):
        if count >= examples:
            break
        results = list(store.results(scenario=index))
        if results:
            drawn[index] = results
            count += len(results)
    lost: list[int] = []
    wanted = min(examples, max(1, examples // (3 * _SHARE_OF_LOSSES)))
    for number, index in enumerate(_losing(store, drawn)):
        # Reservoir sampling: each has the same chance, and only those drawn are remembered.
        if len(lost) < wanted:
            lost.append(index)
        elif (place := random.randrange(number + 1)) < len(lost):
            lost[place] = index
    more = [list(store.results(scenario=index)) for index in lost]
    return [*drawn.values(), *more], len(more)


def _shuffled(count: int, below: Callable[[int], int]) -> Iterator[int]:
    """The numbers below ``count`` in random order; remembers only those that it has moved."""
    moved: dict[int, int] = {}
    for left in range(count, 0, -1):
        place = below(left)
        yield moved.get(place, place)
        moved[place] = moved.pop(left - 1, left - 1)


def _losing(store: RunStore, drawn: Container[int]) -> Iterator[int]:
    """Scenarios in which something was lost, other than those that were drawn."""
    losing = (scenario for scenario, *_ in store.losses())
    return (index for index, _ in groupby(losing) if index not in drawn)
