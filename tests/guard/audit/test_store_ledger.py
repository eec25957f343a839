"""The ledger in a store: the same chain, in memory and in a database, from threads and event loops."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore
from langgraph.store.sqlite import AsyncSqliteStore, SqliteStore

from agentalign_lc.errors import ConfigError, StoreError
from agentalign_lc.guard.audit.audit import Audit
from agentalign_lc.guard.audit.store_ledger import (
    NAMESPACE,
    StoreLedger,
    verify_sqlite,
    verify_store,
)
from tests.guard.audit.decisions import VIEW, Decision

HEAD = "head"


def key(number: int) -> str:
    return f"{number:015d}"


def write(store: BaseStore, entries: int = 5) -> BaseStore:
    ledger = StoreLedger(store)
    for n in range(1, entries + 1):
        ledger.append({"what": f"decision {n}"})
    return store


def value(store: BaseStore, name: str) -> dict[str, Any]:
    item = store.get(NAMESPACE, name)
    assert item
    return dict(item.value)


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BaseStore]:
    if request.param == "memory":
        yield InMemoryStore()
        return
    with SqliteStore.from_conn_string(str(tmp_path / "store.db")) as found:
        yield found


def test_what_was_written_is_intact(store: BaseStore) -> None:
    write(store)

    found = verify_store(store)

    assert (found.intact, found.entries) == (True, 5)
    assert found.end == value(store, HEAD)["hash"]
    assert verify_store(store, noted=found.end).intact


def test_a_decision_is_kept_without_its_secrets(store: BaseStore) -> None:
    Audit(store=store).record(Decision(), VIEW)

    entry = json.loads(value(store, key(1))["line"])

    assert (entry["action"], entry["n"]) == ("refuse_call", 1)
    assert entry["pending"][0]["arguments"]["api_key"] == "[secret]"
    assert verify_store(store).intact


# --- what was done to it


def put(store: BaseStore, number: int, line: str) -> None:
    store.put(NAMESPACE, key(number), {"line": line})


def edited(store: BaseStore) -> None:
    put(store, 3, value(store, key(3))["line"].replace("decision", "omission"))


def removed(store: BaseStore) -> None:
    store.delete(NAMESPACE, key(3))


def reordered(store: BaseStore) -> None:
    third, fourth = value(store, key(3))["line"], value(store, key(4))["line"]
    put(store, 3, fourth)
    put(store, 4, third)


def hashed_anew(store: BaseStore) -> None:
    """By a forger who knows the recipe."""
    forged = InMemoryStore()
    ledger = StoreLedger(forged)
    for n in (1, 2):
        ledger.append({"what": f"decision {n}"})
    ledger.append({"what": "nothing"})
    put(store, 3, value(forged, key(3))["line"])


def emptied(store: BaseStore) -> None:
    store.put(NAMESPACE, key(3), {"other": 1})


@pytest.mark.parametrize("attack", [edited, removed, reordered, hashed_anew, emptied])
def test_what_was_changed_is_named(store: BaseStore, attack: Callable[[BaseStore], None]) -> None:
    write(store)
    attack(store)

    assert verify_store(store).line == 3

    StoreLedger(store).append({"what": "later"})
    assert verify_store(store).line == 3, "writing on hides nothing"


@pytest.mark.parametrize("gone", [1, 2, 5])
def test_a_tail_that_was_cut_off_is_noticed(store: BaseStore, gone: int) -> None:
    write(store)
    for n in range(5, 5 - gone, -1):
        store.delete(NAMESPACE, key(n))

    found = verify_store(store)
    assert (found.line, found.entries) == (6 - gone, 5 - gone)
    assert "gone from the end" in found.problem

    StoreLedger(store).append({"what": "later"})
    assert verify_store(store).line == 6 - gone, "writing on does not close the gap"


def test_without_its_head_it_is_not_taken_on_trust(store: BaseStore) -> None:
    end = verify_store(write(store)).end
    store.delete(NAMESPACE, HEAD)

    assert "may be gone from the end" in verify_store(store).problem
    assert verify_store(store, noted=end).intact

    StoreLedger(store).append({"what": "later"})
    assert verify_store(store).entries == 6, "the head is found again"


def test_an_entry_that_another_writer_left_beyond_the_head_shows() -> None:
    store = write(InMemoryStore(), 3)
    put(store, 4, '{"what": "never"}')
    StoreLedger(store).append({"what": "later"})

    assert verify_store(store).line == 4
    assert json.loads(value(store, key(5))["line"])["what"] == "later"


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_change_of_any_entry_is_named(data: st.DataObject) -> None:
    store = write(InMemoryStore())
    number = data.draw(st.integers(1, 5))
    line = value(store, key(number))["line"]
    place = data.draw(st.integers(0, len(line) - 1))
    other = data.draw(st.characters().filter(lambda c: c != line[place]))
    put(store, number, line[:place] + other + line[place + 1 :])

    assert verify_store(store).line == number


def test_a_chain_of_several_pages() -> None:
    store = write(InMemoryStore(), 450)
    assert verify_store(store).entries == 450
    store.delete(NAMESPACE, key(401))
    assert verify_store(store).line == 401


# --- who writes, and where


def test_threads_share_a_chain(store: BaseStore) -> None:
    def work() -> None:
        own = StoreLedger(store)
        for _ in range(10):
            own.append({"what": "x"})

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (verify_store(store).entries, verify_store(store).intact) == (60, True)


async def test_tasks_share_a_chain(store: BaseStore) -> None:
    audit = Audit(store=store)
    await asyncio.gather(*(audit.arecord(Decision()) for _ in range(30)))

    assert (verify_store(store).entries, verify_store(store).intact) == (30, True)


async def test_an_async_store_is_written_from_async_code() -> None:
    async with AsyncSqliteStore.from_conn_string(":memory:") as store:
        await Audit(store=store).arecord(Decision())
        found = await asyncio.to_thread(verify_store, store)

        assert (found.entries, found.intact) == (1, True)
        with pytest.raises(StoreError, match="give a sync one"):
            Audit(store=store).record(Decision())


def test_chains_of_two_namespaces_are_two() -> None:
    store = InMemoryStore()
    for name in ("one", "two"):
        Audit(store=store, namespace=("audit", name)).record(Decision())

    assert [verify_store(store, ("audit", name)).entries for name in ("one", "two")] == [1, 1]
    assert verify_store(store).entries == 0


def test_entries_neither_expire_nor_are_embedded() -> None:
    asked: list[Any] = []

    def embed(texts: Any) -> list[list[float]]:
        asked.append(texts)
        return [[0.0] for _ in texts]

    write(InMemoryStore(index={"dims": 1, "embed": embed}))

    assert not asked


def test_a_sqlite_file_is_verified_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    with SqliteStore.from_conn_string(str(file)) as store:
        write(store)
    before = file.read_bytes()

    assert verify_sqlite(file).entries == 5
    with pytest.raises(ConfigError, match=r"no audit under other \(.*there are: agentalign\.audit"):
        verify_sqlite(file, ("other",))
    assert file.read_bytes() == before


class FullStore(InMemoryStore):
    def batch(self, ops: Any) -> Any:
        raise OSError("the disk is full\nmore of it")


def test_a_store_that_cannot_be_used_is_said_in_one_line() -> None:
    for work in (lambda: StoreLedger(FullStore()).append({}), lambda: verify_store(FullStore())):
        with pytest.raises(StoreError) as error:
            work()
        assert str(error.value).endswith(": the disk is full")


@pytest.mark.parametrize("namespace", [(), "a.b", ("a", ""), ("a", 3)])
def test_what_is_no_namespace(namespace: Any) -> None:
    with pytest.raises(ConfigError, match="is no namespace"):
        Audit(store=InMemoryStore(), namespace=namespace)


def test_what_is_no_place_for_an_audit(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a LangGraph store, not in dict"):
        Audit(store={})  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="give one of them"):
        Audit(tmp_path / "log.jsonl", store=InMemoryStore())
