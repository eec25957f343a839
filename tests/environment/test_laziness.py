"""What a world makes only when it is asked for is the same whenever that is."""

import json

import pytest

from agentalign_lc.environment.catalog import load_catalog
from agentalign_lc.environment.devices import COLLECTIONS
from agentalign_lc.environment.world import World

CATALOG = load_catalog()
STARTING = sorted(name for name, spec in CATALOG.collections.items() if spec.start)


@pytest.mark.parametrize("collection", sorted(set(STARTING) - set(COLLECTIONS)))
def test_start_rows_do_not_hang_on_what_was_done_before(make_world, collection):
    early, late = make_world(), make_world()
    first = list(early.rows(collection))
    late.clock.tick()
    late.draw.hex(8)
    for other in reversed(STARTING):
        list(late.rows(other))
    assert list(late.rows(collection)) == first
    assert early.snapshot() == late.snapshot()


@pytest.mark.parametrize("collection", sorted(COLLECTIONS))
def test_what_a_device_finishes_late_is_as_if_it_had_been_there_at_once(make_world, collection):
    brought = {
        "checkouts": [{"path": "~/code/choir"}],
        "files": [{"path": "~/notes.txt", "content": "milk"}],
        "hosts": [{"name": "pi.lan.example", "ports": "22, 80"}],
    }
    early, late = make_world(**brought), make_world(**brought)
    first = [dict(row) for row in early.rows(collection)]
    early.snapshot()
    for world in (early, late):
        for _ in range(3):
            world.clock.tick()
        world.insert("mails", {"id": world.draw.hex(8)})
    assert list(late.rows(collection)) == first
    assert late.snapshot() == early.snapshot()
    assert [change["collection"] for change in late.changes] == ["mails"]


def test_a_row_that_is_placed_first_does_not_displace_the_start_rows(catalog, world):
    bare = World(world.seed, world.user, catalog.collections)
    bare.place("mails", {"subject": "placed"})
    subjects = [row["subject"] for row in bare.rows("mails")]
    assert subjects == [row["subject"] for row in world.rows("mails")] + ["placed"]


@pytest.mark.parametrize(
    "query", ["bridge repairs in Norrvik", "price of a desk lamp", "Lena Osei"]
)
def test_pages_do_not_hang_on_which_search_came_first(make_world, query):
    one, two = make_world(), make_world()
    searches = [{"limit": 8}, {"limit": 8, "kind": "news"}]
    forth = [one.devices["web"].search(query, **each) for each in searches]
    back = [two.devices["web"].search(query, **each) for each in reversed(searches)]
    assert forth == back[::-1]
    assert {r["url"]: r for r in one.rows("pages")} == {r["url"]: r for r in two.rows("pages")}


@pytest.mark.parametrize(("device", "rows"), [("web", "pages"), ("social", "social_posts")])
def test_asked_again_the_answer_is_the_same_even_if_a_row_has_gone(world, device, rows):
    places = {"platforms": ["twitter", "weibo"]} if device == "social" else {}
    asked = [json.dumps(world.devices[device].search("bridge repairs", **places))]
    asked.append(json.dumps(world.devices[device].search("bridge repairs", **places)))
    world.delete(rows, next(iter(world.rows(rows))))
    asked.append(json.dumps(world.devices[device].search("bridge repairs", **places)))
    assert len(set(asked)) == 1


def test_a_changed_page_is_found_as_it_was_changed(world):
    found = world.devices["web"].search("bridge repairs")["results"][0]
    world.amend(found["snippet"], "Amended.")
    assert world.devices["web"].search("bridge repairs")["results"][0]["snippet"] == "Amended."
