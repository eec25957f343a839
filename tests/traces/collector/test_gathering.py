"""Pieces in any order make the same trace; no piece is held for ever, and none twice."""

from hypothesis import given
from hypothesis import strategies as st

from agentalign_lc.traces.collector.gathering import Gathering
from agentalign_lc.traces.collector.pieces import Piece, piece
from agentalign_lc.traces.importers.langsmith_runs import read_trace
from tests.traces.collector.served import END, START

_POSTED = {"name": "app", "run_type": "chain", "start_time": START, "inputs": {"a": 1}, "outputs": {}}  # fmt: skip
_PATCHED = {"end_time": END, "outputs": {"b": 2}, "extra": {"metadata": {"thread_id": "t"}}}


def posted(id: str, **more: object) -> Piece:
    return piece({"id": id, "trace_id": "1", **_POSTED, **more}, patch=False)


def patched(id: str, **more: object) -> Piece:
    return piece({"id": id, "trace_id": "1", **_PATCHED, **more}, patch=True)


def all_of(gathering: Gathering, pieces: list[Piece]) -> Gathering:
    for number, one in enumerate(pieces):
        gathering.add(one, number, 10, now=0)
    return gathering


_PIECES = [
    piece for id, parent in (("1", None), ("2", "1"), ("3", "2"))
    for piece in (posted(id, parent_run_id=parent), patched(id))
]  # fmt: skip


@given(st.permutations(_PIECES))
def test_the_order_of_arrival_does_not_matter(pieces):
    (found,) = all_of(Gathering(grace=0), pieces).ready(now=0)
    (expected,) = all_of(Gathering(grace=0), _PIECES).ready(now=0)
    assert found.whole
    assert read_trace(found.runs.values()) == read_trace(expected.runs.values())
    assert sorted(found.numbers) == list(range(6))


@given(st.permutations(_PIECES), st.sets(st.integers(0, 5)))
def test_whatever_comes_is_given_out_once(pieces, pauses):
    gathering = Gathering(grace=0, patience=0, idle=0)
    numbers = []
    for number, one in enumerate(pieces):
        gathering.add(one, number, 10, now=0)
        if number in pauses:
            numbers += [n for found in gathering.ready(now=0) for n in found.numbers]
    numbers += [n for found in gathering.ready(now=0) for n in found.numbers]
    assert sorted(numbers) == list(range(6))
    assert (len(gathering), gathering.size) == (0, 0)


def test_late_children_are_waited_for():
    gathering = all_of(Gathering(grace=2, patience=30), [posted("1"), posted("2"), patched("1")])
    assert gathering.ready(now=29) == []
    gathering.add(patched("2"), 3, 10, now=29)
    assert gathering.ready(now=30) == []
    assert [found.whole for found in gathering.ready(now=31)] == [True]


def test_a_root_that_never_ends_is_given_up():
    gathering = all_of(Gathering(idle=60), [posted("1")])
    assert gathering.ready(now=59) == []
    (found,) = gathering.ready(now=60)
    trace = read_trace(found.runs.values())
    assert (trace.attributes["part_of"], trace.spans[0].status) == ("1", "open")


def test_what_comes_later_is_another_part():
    gathering = all_of(Gathering(grace=0), [posted("1"), patched("1")])
    whole, late = gathering.ready(now=0), all_of(gathering, [patched("2", parent_run_id="1")])
    (part,) = late.ready(now=0, everything=True)
    assert read_trace(whole[0].runs.values()).id == "1"
    trace = read_trace(part.runs.values())
    assert trace.id.startswith("1+")
    assert trace.attributes["part_of"] == "1"


def test_patches_that_name_no_trace_find_theirs():
    orphan = Piece("2", "", True, {"id": "2", **_PATCHED})
    pieces = [orphan, posted("1"), posted("2", parent_run_id="1"), patched("1")]
    (found,) = all_of(Gathering(grace=0), pieces).ready(now=0)
    assert found.runs.keys() == {"1", "2"}
    assert found.runs["2"]["end_time"] == END


def test_memory_is_bounded_by_giving_up_the_quietest():
    gathering = Gathering(most=2_000)
    for number in range(10):
        one = Piece(str(number), str(number), False, {"id": str(number)})
        gathering.add(one, number, 100, now=number)
    given_up = [found.trace for found in gathering.ready(now=10)]
    assert given_up == ["0", "1", "2", "3", "4"]
    assert gathering.size <= 2_000
