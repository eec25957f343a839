"""Spans come parents first, whatever graph their parents make; none is lost."""

from hypothesis import given, settings
from hypothesis import strategies as st

from agentalign_lc.traces.order import ordered
from agentalign_lc.traces.trace import Span

IDS = [f"s{n}" for n in range(12)]


@st.composite
def graphs(draw) -> list[Span]:
    """Any spans: forests, cycles, orphans, several with one id, with and without times."""
    spans = st.builds(
        Span,
        id=st.sampled_from(IDS),
        parent=st.sampled_from([*IDS, "elsewhere", None]),
        started=st.sampled_from([0.0, 1.0, 2.0, 3.0]),
        name=st.sampled_from("ab"),
    )
    return draw(st.lists(spans, max_size=20))


@given(graphs())
@settings(max_examples=200, deadline=None)
def test_parents_stand_before_their_children_and_no_span_is_lost(spans: list[Span]) -> None:
    done = ordered(spans)

    place = {span.id: at for at, span in enumerate(done)}
    assert len(place) == len(done)
    assert all(place[one.parent] < place[one.id] for one in done if one.parent in place)
    assert {(one.id.split("#")[0], one.name, one.started) for one in done} == {
        (one.id, one.name, one.started) for one in spans
    }


@given(graphs())
@settings(max_examples=100, deadline=None)
def test_only_a_cycle_costs_a_parent_and_only_one(spans: list[Span]) -> None:
    alone = list({span.id: span for span in spans}.values())
    done = {span.id: span for span in ordered(alone)}

    cut = [one for one in alone if done[one.id].parent != one.parent]
    known = {one.id: one.parent for one in alone}
    for span in cut:
        at, steps = span.parent, 0
        while at != span.id and steps < len(alone):
            at, steps = known.get(at), steps + 1
        assert at == span.id


@given(st.permutations([Span(id=str(n), parent=None, started=float(n)) for n in range(1, 6)]))
def test_siblings_stand_by_their_start(spans: list[Span]) -> None:
    assert [one.id for one in ordered(spans)] == ["1", "2", "3", "4", "5"]
