"""The leaning: words of harmful readings against those of the milder ones."""

from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentalign_lc.guard.judges.leaning import Leaning
from agentalign_lc.records import Intent
from agentalign_lc.taxonomy import Library


@pytest.fixture(scope="module")
def some(library: Library) -> Library:
    chosen = list(library)[::16]
    return Library((c.category, library.scripts[c.name]) for c in chosen)


@pytest.fixture(scope="module")
def leaning(some) -> Leaning:
    return Leaning(some)


def test_what_it_learned_from_it_tells_apart(leaning, some) -> None:
    leans = {
        intent: mean(leaning.lean(p) for c in some for p in some.reading(c, intent).phrasings)
        for intent in Intent
    }

    assert leans[Intent.HARMFUL] > 0 > max(leans[Intent.BORDERLINE], leans[Intent.BENIGN])


def test_a_phrasing_is_nearest_to_its_own_chain_and_reading(leaning, some) -> None:
    right = []
    for chain in some:
        for intent in (Intent.HARMFUL, Intent.BENIGN):
            near = leaning.near(some.reading(chain, intent).phrasings[0])
            right.append(max(near, key=lambda name: max(near[name])) == chain.name)
            own = near[chain.name]
            right.append((own.harmful > own.milder) == (intent is Intent.HARMFUL))

    assert mean(right) > 0.95


def test_words_that_nobody_used_say_nothing(leaning) -> None:
    assert leaning.lean("") == leaning.lean("zzxq 123") == 0.0
    assert leaning.near("zzxq 123") == {}


def test_what_is_hidden_behind_much_text_is_read(leaning, some) -> None:
    request = some.reading(next(iter(some)), Intent.HARMFUL).phrasings[0]

    assert leaning.lean("zzxq " * 100_000 + request) > 0


def test_chains_that_are_left_out_are_not_learned_from(some) -> None:
    first, *rest = some
    leaning = Leaning(some, rest)

    near = leaning.near(some.reading(first, Intent.HARMFUL).phrasings[0])

    assert first.name not in near
    assert set(near) <= {chain.name for chain in rest}


@settings(deadline=None)
@given(st.text(max_size=300))
def test_nearness_is_a_cosine(leaning, text) -> None:
    for found in leaning.near(text).values():
        assert all(-1e-9 <= value <= 1 + 1e-9 for value in found)
