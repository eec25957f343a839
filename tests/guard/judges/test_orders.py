"""Orders inside results: the quick look before the patterns."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentalign_lc.guard.judges import orders


@pytest.mark.parametrize("pattern", orders._FIRST, ids=["blunt", "machine", "maybe machine"])
def test_the_quick_look_passes_over_nothing_that_a_pattern_finds(pattern) -> None:
    @settings(max_examples=200, deadline=None)
    @given(st.from_regex(pattern))
    def holds(text: str) -> None:
        assert orders._hints(text)

    holds()


def test_the_quick_look_spares_most_texts() -> None:
    assert not orders._hints("opening hours: 9 to 5, said the mail; it rained in spain.")
