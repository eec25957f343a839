"""The order of lessons: groups stay whole, every chain is told, no story twice before all were told."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentalign_lc.guard.learning.curriculum import Curriculum, plan_epochs
from agentalign_lc.guard.learning.lessons import Lesson
from agentalign_lc.records import Intent


def _story(chain: int, number: int) -> list[Lesson]:
    return [
        Lesson(
            text=f"{intent} story {number} of chain {chain} " * (1 + number),
            intent=intent,
            split="train",
            source="request",
            group=f"{chain} {number}",
            chain=str(chain),
        )
        for intent in Intent
    ]


@st.composite
def runs(draw: st.DrawFn) -> list[Lesson]:
    """Lessons of a run: chains with some stories each, and tools."""
    stories = draw(st.lists(st.integers(1, 4), max_size=6))
    told = [
        lesson
        for chain, count in enumerate(stories)
        for number in range(count)
        for lesson in _story(chain, number)
    ]
    tools = [
        Lesson(f"Do {n}.", Intent.BENIGN, "train", "tool", f"tool {n}")
        for n in range(draw(st.integers(0, 5)))
    ]
    return [*told, *tools]


@given(
    lessons=runs(),
    epochs=st.integers(1, 3),
    stories=st.integers(1, 3),
    batch=st.integers(1, 12),
    seed=st.integers(0, 9),
)
def test_every_epoch_tells_of_every_chain_in_whole_groups(
    lessons: list[Lesson], epochs: int, stories: int, batch: int, seed: int
) -> None:
    curriculum = Curriculum(epochs=epochs, stories=stories, batch=batch)
    plan = plan_epochs(lessons, curriculum, random.Random(seed))
    assert plan == plan_epochs(lessons, curriculum, random.Random(seed))
    sizes = Counter(lesson.group for lesson in lessons)
    told = Counter(lesson.chain for lesson in lessons if lesson.intent is Intent.HARMFUL)
    tools = {lesson.group for lesson in lessons if lesson.source == "tool"}
    assert len(plan) == epochs
    for epoch in plan:
        groups = [group for several in epoch for group in several]
        assert all(len(group) == sizes[group[0].group] for group in groups)
        names = Counter(group[0].group for group in groups)
        assert max(names.values(), default=1) == 1
        assert {name for name in names if name.startswith("tool")} == tools
        seen = Counter(group[0].chain for group in groups if group[0].source == "request")
        assert seen == {chain: min(count, stories) for chain, count in told.items()}
        for several in epoch:
            assert len(several) <= 1 or sum(map(len, several)) <= batch


@pytest.mark.parametrize("epochs", [2, 4])
def test_the_next_epoch_tells_the_next_stories(epochs: int) -> None:
    lessons = [lesson for number in range(4) for lesson in _story(0, number)]
    plan = plan_epochs(lessons, Curriculum(epochs=epochs, stories=1), random.Random(1))
    names = [group[0].group for epoch in plan for batch in epoch for group in batch]
    assert len(set(names)) == epochs
