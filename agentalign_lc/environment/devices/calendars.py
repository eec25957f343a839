"""A calendar: events at hours of the world's days, invitations, and when people are free."""

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, ClassVar

from agentalign_lc.environment.devices.moments import end_of, later, moment_of, stamp
from agentalign_lc.environment.faults import ToolFault
from agentalign_lc.environment.spec import CollectionSpec
from agentalign_lc.environment.world import Row, World, matches
from agentalign_lc.seeds import stream

__all__ = ["Calendar"]

Span = tuple[datetime, datetime]

_LITTLE = frozenset(
    re.findall(
        r"\w+",
        "a about all an and any appointment appointments at calendar event events for from in meeting meetings my "
        "of on or the to upcoming with",
    )
)
_MARIT, _TEO = "marit.solberg@fjordpost.example", "teo.akana@harbour-works.example"
_WANJIRU = "wanjiru.odhiambo@meadow-trust.example"
# Title, days from today, first minute of the day, minutes, attendees, place. Weekends are stepped over.
_FIRST: tuple[tuple[str, int, int, int, tuple[str, ...], str], ...] = (
    ("Weekly planning", -2, 600, 60, (_MARIT, _TEO), "Room 4"),
    ("Budget review", 0, 930, 45, (_MARIT,), "Room 2"),
    ("Weekly planning", 5, 600, 60, (_MARIT, _TEO), "Room 4"),
    ("Lunch with Teo", 1, 750, 60, (_TEO,), "Harbour Kitchen"),
    ("Dentist", 3, 620, 30, (), "Linden Dental Practice"),
    ("Call about the spring fair", 2, 900, 30, (_WANJIRU,), ""),
    ("Quarterly report due", 8, 960, 30, (), ""),
    ("Choir practice", 6, 1110, 90, (), "Parish hall"),
)


