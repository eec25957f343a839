"""A store that fails costs nothing: the traces wait, and one bad one does not hold up the others."""

import pytest

from agentalign_lc.errors import StoreError
from agentalign_lc.traces.collector.collector import Collector, FullError
from agentalign_lc.traces.collector.gathering import Gathering
from agentalign_lc.traces.collector.journal import Journal
from agentalign_lc.traces.collector.pieces import piece
from tests.traces.collector.served import run


class MoodyStore(list):
    """Takes traces when it likes them."""

    def __init__(self) -> None:
        self.dislikes: set[str] = set()

    def append(self, traces) -> int:
        bad = [trace.id for trace in traces if self.dislikes & {trace.id, "all"}]
        if bad:
            raise StoreError(f"cannot take {bad[0]}")
        self.extend(traces)
        return len(traces)


@pytest.fixture
def store():
    return MoodyStore()


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "j.sqlite") as journal:
        yield journal


def collector(store, journal, now, **options):
    return Collector(store, journal, gathering=Gathering(grace=0, **options), clock=lambda: now[0])


def pieces(*ids: str):
    return [piece(run(id, trace_id=id), patch=False) for id in ids]


def test_traces_wait_until_the_store_is_well(store, journal):
    now = [0.0]
    ours = collector(store, journal, now)
    ours.take(pieces("1", "2"))
    store.dislikes = {"all"}
    assert (ours.keep(), ours.waiting, ours.error) == (0, 2, "cannot take 2")
    assert len(list(journal)) == 2
    store.dislikes = set()
    assert ours.keep() == 0, "it asks again only after a while"
    now[0] = 10
    assert (ours.keep(), ours.waiting, ours.error) == (2, 0, "")
    assert list(journal) == []


def test_one_that_cannot_be_stored_stays_in_the_journal(store, journal):
    ours = collector(store, journal, [0.0])
    ours.take(pieces("1", "2", "3"))
    store.dislikes = {"2"}
    assert (ours.keep(), ours.waiting) == (2, 1)
    assert [left.id for _, _, left in journal] == ["2"]


def test_the_next_collector_takes_up_what_is_left(store, journal):
    collector(store, journal, [0.0]).take(pieces("1"))
    heir = collector(store, journal, [0.0])
    assert (heir.keep(), [trace.id for trace in store]) == (1, ["1"])


def test_too_much_is_turned_away(store, journal):
    ours = collector(store, journal, [0.0], most=400)
    store.dislikes = {"all"}
    ours.take(pieces("1", "2"))
    ours.keep()
    with pytest.raises(FullError, match="cannot take 2"):
        ours.take(pieces("3"))
    assert len(list(journal)) == 2
