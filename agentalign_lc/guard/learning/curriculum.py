"""In which order an encoder is shown the lessons of a run: epochs of batches of whole groups."""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from agentalign_lc.guard.learning.lessons import Lesson, triplets

__all__ = ["Curriculum", "Group", "plan_epochs"]

Group = list[Lesson]
"""Lessons that tell one story with other intents."""

_LENGTH_STEP = 60
"""Characters by which lengths may differ in a batch for nothing."""


@dataclass(frozen=True, slots=True)
class Curriculum:
    """How much of a run is shown, and how often."""

    epochs: int = 2
    """Each shows all short texts (readings, outlines, tools) and every everyday request."""
    stories: int = 2
    """Stories of each chain in an epoch; the next epoch tells the next ones."""
    tools: bool = True
    """Whether the tools' descriptions are shown."""
    batch: int = 36
    """Texts in a batch, about; groups stay whole."""


def plan_epochs(
    lessons: Iterable[Lesson], curriculum: Curriculum, chance: random.Random
) -> list[list[list[Group]]]:
    """Epochs of batches of groups.

    A chain's stories share its words, so that more of them teach less than one
    of another chain: each epoch takes a few of every chain, and not the same
    ones. Groups of like length come together, so that little of a batch is
    padding; the batches come in any order.

    Example:
        >>> from agentalign_lc.records import Intent
        >>> one = Lesson("Book a table.", Intent.BENIGN, "train", "request", "g", chain="c")
        >>> plan = plan_epochs([one], Curriculum(epochs=2), random.Random(7))
        >>> [[[len(group) for group in batch] for batch in epoch] for epoch in plan]
        [[[1]], [[1]]]
    """
    short: list[Group] = []
    told: dict[str, list[Group]] = {}
    shown = (lesson for lesson in lessons if curriculum.tools or lesson.source != "tool")
    for group in triplets(shown):
        if group[0].source == "request":
            told.setdefault(group[0].chain, []).append(group)
        else:
            short.append(group)
    for stories in told.values():
        chance.shuffle(stories)
    epochs = []
    for epoch in range(curriculum.epochs):
        stories = [
            group for groups in told.values() for group in _turn(groups, epoch, curriculum.stories)
        ]
        epochs.append(list(_batches([*short, *stories], curriculum.batch, chance)))
    return epochs


def _turn(groups: Sequence[Group], epoch: int, most: int) -> Iterator[Group]:
    """An epoch's stories of a chain, each at most once."""
    for place in range(min(most, len(groups))):
        yield groups[(epoch * most + place) % len(groups)]


def _batches(groups: Sequence[Group], size: int, chance: random.Random) -> Iterator[list[Group]]:
    shuffled = chance.sample(groups, len(groups))
    ranked = sorted(shuffled, key=lambda group: _length(group) // _LENGTH_STEP)
    batches: list[list[Group]] = [[]]
    for group in ranked:
        if sum(map(len, batches[-1])) + len(group) > size and batches[-1]:
            batches.append([])
        batches[-1].append(group)
    chance.shuffle(batches)
    yield from batches


def _length(group: Group) -> int:
    return max(len(lesson.text) for lesson in group)