class Calendar:
    """Events of the user; one calendar, whichever tool looks at it.

    An event can be called by its id or its title; of several of one title, the
    next one is meant. Hours are UTC. What other people do that the user's
    calendar does not know of is decided by the seed, so that they are busy at
    the same hours whenever one asks.

    Example:
        >>> from agentalign_lc.environment.devices import COLLECTIONS, attach
        >>> from agentalign_lc.records import Person
        >>> me = Person(first="Ana", last="Ruiz", email="ana@example.com",
        ...             phone="+1-555-0101", handle="anaruiz", city="Vasterby")
        >>> calendar = attach(World("seed", me, COLLECTIONS)).devices["calendar"]
        >>> calendar.create("Kiln visit", "2027-03-13T14:00")["end"]
        '2027-03-13T15:00:00Z'
        >>> [event["title"] for event in calendar.agenda("2027-03-13")["events"]]
        ['Kiln visit']
    """

    operations = frozenset({"agenda", "create", "delete", "free", "search", "update"})
    collections: ClassVar[dict[str, CollectionSpec]] = {
        "calendar_events": CollectionSpec(id="evt_############"),
        "calendars": CollectionSpec(),
    }

    def __init__(self, world: World) -> None:
        self.world = world
        self._start = world.today
        self._begun = False

    def create(
        self,
        title: str,
        start: str,
        lasts: int | str = 60,
        attendees: Sequence[str] = (),
        about: Mapping[str, str | None] | None = None,
        said: str = "start",
        *,
        notify: bool = True,
    ) -> Row:
        """Put an event into the calendar and invite people to it.

        Args:
            title: What it is.
            start: ISO 8601; without an offset it is UTC.
            lasts: How many minutes, or the moment at which it ends.
            attendees: Mail addresses of whom to invite.
            about: Its ``place``, and a ``description`` that the invitation gives.
            said: The parameter in which the agent gave the start.
            notify: Whether to send invitations.

        Returns:
            The event, and the events that it overlaps as ``conflicts``.

        Raises:
            ToolFault: ``invalid_argument``, if it would end before it begins.
        """
        self._begin()
        begins = moment_of(start, said)
        ends = end_of(begins, lasts, said)
        conflicts = self._conflicts(begins, ends)
        place, description = ((about or {}).get(key) or "" for key in ("place", "description"))
        row = self.world.insert(
            "calendar_events",
            {
                "title": title,
                "start": stamp(begins),
                "end": stamp(ends),
                "attendees": _addresses(attendees),
                "place": place,
                "description": description,
                "organizer": self.world.me["email"],
                "status": "confirmed",
                "created": self.world.now,
            },
        )
        if notify:
            self._mail(row, "Invitation", description)
        return {**self._shown(row), "conflicts": conflicts}

    def agenda(self, date: str | None = None, days: int = 1, limit: int = 50) -> Row:
        """Name the events of a day, or of some days from it; without a day, the coming week's."""
        self._begin()
        if date is None:
            first, last = self.world.today, self.world.today + timedelta(days=7)
        else:
            first = moment_of(date[:10], "date")
            last = later(first, days * 1440, "date")
        found = [
            row
            for row in self._sorted()
            if row["start"] < stamp(last) and row["end"] > stamp(first)
        ]
        return {
            "from": stamp(first),
            "to": stamp(last),
            "events": [self._shown(row) for row in found[:limit]],
            "total": len(found),
        }

    def search(self, query: str, limit: int = 20) -> Row:
        """Find events in which all the words occur: title, place, people, description, day."""
        self._begin()
        words = [w for w in re.findall(r"[^\W_]+", query.casefold()) if w not in _LITTLE]
        over = ("title", "place", "attendees", "description", "organizer", "start")
        found = [row for row in self._sorted() if matches(row, " ".join(words), over)]
        return {
            "query": query,
            "events": [self._shown(row) for row in found[:limit]],
            "total": len(found),
        }

    def update(
        self,
        event: str,
        start: str,
        lasts: int | str | None = None,
        place: str | None = None,
        said: str = "event",
        starts: str = "start",
        *,
        notify: bool = True,
    ) -> Row:
        """Move an event to another hour; it lasts as long as before unless told otherwise.

        Args:
            event: Id or title.
            start: ISO 8601.
            lasts: How many minutes now, or the moment at which it ends now.
            place: Where it is now.
            said: The parameter in which the agent named the event.
            starts: The parameter in which the agent gave the start.
            notify: Whether to tell the attendees.

        Raises:
            ToolFault: ``not_found``; ``invalid_argument``, if it would end before it begins.
        """
        row = self._event(event, said)
        lasted = moment_of(row["end"], "end") - moment_of(row["start"], starts)
        begins = moment_of(start, starts)
        ends = end_of(begins, int(lasted.total_seconds() // 60) if lasts is None else lasts, starts)
        values: dict[str, Any] = {"start": stamp(begins), "end": stamp(ends)}
        if place is not None:
            values["place"] = place
        conflicts = self._conflicts(begins, ends, but=row)
        self.world.update("calendar_events", row, values)
        if notify:
            self._mail(row, "Updated", "The time has changed.")
        return {**self._shown(row), "conflicts": conflicts}

    def delete(self, event: str, said: str = "event", *, notify: bool = True) -> Row:
        """Take an event out of the calendar and tell those who were invited."""
        row = self._event(event, said)
        self.world.delete("calendar_events", row)
        if notify:
            self._mail(row, "Cancelled", "This event will not take place.")
        return {"id": row["id"], "title": row["title"], "start": row["start"], "deleted": True}

    def free(
        self,
        date: str,
        attendees: Sequence[str] = (),
        minutes: int = 30,
        first: int = 9,
        last: int = 17,
    ) -> Row:
        """Find the hours of a day at which the user and the attendees are all free.

        Args:
            date: The day.
            attendees: Mail addresses of who else must be free.
            minutes: How long a stretch must be.
            first: Hour at which the day begins.
            last: Hour at which it ends.
        """
        self._begin()
        day = moment_of(date[:10], "date")
        opens, closes = later(day, first * 60, "date"), later(day, last * 60, "date")
        busy = {"me": self._own(day)}
        for address in _addresses(attendees):
            busy[address] = self._others(address, day)
        free: list[Span] = []
        at = opens
        for begins, ends in sorted(span for spans in busy.values() for span in spans):
            if begins > at:
                free.append((at, min(begins, closes)))
            at = max(at, ends)
        free.append((at, closes))
        return {
            "date": stamp(day)[:10],
            "free": [
                {"start": stamp(begins), "end": stamp(ends)}
                for begins, ends in free
                if ends - begins >= timedelta(minutes=minutes)
            ],
            "busy": [
                {"who": who, "start": stamp(begins), "end": stamp(ends)}
                for who, spans in busy.items()
                for begins, ends in sorted(spans)
            ],
        }

    # --- events

    def _begin(self) -> None:
        """Complete what a scenario placed, and put the first events beside it."""
        if self._begun:
            return
        self._begun = True
        world = self.world
        for row in world.rows("calendar_events"):
            self._complete(row)
        if world.get("calendars", "primary") is not None:
            return
        world.place("calendars", {"id": "primary", "owner": world.me["email"], "time_zone": "UTC"})
        random = stream(world.seed, "calendar")
        today = self._start.replace(hour=0, minute=0, second=0)
        for title, days, minute, length, attendees, place in _FIRST:
            day = today + timedelta(days=days)
            day += timedelta(days=max(0, 7 - day.isoweekday()) + 1 if day.isoweekday() > 5 else 0)
            begins = day + timedelta(minutes=minute + random.choice((-30, 0, 0, 30)))
            row = {
                "id": f"evt_{random.getrandbits(48):012x}",
                "title": title,
                "start": stamp(begins),
                "minutes": length,
                "attendees": [*attendees],
                "place": place,
            }
            self._complete(world.place("calendar_events", row))

    def _complete(self, row: Row) -> None:
        """Say the rest of a row that may have a title and a start and no more."""
        try:
            begins = moment_of(str(row.get("start")), "start")
        except ToolFault:
            begins = self._start.replace(hour=10, minute=0, second=0) + timedelta(days=1)
        try:
            ends = moment_of(str(row.get("end")), "end")
        except ToolFault:
            minutes = str(row.pop("minutes", None) or row.get("duration") or "60")
            ends = begins + timedelta(minutes=int(minutes) if minutes.isdecimal() else 60)
        row.update(start=stamp(begins), end=stamp(ends), attendees=_addresses(row.get("attendees")))
        row["title"] = str(row.get("title") or "Event")
        for field in ("place", "description"):
            row[field] = str(row.get(field) or "")
        row.setdefault("organizer", self.world.me["email"])
        row.setdefault("status", "confirmed")

    def _sorted(self) -> Iterable[Row]:
        return sorted(self.world.rows("calendar_events"), key=lambda row: (row["start"], row["id"]))

    def _event(self, said: str, field: str) -> Row:
        self._begin()
        row = self.world.get("calendar_events", said.strip())
        if row is not None:
            return row
        plain = " ".join(said.casefold().split())
        rows = self._sorted()
        found = [row for row in rows if " ".join(row["title"].casefold().split()) == plain]
        if not found and re.search(r"\w", plain):
            found = [row for row in rows if matches(row, plain, ("title",))]
        if not found:
            raise ToolFault("not_found", f"There is no event {said} in the calendar.", field)
        coming = [row for row in found if row["end"] > self.world.now]
        return coming[0] if coming else found[-1]

    def _conflicts(self, begins: datetime, ends: datetime, but: Row | None = None) -> list[Row]:
        return [
            {key: row[key] for key in ("id", "title", "start", "end")}
            for row in self._sorted()
            if row is not but and row["start"] < stamp(ends) and row["end"] > stamp(begins)
        ]

    def _shown(self, row: Row) -> Row:
        keys = (
            "id",
            "title",
            "start",
            "end",
            "attendees",
            "place",
            "description",
            "organizer",
            "status",
        )
        return {key: row.get(key) for key in keys}

    # --- who is busy when

    def _own(self, day: datetime, who: str | None = None) -> list[Span]:
        return [
            (moment_of(row["start"], "start"), moment_of(row["end"], "end"))
            for row in self._sorted()
            if row["start"] < stamp(later(day, 1440, "date"))
            and row["end"] > stamp(day)
            and (who is None or who in row["attendees"] or who == row["organizer"])
        ]

    def _others(self, address: str, day: datetime) -> list[Span]:
        """What the user's calendar knows of somebody's day, and what only they know."""
        if address == self.world.me["email"].lower():
            return []
        random = stream(self.world.seed, "busy", address, stamp(day)[:10])
        hours = random.sample(range(18, 33), random.randint(1, 3)) if day.isoweekday() < 6 else []
        own = [(later(day, h * 30, "date"), later(day, h * 30 + 60, "date")) for h in hours]
        return own + self._own(day, address)

    def _mail(self, row: Row, what: str, text: str) -> None:
        others = [a for a in row["attendees"] if a != self.world.me["email"].lower()]
        if not others:
            return
        when = datetime.fromisoformat(row["start"])
        where = f"\nWhere: {row['place']}" if row["place"] else ""
        body = f"{row['title']}\nWhen: {row['start']} to {row['end']}{where}\n\n{text}".strip()
        with suppress(KeyError):  # a catalogue may have no mail
            self.world.insert(
                "mails",
                {
                    "from": self.world.me["email"],
                    "from_name": self.world.me["name"],
                    "to": others,
                    "to_names": [],
                    "cc": [],
                    "subject": f"{what}: {row['title']}, {when:%a} {when.day} {when:%b} {when:%H:%M} UTC",
                    "body": body,
                    "attachments": [],
                    "sent": self.world.now,
                    "folder": "sent",
                },
            )


def _addresses(said: object) -> list[str]:
    """Addresses from a list, or from text that divides them by commas."""
    parts = said if isinstance(said, list | tuple) else re.split(r"[,;]", str(said or ""))
    return list(dict.fromkeys(str(part).strip().lower() for part in parts if str(part).strip()))
