"""Events can be made, found, moved and taken out, and those invited hear of it."""

import json
from datetime import timedelta

import pytest

CREATES = {
    "create_google_event": ("summary", "start_date_time", "attendees", "location"),
    "create_outlook_event": ("subject", "start", "required_attendees", "location"),
    "caldav_create_event": ("summary", "dtstart", "attendee", "location"),
}
LISTS = {"list_google_events": "date", "list_outlook_events": "day", "caldav_list_events": "on_date"}  # fmt: skip
SEARCHES = {"search_google_events": "q", "search_outlook_events": "search"}
MOVES = {
    "update_google_event": ("event_id", "start_date_time"),
    "reschedule_outlook_event": ("event", "new_start"),
}
DELETES = {
    "delete_google_event": "event_id",
    "cancel_outlook_event": "event",
    "caldav_delete_event": "uid",
}
FREE = {
    "google_freebusy": ("date", "attendees", "duration_minutes"),
    "outlook_find_meeting_times": ("day", "attendee_emails", "meeting_minutes"),
}
LENA = "lena.osei@mail.example"


@pytest.fixture
def create(call):
    def invoke(world, tool="create_google_event", start="2027-05-04T14:00", **more):
        title, at, people, place = CREATES[tool]
        return call(
            world,
            tool,
            **{title: "Kiln visit", at: start, people: [LENA], place: "Norrvik"},
            **more,
        )

    return invoke


@pytest.fixture
def mails(call):
    def invoke(world):
        found = call(world, "search_mailbox", query="kiln visit")["messages"]
        return [mail["subject"].partition(":")[0] for mail in found]

    return invoke


@pytest.mark.parametrize("tool", CREATES)
def test_an_event_is_listed_found_and_its_people_invited(world, call, create, mails, tool):
    made = create(world, tool)
    assert (made["start"], made["end"]) == ("2027-05-04T14:00:00Z", "2027-05-04T15:00:00Z")
    assert made["conflicts"] == []
    for reader, field in LISTS.items():
        (found,) = call(world, reader, **{field: "2027-05-04"})["events"]
        assert (found["id"], found["place"], found["attendees"]) == (made["id"], "Norrvik", [LENA])
        assert call(world, reader, **{field: "2027-05-05"})["events"] == []
    for reader, field in SEARCHES.items():
        for words in ("kiln", "the meeting with Lena.Osei", "events in NORRVIK"):
            (found,) = call(world, reader, **{field: words})["events"]
            assert found["title"] == "Kiln visit"
    assert mails(world) == ["Invitation"]


def test_an_offset_is_counted(world, create):
    assert create(world, start="2027-05-04T14:00:00+02:00")["start"] == "2027-05-04T12:00:00Z"


def test_an_overlap_is_reported(world, create):
    first = create(world)
    second = create(world, "create_outlook_event", "2027-05-04T14:59:00Z", duration_minutes=30)
    assert [event["id"] for event in second["conflicts"]] == [first["id"]]
    third = create(world, "caldav_create_event", "2027-05-04T15:29:00Z", duration="PT15M")
    assert third["conflicts"] == []


def test_an_event_ends_after_it_begins(world, create):
    error = create(world, end_date_time="2027-05-04T13:00:00Z")["error"]
    assert (error["code"], error["field"]) == ("invalid_argument", "end_date_time")
    assert world.changes == []


@pytest.mark.parametrize("tool", MOVES)
def test_a_moved_event_keeps_its_length(world, call, create, mails, tool):
    create(world, "create_outlook_event", duration_minutes=45)
    event, start = MOVES[tool]
    moved = call(world, tool, **{event: "kiln visit", start: "2027-05-06T09:30:00Z"})
    assert (moved["start"], moved["end"]) == ("2027-05-06T09:30:00Z", "2027-05-06T10:15:00Z")
    (found,) = call(world, "list_google_events", date="2027-05-06")["events"]
    assert found["id"] == moved["id"]
    assert mails(world) == ["Updated", "Invitation"]
    error = call(world, tool, **{event: "Nothing", start: "2027-05-06T09:30:00Z"})["error"]
    assert (error["code"], error["field"]) == ("not_found", event)


@pytest.mark.parametrize(("tool", "field"), DELETES.items())
def test_a_deleted_event_is_gone_and_its_people_are_told(world, call, create, mails, tool, field):
    made = create(world)
    assert call(world, tool, **{field: "Kiln visit"})["id"] == made["id"]
    assert call(world, "search_google_events", q="kiln")["events"] == []
    assert mails(world) == ["Cancelled", "Invitation"]
    error = call(world, tool, **{field: made["id"]})["error"]
    assert (error["code"], error["field"]) == ("not_found", field)


def test_of_two_events_of_one_title_the_next_is_meant(world, call):
    titles = [event["title"] for event in call(world, "list_google_events")["events"]]
    assert "Weekly planning" in titles
    moved = call(
        world, "update_google_event", event_id="Weekly planning", start_date_time="2027-05-04T10:00"
    )
    (last_week,) = call(world, "search_google_events", q="weekly planning -")["events"][:1]
    assert last_week["start"] < world.now < moved["start"]


@pytest.mark.parametrize("tool", FREE)
def test_free_hours_are_nobodys_busy_ones(world, call, create, tool):
    day, people, length = FREE[tool]
    create(world)
    asked = {day: "2027-05-04", people: [LENA], length: 30}
    free = call(world, tool, **asked)["free"]
    assert free == call(world, tool, **asked)["free"]
    busy = call(world, "google_freebusy", date="2027-05-04", attendees=[LENA])["busy"]
    assert {"2027-05-04T14:00:00Z"} <= {span["start"] for span in busy}
    assert {span["who"] for span in busy} == {"me", LENA}
    for hours in free:
        assert "2027-05-04T09:00:00Z" <= hours["start"] < hours["end"] <= "2027-05-04T17:00:00Z"
        assert all(b["end"] <= hours["start"] or b["start"] >= hours["end"] for b in busy)
    alone = call(world, tool, **{day: "2027-05-04"})["free"]
    assert [hours["start"][11:16] for hours in alone] == ["09:00", "15:00"]
    made = create(world, start=free[0]["start"])
    assert made["conflicts"] == []


@pytest.mark.parametrize("seed", ["one", "two", "three", "four"])
def test_every_world_has_a_week_ahead(make_world, call, seed):
    world = make_world(seed)
    events = call(world, "list_google_events")["events"]
    assert 3 <= len(events) <= 8
    assert [event["start"] for event in events] == sorted(event["start"] for event in events)
    assert all(event["end"] > world.now for event in events)
    day = world.today.date()
    days = call(world, "list_google_events", date=str(day - timedelta(days=7)), days=30)["events"]
    assert len(days) == 8
    assert world.changes == []


def test_events_of_a_scenario_need_only_a_title_and_a_start(make_world, call):
    world = make_world(
        calendar_events=[
            {"title": "Hearing", "start": "2027-05-04T10:00", "attendees": f"{LENA}, zoe@post.example"},
            {"title": "Inspection", "start": "soon", "duration": "90"},
        ]
    )  # fmt: skip
    (found,) = call(world, "list_outlook_events", day="2027-05-04")["events"]
    assert (found["title"], found["attendees"]) == ("Hearing", [LENA, "zoe@post.example"])
    assert found["end"] == "2027-05-04T11:00:00Z"
    assert len(call(world, "search_google_events", q="inspection")["events"]) == 1


def test_one_seed_one_calendar(make_world, call):
    def story(seed):
        return json.dumps(call(make_world(seed), "list_google_events", days=60, date="2026-01-01"))

    assert story("one") == story("one")
